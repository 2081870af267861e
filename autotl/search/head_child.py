"""What the process of a plugin's heads runs; it imports nothing heavy before standard output is out of the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autotl.runtime import keras_backend
from autotl.runtime.guarded_process import Document, Handler, serve


def main() -> None:
    """Run the child; called by `GuardedProcess`."""
    serve(_start)


def _start(ask: Callable[[Document], dict[str, Any]]) -> Handler:
    keras_backend.prepare()
    with keras_backend.quietly():
        # Nothing is computed here: what has begun to compute must not be forked. What most heads are made of is
        # imported before they are asked anything: it does not count against their time, and is there after a crash.
        import sklearn.linear_model  # noqa: F401

        from autotl.search.head_server import HeadServer
    return HeadServer(ask)
