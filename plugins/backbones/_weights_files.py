"""Files of weights as Keras 2 (`.h5`) and Keras 3 (`.weights.h5`) save them: loaded, or refused with the reason."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from autotl.errors import WeightsError

if TYPE_CHECKING:
    import h5py
    import keras

SUFFIX = ".weights.h5"
"""Keras 3 saves files with this ending, and tells the two formats apart by it."""
_NOT_NEEDED = re.compile(r"dense|normalization|rescaling|dropout|input_layer")
"""Layers of a file that may stay unread: a classifier, and preprocessing, which AutoTL puts in itself."""


def load_file(network: keras.Model, file: Path) -> None:
    """Load the weights of a file, whatever its name; raises WeightsError that names the layer and the shapes."""
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            legacy, unread = _is_legacy(opened), _unread(opened, network)
    except OSError as reason:
        raise WeightsError(f"{file} cannot be read as an HDF5 file: {first_line(reason)}") from None
    if unread:
        raise WeightsError(
            f"it is of another network, or holds its classifier (include_top=True): the layers {', '.join(unread[:3])}"
            f"{' and more' if len(unread) > 3 else ''} have no place in this one."
        )
    try:
        with _named(file, ".h5" if legacy else SUFFIX) as path, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # before it raises, Keras warns of what it could not load
            network.load_weights(str(path))
    except (OSError, ValueError, KeyError) as reason:
        raise WeightsError((_misfit(file, network) if legacy else "") or _in_short(reason)) from None


def first_line(reason: BaseException) -> str:
    """The first line of a message, as a sentence."""
    text = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
    return text if text.endswith(".") else f"{text}."


@contextmanager
def _named(file: Path, suffix: str) -> Iterator[Path]:
    """The file under a name with the ending by which Keras knows its format."""
    if file.name.endswith(suffix) and (suffix == SUFFIX or not file.name.endswith(SUFFIX)):
        yield file
        return
    with TemporaryDirectory() as folder:
        link = Path(folder) / f"network{suffix}"
        link.symlink_to(file.absolute())
        yield link


def _is_legacy(opened: h5py.File) -> bool:
    """Whether Keras 2's layout is inside; raises WeightsError if neither is."""
    if "model_weights" in opened or {"layer_names", "layer_names0"} & set(opened.attrs):
        return True
    if "layers" in opened or "_layer_checkpoint_dependencies" in opened:
        return False
    found = ", ".join(sorted(opened)[:5]) or "nothing"
    raise WeightsError(f"it is an HDF5 file, but not of the weights of a Keras network: it holds {found}.")


def _unread(opened: h5py.File, network: keras.Model) -> list[str]:
    """The layers in a file of Keras 3 that the network does not have: Keras would pass over them in silence."""
    counts: Counter[str] = Counter()
    expected = set()
    for layer in network.layers:
        name = _snake_case(type(layer).__name__)
        expected.add(f"{name}_{counts[name]}" if counts[name] else name)
        counts[name] += 1
    stored = opened.get("layers", {})
    return [name for name in stored if name not in expected and not _NOT_NEEDED.match(name) and _holds(stored[name])]


def _holds(group: Any) -> bool:
    """Whether there is an array anywhere in a group."""
    import h5py

    return isinstance(group, h5py.Dataset) or any(_holds(part) for part in group.values())


def _snake_case(name: str) -> str:
    """As Keras names the layers in a file: DepthwiseConv2D -> depthwise_conv2d."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _misfit(file: Path, network: keras.Model) -> str:
    """The first layer of Keras 2's layout that is another one in the network; empty where there is none."""
    import h5py

    with h5py.File(file, "r") as opened:
        group = opened.get("model_weights", opened)
        stored = [
            (name, [tuple(group[name][weight].shape) for weight in _names(group[name], "weight_names")])
            for name in _names(group, "layer_names")
        ]
    stored = [(name, shapes) for name, shapes in stored if shapes]
    wanted = [
        (layer.name, [tuple(weight.shape) for weight in (*layer.trainable_weights, *layer.non_trainable_weights)])
        for layer in network.layers if layer.weights
    ]  # fmt: skip
    for number, (have, want) in enumerate(zip(stored, wanted, strict=False), 1):
        if have[1] != want[1]:
            return (
                f"its layer {number}, {have[0]!r}, has weights of shapes {_shapes(have[1])}; the network's layer "
                f"{number}, {want[0]!r}, takes {_shapes(want[1])}."
            )
    if len(stored) != len(wanted):
        return f"it has {len(stored)} layers with weights; the network has {len(wanted)}."
    return ""


def _names(group: Any, attribute: str) -> list[str]:
    """Names that Keras 2 keeps in an attribute, or in several where there are many."""
    parts = [attribute] if attribute in group.attrs else [f"{attribute}{i}" for i in range(len(group.attrs))]
    names = [name for part in parts if part in group.attrs for name in group.attrs[part]]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _shapes(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes)) or "none"


def _in_short(reason: BaseException) -> str:
    """What Keras says of the first layer that does not fit, in one line, and of how many others there are."""
    text = " ".join(re.split("List of objects|, dtype=|, value=", str(reason))[0].split())
    return first_line(ValueError(text[:600]))
