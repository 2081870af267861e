"""Encoders that a PyTorch library makes and a child process exports: what timm's and torchvision's have in common."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.errors import ConfigError, WeightsError
from autotl.interfaces import Encoder, Size
from autotl.runtime.user_paths import expand_home
from autotl_plugins.encoders._child_work import ask_child
from autotl_plugins.encoders._kept_networks import FACTS, NETWORK, file_digest, kept_network

if TYPE_CHECKING:
    import onnx

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
"""Files of weights, the first one first; those of PyTorch are read as tensors only, and nothing is unpickled."""
CHECKPOINT = ":checkpoint="


@dataclass(frozen=True)
class Library:
    """A library of networks.

    name: of its package, and the prefix of its models. read(file, height, width): the graph of an encoder, from the
    file that the child exported.
    """

    name: str
    packages: tuple[str, ...]
    read: Callable[[Path, int, int], onnx.ModelProto]


def open_model(library: Library, name: str) -> Encoder | None:
    """The encoder that a name such as `timm:resnet18` stands for; None if it has another prefix.

    The first time, the network is exported, which takes about a minute. Raises WeightsError if packages or weights
    are missing, ConfigError if there is no such model or it cannot be exported.
    """
    prefix, colon, rest = name.partition(":")
    if not colon or prefix != library.name:
        return None
    model, _, checkpoint = rest.partition(CHECKPOINT)
    if not model:
        raise ConfigError(
            f"{name!r} does not name a model of {library.name}; expected a name such as {prefix}:resnet18."
        )
    _require_packages(library, name)
    weights = _given_weights(model, checkpoint)
    identity = [model, {package: importlib.metadata.version(package) for package in library.packages}]
    identity.append(file_digest(weights) if weights else "published")
    request = {
        "library": library.name, "model": model, "given": bool(checkpoint), "weights": str(weights) if weights else ""
    }  # fmt: skip

    def export(size: Size | None) -> Path:
        return kept_network(name.partition(CHECKPOINT)[0], [prefix, *identity, size], partial(_export, request, size))

    facts = json.loads((export(None) / FACTS).read_text(encoding="utf-8"))
    sizes = tuple((height, width) for height, width in facts["sizes"])

    def graph(height: int, width: int) -> onnx.ModelProto:
        if (height, width) not in sizes:
            taken = ", ".join(f"{h}x{w}" for h, w in sizes)
            raise ConfigError(f"{name} does not take images of {height}x{width}; it takes {taken}.")
        native = (height, width) == sizes[0]
        return library.read(export(None if native else (height, width)) / NETWORK, height, width)

    return Encoder(name, graph, sizes, source=facts["source"], licence=facts["licence"], commercial=facts["commercial"])


def _export(request: dict[str, Any], size: Size | None, folder: Path) -> None:
    what = f"exporting {request['library']}:{request['model']} to ONNX"
    ask_child("_torch_child", {**request, "size": size, "folder": str(folder)}, what=what)


def _require_packages(library: Library, name: str) -> None:
    missing = [package for package in library.packages if importlib.util.find_spec(package) is None]
    if missing:
        raise WeightsError(
            f"{name} needs the Python packages {' and '.join(missing)}, which are not installed. Install them with "
            'pip install "autotl[torch]".'
        )


def _given_weights(model: str, checkpoint: str) -> Path | None:
    """The file that the name gives, else one with the model's name in the folder of the settings."""
    from autotl.settings import settings

    if checkpoint:
        file = expand_home(checkpoint).absolute()
        if not file.is_file():
            raise WeightsError(f"there is no file {file}; expected the weights of {model} after {CHECKPOINT[1:]!r}.")
        if file.suffix not in SUFFIXES:
            raise WeightsError(f"{file} is not a weights file; expected one that ends in {' or '.join(SUFFIXES)}.")
        return file
    folder = settings().weights
    files = [folder / f"{model}{suffix}" for suffix in SUFFIXES] if folder else []
    return next((file for file in files if file.is_file()), None)
