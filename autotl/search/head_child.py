"""What the process of a plugin's heads runs; it imports nothing heavy before standard output is out of the way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autotl.runtime import keras_backend
from autotl.runtime.guarded_process import Document, Handler, serve


def main() -> None:
    """Run the child; called by `GuardedProcess`."""
    serve(_start)


def _start(ask: Callable[[Document], dict[str, Any]]) -> Handler:
    keras_backend.prepare()
    # TensorFlow writes to descriptor 2 while it is imported, and no setting prevents it.
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        # Nothing is computed here: what has begun to compute must not be forked.
        from autotl.search.head_server import HeadServer
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    return HeadServer(ask)
