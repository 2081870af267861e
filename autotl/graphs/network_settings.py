"""Settings of an ONNX network from files beside it: `NAME.json`, or the configuration of a model hub.

`NAME.json` beside `NAME.onnx` is an object whose keys are all optional:

- `size`: of the input, in pixels: a number or [height, width].
- `scale`, `mean`, `std`: the network is given (pixel * scale - mean) / std, for pixels of 0..255. `mean` and `std` are
  a number, or one per channel in the order of `channels`. Without a `scale` it is 1/255, or 1 if a mean or deviation
  exceeds 2.
- `channels`: "RGB", "BGR" or "grey"; `layout`: "NCHW" or "NHWC", of the input.
- `outputs`: the names of the tensors to read, shallow to deep, instead of those found automatically.
- `source`, `licence`: texts for the model card; `commercial`: false if the licence forbids commercial use.

Without such a file, the `preprocessor_config.json` of Hugging Face is read, or the `config.json` of timm.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotl.errors import ConfigError, in_one_line

_ORDERS = ("RGB", "BGR", "grey")
_LAYOUTS = ("NCHW", "NHWC")
_PLAIN_VALUES = 2.0
"""A larger mean or deviation refers to pixels of 0..255, not 0..1."""
MOST_PIXELS = 4096
_MOST_BYTES = 1_000_000
_LEAST, _MOST = 1e-6, 1e6
"""Of numbers that pixels are divided or multiplied by; others overflow in single precision."""
_TIMM_FILE = "config.json"


@dataclass(frozen=True)
class NetworkSettings:
    """Settings found beside the file of a network; None and empty texts for what they do not state.

    file: that says it; None if there is none. own: it was written for this network, so that its size is the graph's;
    a hub's is that of the images, which the graph may take smaller. scale, mean, std: the network is given
    (pixel * scale - mean) / std.
    """

    file: Path | None = None
    own: bool = False
    size: tuple[int, int] | None = None
    scale: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channels: str = ""
    layout: str = ""
    outputs: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    commercial: bool | None = None

    @property
    def normalises(self) -> bool:
        """Whether the settings state how pixels are normalised."""
        return (self.scale, self.mean, self.std) != (None, None, None)

    @property
    def pixel_scale(self) -> float:
        """The scale, derived from mean and deviation if it is not stated."""
        if self.scale is not None:
            return self.scale
        return 1.0 if max((*(self.mean or ()), *(self.std or ())), default=0.0) > _PLAIN_VALUES else 1 / 255


def settings_files(network: Path) -> tuple[Path, ...]:
    """The files in which settings are looked for; the first that states any is used."""
    folders = [network.parent, *([network.parent.parent] if network.parent.name == "onnx" else [])]
    return (
        network.with_suffix(".json"),
        *(folder / "preprocessor_config.json" for folder in folders),
        *(folder / _TIMM_FILE for folder in folders),
    )


def read_settings(network: Path) -> NetworkSettings:
    """Read the settings beside the file of a network; raises ConfigError for an unknown key or a wrong value."""
    own, *hubs = settings_files(network)
    if own.is_file():
        return _own_settings(own, _read_object(own))
    for file in hubs:
        if file.is_file():
            found = _timm(file) if file.name == _TIMM_FILE else _hugging_face(file, _read_object(file))
            if found is not None:
                return found
    return NetworkSettings()


def _read_object(file: Path) -> dict[str, Any]:
    try:
        if (n_bytes := file.stat().st_size) > _MOST_BYTES:
            raise ConfigError(f'{file} has {n_bytes / 1e6:.1f} MB; expected an object such as {{"size": 224}}.')
        document = json.loads(file.read_bytes())  # with or without a byte order mark
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file} cannot be read as JSON: {error}. Correct it, or remove it.") from error
    if not isinstance(document, dict):
        raise ConfigError(f'{file} holds {_shown(document)}; expected an object such as {{"size": 224}}.')
    return document


def _own_settings(file: Path, document: Mapping[str, Any]) -> NetworkSettings:
    if unknown := sorted(set(document) - set(_READERS)):
        raise ConfigError(f"{file} has the key {unknown[0]!r}; expected some of {', '.join(_READERS)}.")
    return NetworkSettings(file=file, own=True, **{key: _value(file, key, value) for key, value in document.items()})


def _hugging_face(file: Path, document: Mapping[str, Any]) -> NetworkSettings | None:
    keys = ("image_mean", "image_std", "size", "crop_size", "rescale_factor")
    if not any(key in document for key in keys):
        return None
    said: dict[str, Any] = {}
    size = document.get("crop_size") if document.get("do_center_crop", True) else None
    size = size if size is not None else document.get("size")
    if isinstance(size, dict):
        size = [size["height"], size["width"]] if {"height", "width"} <= set(size) else size.get("shortest_edge")
    if size is not None:
        said["size"] = _value(file, "size", size)
    normalised = document.get("do_normalize", True)
    for key, theirs in (("mean", "image_mean"), ("std", "image_std")):
        if normalised and theirs in document:
            said[key] = _value(file, key, document[theirs], named=theirs)
    rescaled = document.get("do_rescale", True)
    said["scale"] = _value(file, "scale", document.get("rescale_factor", 1 / 255)) if rescaled else 1.0
    return NetworkSettings(file=file, **said)


def _timm(file: Path) -> NetworkSettings | None:
    """None if the file is of another program: many use this name."""
    try:
        about = _read_object(file).get("pretrained_cfg")
    except ConfigError:
        return None
    if not isinstance(about, dict):
        return None
    said: dict[str, Any] = {"scale": 1 / 255}
    if about.get("input_size") is not None:
        shape = about["input_size"]
        said["size"] = _value(file, "size", shape[-2:] if isinstance(shape, list) else shape, named="input_size")
    for key, theirs in (("mean", "mean"), ("std", "std"), ("licence", "license"), ("source", "hf_hub_id")):
        if about.get(theirs) is not None:
            said[key] = _value(file, key, about[theirs], named=theirs)
    return NetworkSettings(file=file, **said)


def _value(file: Path, key: str, value: Any, *, named: str = "") -> Any:
    read, expected = _READERS[key]
    found = read(value)
    if found is None:
        raise ConfigError(f"{file} has {_shown(value)} under {named or key!r}; expected {expected}.")
    return found


def _size(value: Any) -> tuple[int, int] | None:
    pair = [value, value] if isinstance(value, int) else value
    if not isinstance(pair, list) or len(pair) != 2:
        return None
    whole = all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= MOST_PIXELS for n in pair)
    return (pair[0], pair[1]) if whole else None


def _numbers(value: Any, *, positive: bool = False) -> tuple[float, ...] | None:
    numbers = value if isinstance(value, list) else [value]
    if len(numbers) not in (1, 3) or not all(_is_number(n) and (n >= _LEAST or not positive) for n in numbers):
        return None
    return tuple(map(float, numbers))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST


def _text(value: Any) -> str | None:
    return in_one_line(value) if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    texts = isinstance(value, list) and value and all(isinstance(text, str) and text for text in value)
    return tuple(value) if texts and len(set(value)) == len(value) else None


def _choice(options: tuple[str, ...]) -> Callable[[Any], str | None]:
    return lambda value: next((option for option in options if str(value).lower() == option.lower()), None)


_READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "size": (_size, f"a whole number of pixels from 1 to {MOST_PIXELS}, or [height, width]"),
    "scale": (lambda value: float(value) if _is_number(value) and value >= _LEAST else None, "a number above 0"),
    "mean": (_numbers, "a number, or one per channel such as [0.485, 0.456, 0.406]"),
    "std": (lambda value: _numbers(value, positive=True), "a number above 0, or one per channel"),
    "channels": (_choice(_ORDERS), f"one of {', '.join(_ORDERS)}"),
    "layout": (_choice(_LAYOUTS), f"one of {', '.join(_LAYOUTS)}"),
    "outputs": (_texts, "a list of names of tensors, each once"),
    "source": (_text, "a text"),
    "licence": (_text, "a text"),
    "commercial": (lambda value: value if isinstance(value, bool) else None, "true or false"),
}


def _shown(value: Any) -> str:
    return f"{json.dumps(value):.80}"
