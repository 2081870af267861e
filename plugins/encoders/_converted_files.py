"""Networks in TensorFlow's formats for devices and browsers, converted to ONNX by tf2onnx in a child process."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from autotl.errors import ConfigError, WeightsError
from autotl.interfaces import Encoder
from autotl.runtime.user_paths import why_no_file
from autotl_plugins.encoders._child_work import ask_child
from autotl_plugins.encoders._kept_networks import file_digest, kept_network
from autotl_plugins.encoders.onnx_files import open_file

SETTINGS_ENDING = "-settings"
"""`NAME-settings.json` says what a file beside a network cannot say: see `autotl.graphs.network_settings`."""
_SECONDS = 600.0
_PACKAGES = ("tf2onnx", "tensorflow")


def open_converted(name: str, file: Path, kind: str, parts: Sequence[Path] = ()) -> Encoder:
    """The encoder of a file, converted once and then read as any ONNX file.

    name: as the user gave it. kind: "tflite" or "tfjs". parts: files that belong to it. Raises WeightsError if the
    converter is not installed, ConfigError if it cannot convert the file or there is no network of images in it.
    """
    _require_converter(file)
    settings = file.with_name(f"{file.stem}{SETTINGS_ENDING}.json")
    files = [file, *parts, *([settings] if settings.is_file() else [])]
    identity = [kind, importlib.metadata.version("tf2onnx"), [file_digest(one) for one in files]]
    request = {"kind": kind, "file": str(file)}
    folder = kept_network(file.stem, identity, partial(_convert, request, settings))
    network = folder / f"{settings.stem}.onnx"
    try:
        encoder = open_file(str(network))
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(network), str(file))) from None
    assert encoder is not None  # an ONNX file
    return replace(encoder, name=name, source=encoder.source.replace(network.name, file.name))


def _convert(request: Mapping[str, Any], settings: Path, folder: Path) -> None:
    network = folder / f"{settings.stem}.onnx"
    what = f"converting {request['file']} to ONNX"
    ask_child("_converter_child", {**request, "network": str(network)}, what=what, seconds=_SECONDS)
    if settings.is_file():
        (folder / settings.name).write_bytes(settings.read_bytes())


def _require_converter(file: Path) -> None:
    missing = [package for package in _PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        raise WeightsError(
            f"{file} has to be converted to ONNX with {' and '.join(missing)}, which is not installed. Install it with "
            'pip install "autotl[convert,cpu]", or convert the file elsewhere and give the ONNX file.'
        )


def read_json(file: Path) -> Any:
    """The document in a JSON file; None if it holds none."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def require_file(file: Path, ending: str) -> None:
    """Raise ConfigError, with the files of this ending that are there, where a file is missing."""
    if file.is_file():
        return
    if other := why_no_file(file):
        raise ConfigError(f"{other}; expected a {ending} file.")
    beside = sorted(one.name for one in file.parent.glob(f"*{ending}")) if file.parent.is_dir() else []
    there = f"{file.parent} has {', '.join(beside[:5])}" if beside else f"{file.parent} has no {ending} file"
    raise ConfigError(f"there is no file {file}; {there}.")
