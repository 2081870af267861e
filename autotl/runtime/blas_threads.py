"""How many threads one linear algebra call may use; on small problems they spend longer waiting than computing."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def limit_threads(n: int | None) -> AbstractContextManager[Any]:
    """Limit each call of NumPy, SciPy and scikit-learn to at most n threads within this context; None for no limit."""
    limited: AbstractContextManager[Any] = _controller().limit(limits=n)
    return limited


def pin_thread() -> None:
    """Let OpenMP use one thread where this thread calls it, for good; OpenMP keeps that number for each thread."""
    _controller().select(user_api="openmp").limit(limits=1).__enter__()


@cache
def _controller() -> Any:
    """Find the libraries once, after all of them have been loaded: it takes 6 ms, as long as a small fit."""
    import sklearn.linear_model  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def threads_per_worker(workers: int) -> int | None:
    """Threads each worker may use, so that several workers do not compete for the cores; None for all of them."""
    return None if workers == 1 else cores_per_worker(workers)


def cores_per_worker(workers: int) -> int:
    """Cores for each of several workers, at least one."""
    return max(1, (os.cpu_count() or 1) // workers)
