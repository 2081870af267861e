"""Threads within one linear algebra call: on small problems they wait for each other longer than they compute."""

from __future__ import annotations

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
