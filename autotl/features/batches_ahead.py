"""Batches computed in several threads, a few ahead of the one that is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Vectors = tuple[list[int], np.ndarray]
"""The numbers of some items, and their vectors."""


def computed_ahead(
    batches: Iterable[tuple[list[int], T]], compute: Callable[[T], np.ndarray], pool: ThreadPoolExecutor, most: int
) -> Generator[Vectors]:
    """The vectors of each batch of items, in order; closing it ends what was begun, and the pool.

    batches: the numbers of items, and what `compute` takes. most: batches that are begun before one is asked for.
    """
    ahead: deque[tuple[list[int], Future[np.ndarray]]] = deque()
    try:
        for items, batch in batches:
            ahead.append((items, pool.submit(compute, batch)))
            if len(ahead) > most:
                done, vectors = ahead.popleft()
                yield done, vectors.result()
        for done, vectors in ahead:
            yield done, vectors.result()
    finally:
        pool.shutdown(cancel_futures=True)
