"""Pairs of images worth a closer look: each image with its nearest neighbours among precomputed vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from autotl.images.whitening import unit

KEPT_PER_ITEM = 7
_BLOCK_ITEMS = 128
_TILE_ITEMS = 1024
"""The products of a block with a tile stay in the cache of a core, where the best of many crops costs nothing."""
_GROUP = 32
_FIELDS = ("first", "second", "similarity", "coarse", "box", "chance", "distance")


@dataclass(frozen=True)
class Similarities:
    """Ordered pairs of items and how similar they are: what `box` shows of `first` resembles `second`.

    similarity: 0..1. coarse: the product by which the pair was found. box: the number of the view. chance: the
    similarity that unrelated images reach by chance. distance: 1 - cosine of the whole images before whitening.
    """

    first: np.ndarray
    second: np.ndarray
    similarity: np.ndarray
    coarse: np.ndarray
    box: np.ndarray
    chance: np.ndarray
    distance: np.ndarray

    def keys(self, n: int) -> np.ndarray:
        """See `pair_keys`."""
        return pair_keys(self.first, self.second, n)

    def __getitem__(self, chosen: np.ndarray | slice) -> Similarities:
        return Similarities(*(getattr(self, name)[chosen] for name in _FIELDS))


def pair_keys(first: np.ndarray, second: np.ndarray, n: int) -> np.ndarray:
    """A number for each unordered pair of n items."""
    return np.asarray(np.minimum(first, second).astype(np.int64) * n + np.maximum(first, second))


@dataclass(frozen=True)
class Crops:
    """Crops of the queries, which are looked for among whole images.

    n: how many crops of each query. vectors(rows, crop): those of some queries, float32 (len(rows), k), as long as the
    targets'. numbers: how many of these numbers they are looked for by, the first. together: the nearest of all crops
    of a query are kept, instead of the nearest of each.
    """

    n: int
    vectors: Callable[[np.ndarray, int], np.ndarray]
    numbers: int
    together: bool


def n_blocks(n_items: int) -> int:
    """How many blocks the comparison of all with all is divided into; `candidates` calls `on_block` once for each."""
    return -(-n_items // _BLOCK_ITEMS)


def candidates(
    queries: np.ndarray,
    targets: np.ndarray,
    crops: Crops | None,
    labels: np.ndarray,
    sequence: np.ndarray,
    pool: ThreadPoolExecutor,
    on_block: Callable[[], None],
) -> Similarities:
    """The pairs that are worth a closer look.

    queries, targets: the vectors of the whole images. crops: are also looked for, as views 1 and on. labels: int (n,).
    sequence: int (m, 2), pairs that are kept in any case. on_block: called `n_blocks` times.
    """
    # Sorted by class, so that the images of other classes are those before and behind an image's own class.
    order = np.argsort(labels, kind="stable")
    sorted_labels, sorted_targets = labels[order], targets[order]
    short_targets = unit(sorted_targets[:, : crops.numbers]) if crops else sorted_targets

    def nearest(begin: int) -> Similarities:
        rows = order[begin : begin + _BLOCK_ITEMS]
        found = _nearest(queries[rows], sorted_targets, begin, sorted_labels)
        if crops:
            seen = np.stack([crops.vectors(rows, crop) for crop in range(crops.n)])
            for number, some in enumerate([seen] if crops.together else np.split(seen, crops.n)):
                near = _nearest_to_crops(some, sorted_targets, short_targets, begin)
                found = concatenate([found, replace(near, box=near.box + number)])
        return replace(found, first=order[found.first], second=order[found.second])

    parts = []
    for part in pool.map(nearest, range(0, len(order), _BLOCK_ITEMS)):
        parts.append(part)
        on_block()
    value = np.einsum("ij,ij->i", queries[sequence[:, 0]], targets[sequence[:, 1]])
    parts.append(similarities(sequence[:, 0], sequence[:, 1], value, np.zeros(len(sequence), int)))
    return best_of(parts, len(order), labels, pair_keys(sequence[:, 0], sequence[:, 1], len(order)))


def union(found: Similarities, more: Similarities, n: int) -> Similarities:
    """The pairs of both; a pair that is in both is taken from `found`."""
    return concatenate([found, more[~np.isin(more.keys(n), found.keys(n))]])


def similarities(first: np.ndarray, second: np.ndarray, coarse: np.ndarray, box: np.ndarray) -> Similarities:
    """Pairs of which only the product is known."""
    unknown = np.zeros(len(first), np.float32)
    return Similarities(first, second, coarse, coarse, box, unknown, unknown)


def _nearest(queries: np.ndarray, targets: np.ndarray, begin: int, labels: np.ndarray) -> Similarities:
    """The nearest targets of each query, which is itself the target at `begin` and on; also the one of another class.

    labels: of the targets, sorted.
    """
    products = queries @ targets.T
    rows = np.arange(len(products))
    products[rows, begin + rows] = -2.0
    kept = min(KEPT_PER_ITEM - 1, len(targets) - 1)
    others = _nearest_of_other_class(products, labels, begin)
    first = np.concatenate([np.repeat(rows, kept), rows[others >= 0]])
    second = np.concatenate([largest(products, kept).ravel(), others[others >= 0]])
    return similarities(first + begin, second, products[first, second], np.zeros(len(first), int))


def _nearest_to_crops(crops: np.ndarray, targets: np.ndarray, short: np.ndarray, begin: int) -> Similarities:
    """The nearest targets of the crops of each query, each with the crop that is nearest to it.

    crops: float32 (n_crops, n_queries, k). targets: (n, k). short: the first numbers of these, by which the nearest are
    looked for.
    """
    n_queries = crops.shape[1]
    products = np.full((n_queries, len(targets)), -2.0, np.float32)
    short_crops = [unit(own[:, : short.shape[1]]) for own in crops]
    for start in range(0, len(targets), _TILE_ITEMS):
        tile, part = short[start : start + _TILE_ITEMS].T, products[:, start : start + _TILE_ITEMS]
        room = np.empty(part.shape, np.float32)
        for own in short_crops:
            np.maximum(part, np.matmul(own, tile, out=room), out=part)
    rows = np.arange(n_queries)
    products[rows, begin + rows] = -2.0
    kept = min(KEPT_PER_ITEM - 1, len(targets) - 1)
    first, second = np.repeat(rows, kept), largest(products, kept).ravel()
    exact = np.stack([np.einsum("ij,ij->i", own[first], targets[second]) for own in crops])
    return similarities(first + begin, second, exact.max(0), exact.argmax(0) + 1)


def largest(values: np.ndarray, kept: int) -> np.ndarray:
    """The columns of the largest values of each row, int (n_rows, kept), in no order.

    They lie in the `kept` groups of columns with the largest maxima; finding these is faster than sorting all.
    """
    n = values.shape[1]
    width = n // _GROUP
    if width <= kept:
        return np.argpartition(values, n - kept, axis=1)[:, n - kept :]
    # A group is every width-th column, because maxima over whole rows of numbers are fastest.
    maxima = values[:, : _GROUP * width].reshape(len(values), _GROUP, width).max(1)
    groups = np.argpartition(maxima, width - kept, axis=1)[:, width - kept :]
    columns = (groups[:, :, None] + width * np.arange(_GROUP)).reshape(len(values), -1)
    rest = np.broadcast_to(np.arange(_GROUP * width, n), (len(values), n - _GROUP * width))
    columns = np.concatenate([columns, rest], axis=1)
    some = np.take_along_axis(values, columns, axis=1)
    best = np.argpartition(some, some.shape[1] - kept, axis=1)[:, some.shape[1] - kept :]
    return np.take_along_axis(columns, best, axis=1)


def _nearest_of_other_class(products: np.ndarray, labels: np.ndarray, begin: int) -> np.ndarray:
    """The column of another class with the largest value in each row, int (n_rows,), -1 where there is one class."""
    found = np.full(len(products), -1)
    own = labels[begin : begin + len(products)]
    for label in np.unique(own):
        rows = slice(*np.searchsorted(own, [label, label + 1]))
        low, high = np.searchsorted(labels, [label, label + 1])
        best = [
            part.argmax(1) + at for part, at in ((products[rows, :low], 0), (products[rows, high:], high)) if part.size
        ]
        values = [np.take_along_axis(products[rows], columns[:, None], axis=1)[:, 0] for columns in best]
        if best:
            found[rows] = np.where(values[0] >= values[-1], best[0], best[-1])
    return found


def best_of(parts: list[Similarities], n: int, labels: np.ndarray, wanted: np.ndarray) -> Similarities:
    """Each unordered pair once, with its best view; for each item its best pairs and the best across classes.

    wanted: keys of pairs that are kept in any case.
    """
    found = concatenate(parts)
    key = found.keys(n)
    order = np.lexsort((-found.similarity, key))
    once = np.r_[True, np.diff(key[order]) != 0]
    found = found[order[once]]
    keep = np.isin(key[order[once]], wanted)
    across = labels[found.first] != labels[found.second]
    for item in (found.first, found.second):
        keep |= _rank(item, found.similarity) < KEPT_PER_ITEM
        keep |= across & (_rank(np.where(across, item, -1), found.similarity) < 1)
    return found[keep]


def concatenate(parts: Sequence[Similarities]) -> Similarities:
    return Similarities(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))


def _rank(item: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The rank of each value among those of the same item, 0 for the largest."""
    order = np.lexsort((-value, item))
    ordered = item[order]
    rank = np.empty(len(item), dtype=int)
    rank[order] = np.arange(len(item)) - np.searchsorted(ordered, ordered)
    return rank
