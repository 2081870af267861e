"""Cells of similar vectors, in which the nearest of a query are looked for instead of among all.

An inverted file (Sivic and Zisserman, "Video Google: a text retrieval approach to object matching in videos", 2003)
with k-means on unit vectors as its coarse quantiser (Jégou, Douze and Schmid, "Product quantization for nearest
neighbor search", 2011): the time grows with the number of vectors, and not with its square.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from autotl.images.candidate_pairs import largest
from autotl.images.whitening import unit

_CELL_ITEMS, _LARGEST_CELL, _MOST_CELLS = 400, 1600, 2000
_SAMPLE_PER_CELL, _ROUNDS = 40, 6
_ASSIGNED_AT_ONCE = 2048


@dataclass(frozen=True)
class Cells:
    """Items sorted by cell.

    centres: float32 (n_cells, k), unit vectors. items: int (n,). starts: int (n_cells + 1,): the items of cell c are
    items[starts[c]:starts[c + 1]].
    """

    centres: np.ndarray
    items: np.ndarray
    starts: np.ndarray

    def nearest(self, vectors: np.ndarray, n_cells: int) -> np.ndarray:
        """The cells with the centres nearest to each vector, int (len(vectors), n_cells) or fewer, in no order."""
        found = np.empty((len(vectors), min(n_cells, len(self.centres))), dtype=np.int32)
        for start in range(0, len(vectors), _ASSIGNED_AT_ONCE):
            part = slice(start, start + _ASSIGNED_AT_ONCE)
            found[part] = largest(vectors[part] @ self.centres.T, found.shape[1])
        return found


def make_cells(vectors: np.ndarray, pool: ThreadPoolExecutor) -> Cells:
    """Cells of a few hundred items each, none much larger. vectors: float32 (n, k), unit vectors."""
    rng, n = np.random.default_rng(0), len(vectors)
    n_cells = int(np.clip(n // _CELL_ITEMS, 1, _MOST_CELLS))
    sample = vectors[np.sort(rng.choice(n, min(n, _SAMPLE_PER_CELL * n_cells), replace=False))]
    centres = sample[np.sort(rng.choice(len(sample), n_cells, replace=False))]
    for _ in range(_ROUNDS):
        nearest = _assign(sample, centres, pool)
        filled, sums = _sums(sample, np.argsort(nearest, kind="stable"), np.bincount(nearest, minlength=n_cells))
        centres[filled] = unit(sums)
    nearest = _assign(vectors, centres, pool)
    items = np.argsort(nearest, kind="stable")
    # Equal vectors would all be in one cell.
    counts = np.concatenate([_parts(count) for count in np.bincount(nearest).tolist()])
    counts = counts[counts > 0]
    return Cells(unit(_sums(vectors, items, counts)[1]), items, np.concatenate([[0], np.cumsum(counts)]))


def _parts(count: int) -> np.ndarray:
    """The sizes of the parts into which a cell of so many items is divided, int (n_parts,)."""
    n_parts = max(1, -(-count // _LARGEST_CELL))
    return np.diff(np.linspace(0, count, n_parts + 1).astype(int))


def _sums(vectors: np.ndarray, items: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which cells are not empty, int (m,), and the sum of the vectors of each, float32 (m, k).

    items: in the order of the cells. counts: of each cell, int (n_cells,).
    """
    filled = np.flatnonzero(counts)
    ends = np.cumsum(counts)[filled]
    sums = [vectors[items[end - count : end]].sum(axis=0) for end, count in zip(ends, counts[filled], strict=True)]
    return filled, np.stack(sums)


def _assign(vectors: np.ndarray, centres: np.ndarray, pool: ThreadPoolExecutor) -> np.ndarray:
    """The nearest centre of each vector, int (n,)."""

    def assign(start: int) -> np.ndarray:
        return np.asarray((vectors[start : start + _ASSIGNED_AT_ONCE] @ centres.T).argmax(axis=1))

    return np.concatenate([*pool.map(assign, range(0, len(vectors), _ASSIGNED_AT_ONCE))])
