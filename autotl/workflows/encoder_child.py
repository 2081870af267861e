"""What a process runs in which an encoder of another author makes its graph for the first time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.interfaces import Encoder
from autotl.plugins import load_plugins
from autotl.runtime.guarded_process import Document, Handler, serve

if TYPE_CHECKING:
    import numpy as np


def main() -> None:
    """Run the child; called by `GuardedProcess`."""
    serve(_start)


def _start(ask: Callable[[Document], dict[str, Any]]) -> Handler:  # noqa: ARG001 - it asks nothing
    return _make_graph


def _make_graph(body: Document, _arrays: Sequence[np.ndarray]) -> tuple[Document, Sequence[np.ndarray]]:
    folder = Path(body["file"]).parent if body["file"] else None
    plugins = load_plugins(folder=folder, installed=not body["file"], only=body["plugin"])
    encoder = plugins.pick(Encoder, body["encoder"])
    encoder.graph(*encoder.sizes[0])
    return {}, ()
