"""Pairs of images worth a closer look in a large dataset: the nearest neighbours of each image, looked for in cells."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from autotl.images.candidate_pairs import (
    KEPT_PER_ITEM,
    Crops,
    Similarities,
    best_of,
    concatenate,
    pair_keys,
    similarities,
)
from autotl.images.cells import Cells, make_cells
from autotl.images.whitening import unit

_BLOCKS, _SMALLEST_BLOCK, _LARGEST_BLOCK = 200, 512, 4096
"""The larger a block, the more of its queries are compared with a cell at once, and the more memory it takes."""
_CELLS_OF_IMAGE, _CELLS_OF_CROP = 16, 8
"""How many cells are searched for what is nearest to an image, and to a crop."""
_KEPT_PER_CELL, _KEPT_OF_CROPS = 2, 96
"""So many are kept of each cell, and of all cells of all crops of an image, in which images repeat."""
_NONE = -2.0


def n_cell_blocks(n_items: int) -> int:
    """How many blocks the search is divided into; `candidates_in_cells` calls `on_block` once for each."""
    return -(-n_items // _block_items(n_items))


def _block_items(n_items: int) -> int:
    return int(np.clip(n_items // _BLOCKS, _SMALLEST_BLOCK, _LARGEST_BLOCK))


def candidates_in_cells(
    queries: np.ndarray,
    targets: np.ndarray,
    crops: Crops,
    labels: np.ndarray,
    sequence: np.ndarray,
    pool: ThreadPoolExecutor,
    on_block: Callable[[], None],
) -> Similarities:
    """As `candidate_pairs.candidates`, in a time that grows with the number of items; a few pairs are missed.

    queries, targets: float16 will do. on_block: called `n_cell_blocks` times.
    """
    n, numbers, size = len(labels), crops.numbers, _block_items(len(labels))
    short = unit(_exact(targets[:, :numbers]))
    cells = make_cells(short, pool)
    whole = _Search(cells, targets, labels, _CELLS_OF_IMAGE)
    cropped = _Search(cells, short, labels, _CELLS_OF_CROP)

    def nearest(begin: int) -> Similarities:
        rows = cells.items[begin : begin + size]
        own = _exact(queries[rows])
        found, others = whole.find(rows, unit(own[:, :numbers]), own, across=True)
        seen = np.stack([crops.vectors(rows, crop) for crop in range(crops.n)])
        views = unit(seen[:, :, :numbers].reshape(-1, numbers))
        near, _ = cropped.find(np.tile(rows, crops.n), views, views)
        near = _Found(*(np.concatenate(np.split(part, crops.n), axis=1) for part in (near.second, near.value)))
        return concatenate([
            *(_pairs(rows, *some) for some in (found.best(KEPT_PER_ITEM - 1), others.best(1))),
            _aligned_with(seen, targets, rows, *near.best(KEPT_PER_ITEM - 1)[:2]),
        ])  # fmt: skip

    parts = []
    for part in pool.map(nearest, range(0, n, size)):
        parts.append(part)
        on_block()
    value = np.einsum("ij,ij->i", _exact(queries[sequence[:, 0]]), _exact(targets[sequence[:, 1]]))
    first, second = sequence.T.astype(np.int32)
    parts.append(similarities(first, second, value, np.zeros(len(sequence), np.int8)))
    return best_of(parts, n, labels, pair_keys(sequence[:, 0], sequence[:, 1], n))


@dataclass(frozen=True)
class _Found:
    """Targets found for some queries, int and float32 (n_queries, m); the value is `_NONE` where there is none."""

    second: np.ndarray
    value: np.ndarray

    @classmethod
    def none(cls, n_queries: int, m: int) -> _Found:
        """Nothing yet."""
        return cls(np.zeros((n_queries, m), np.int32), np.full((n_queries, m), _NONE, np.float32))

    def put(self, rows: np.ndarray, column: np.ndarray, items: np.ndarray, products: np.ndarray) -> None:
        """Move the largest product of each row from `products` here. items: of their columns."""
        best, own = products.argmax(axis=1), np.arange(len(products))
        self.second[rows, column], self.value[rows, column] = items[best], products[own, best]
        products[own, best] = _NONE

    def best(self, kept: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The best targets of each query: its number, the target and the value, each (n,)."""
        order = np.argsort(-self.value, axis=1, kind="stable")[:, :_KEPT_OF_CROPS]
        second, value = (np.take_along_axis(part, order, axis=1) for part in (self.second, self.value))
        by_target = np.argsort(second, axis=1, kind="stable")
        sorted_ = np.take_along_axis(second, by_target, axis=1)
        new = np.ones(second.shape, bool)
        np.put_along_axis(new, by_target[:, 1:], sorted_[:, 1:] != sorted_[:, :-1], axis=1)
        new &= value > _NONE
        query, place = np.nonzero(new & (np.cumsum(new, axis=1) <= kept))
        return query, second[query, place], value[query, place]


@dataclass(frozen=True)
class _Search:
    """targets: float32 (n, k), which are looked for in so many cells. labels: theirs."""

    cells: Cells
    targets: np.ndarray
    labels: np.ndarray
    n_cells: int

    def find(
        self, items: np.ndarray, places: np.ndarray, vectors: np.ndarray, *, across: bool = False
    ) -> tuple[_Found, _Found]:  # fmt: skip
        """The nearest targets in each of the cells nearest to some queries, and those of another class if asked for.

        items: which targets the queries are themselves, int (n_queries,). places: by which their cells are found.
        vectors: float32 (n_queries, k).
        """
        cells = self.cells.nearest(places, self.n_cells)
        n_queries, n_cells = cells.shape
        found, others = _Found.none(n_queries, n_cells * _KEPT_PER_CELL), _Found.none(n_queries, n_cells)
        order = np.argsort(cells, axis=None, kind="stable")
        bounds = np.searchsorted(cells.ravel()[order], np.arange(len(self.cells.centres) + 1))
        for cell in np.flatnonzero(np.diff(bounds)):
            rows, column = np.divmod(order[bounds[cell] : bounds[cell + 1]], n_cells)
            there = self.cells.items[self.cells.starts[cell] : self.cells.starts[cell + 1]]
            products = vectors[rows] @ _exact(self.targets[there]).T
            products[items[rows][:, None] == there] = _NONE
            for number in range(_KEPT_PER_CELL):
                found.put(rows, column * _KEPT_PER_CELL + number, there, products)
            if across:
                products[self.labels[items[rows]][:, None] == self.labels[there]] = _NONE
                others.put(rows, column, there, products)
        return found, others


def _pairs(rows: np.ndarray, query: np.ndarray, second: np.ndarray, value: np.ndarray) -> Similarities:
    return similarities(rows[query].astype(np.int32), second, value, np.zeros(len(query), np.int8))


def _aligned_with(
    seen: np.ndarray, targets: np.ndarray, rows: np.ndarray, query: np.ndarray, second: np.ndarray
) -> Similarities:  # fmt: skip
    """The pairs with the crop that is nearest by all numbers. seen: float32 (n_crops, len(rows), k)."""
    there = _exact(targets[second])
    exact = np.stack([np.einsum("ij,ij->i", own[query], there) for own in seen])
    return similarities(rows[query].astype(np.int32), second, exact.max(0), (exact.argmax(0) + 1).astype(np.int8))


def _exact(vectors: np.ndarray) -> np.ndarray:
    """In float32, in which products are fast."""
    return vectors.astype(np.float32, copy=False)
