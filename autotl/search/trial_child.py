"""What the process runs in which networks are trained; it imports nothing heavy before standard output is free."""

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
        # Nothing is computed here: what has begun to compute must not be forked.
        import keras_tuner  # noqa: F401
        import scipy.stats  # noqa: F401
        import sklearn.linear_model  # noqa: F401

        from autotl.search.child_trials import ChildTrials
    return ChildTrials(ask)
