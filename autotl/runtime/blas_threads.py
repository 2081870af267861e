"""Threads within one linear algebra call: on small problems they wait for each other longer than they compute."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def limit_threads(n: int | None) -> AbstractContextManager[Any]:
    """Within this context NumPy, SciPy and scikit-learn compute in at most n threads a call; None for no limit."""
    limited: AbstractContextManager[Any] = _controller().limit(limits=n)
    return limited


@cache
def _controller() -> Any:
    """Looking for the libraries takes 6 ms, as long as a small fit; so it is done once, after all have been loaded."""
    import sklearn.linear_model  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def threads_per_worker(workers: int) -> int | None:
    """Threads one worker may use, so that several do not fight for the cores; None for all."""
    return None if workers == 1 else max(1, (os.cpu_count() or 1) // workers)
