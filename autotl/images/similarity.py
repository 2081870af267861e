"""How alike the pictures of a set are: each with its most alike ones, laid on each other and compared.

A 64-bit perceptual hash, the usual tool, finds re-compressed and resized copies, but not cropped ones, and takes
unlike drawings on one background for copies (figures: tests/benchmarks/RESULTS.md). Here pictures of 32 x 32 pixels
are laid on each other and compared after whitening with the data set's own covariance: what all its pictures
share (a white background, the outline of a shoe) then counts little, and what only two of them share counts much.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from statistics import NormalDist

import numpy as np

from autotl.images.alignment import WHOLE, Box, align, describe

_KEPT_PER_ITEM = 7
_COMPONENTS = 256
_FEW_ITEMS = 300
_CUTOFF_ITEMS = 20_000
"""More pictures than this do not change a covariance that matters here."""
_NOISE, _COARSE_NOISE = 0.2, 0.6
"""Of the mean variance of a component: below it, differences are those of another compression."""
_COMPARISONS = 2e9
"""Of pictures with pictures: about a quarter of the time that a small backbone takes to read 10,000 images."""
_BLOCK_NUMBERS = 8_000_000
_GROUP = 32
_COMPARED_AT_ONCE, _CHANGED_AT_ONCE = 512, 8192
_FALSE_FRIENDS = 0.01
"""How many strangers of a picture may be called its like by chance: one picture in 100 has one."""
_FILM_ITEMS = 5000
"""In larger sets the whitened pictures find the frames too, and another comparison of all with all is saved."""
_FIELDS = ("first", "second", "similarity", "box", "chance", "distance")


@dataclass(frozen=True)
class Similarities:
    """Ordered pairs: what `box` shows of `first` resembles `second`.

    chance: the similarity that needs no explanation. distance: of the whole pictures before whitening, 1 - cosine.
    """

    first: np.ndarray
    second: np.ndarray
    similarity: np.ndarray
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
    return np.asarray(np.minimum(first, second) * n + np.maximum(first, second))


class Whitening:
    """Principal components of the vectors, scaled to equal variance; beyond the first 256 all alike."""

    def __init__(self, vectors: np.ndarray) -> None:
        sample = vectors[:: -(-len(vectors) // _CUTOFF_ITEMS)]
        sample = sample - sample.mean(0)
        self._n_items = len(sample)
        variance, axes = np.linalg.eigh((sample.T @ sample / len(sample)).astype(np.float64))
        variance, self._axes = variance[::-1].clip(0), axes[:, ::-1]
        # A third of the items: later components describe single pictures, and would call each one unique.
        kept = int(min(_COMPONENTS, max(1, len(sample) // 3)))
        self._variance = np.where(np.arange(len(variance)) < kept, variance, variance[kept:].mean())
        self._mean_variance = max(float(variance.mean()), 1e-12)
        self._fine, self._coarse = self._matrix(_NOISE, None), self._matrix(_COARSE_NOISE, _COMPONENTS)

    def _matrix(self, noise: float, kept: int | None) -> np.ndarray:
        # Of few pictures the small variances are those of single films, and must not count as telling pictures apart.
        noise *= self._mean_variance * (1 + _FEW_ITEMS / self._n_items)
        scaled = self._axes / np.sqrt(self._variance + noise)
        return scaled[:, :kept].astype(np.float32)

    def fine(self, vectors: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Vectors whose products tell copies from strangers, as long as those given: blank pictures are all unlike."""
        return np.asarray(_unit((vectors - mean) @ self._fine) * np.linalg.norm(vectors, axis=1, keepdims=True))

    def coarse(self, vectors: np.ndarray) -> np.ndarray:
        """Shorter unit vectors that forgive being a little out of place."""
        return _unit((vectors - vectors.mean(0)) @ self._coarse)


def views_of(n_items: int) -> list[Box]:
    """The whole picture, and the crops that are looked for: one centred, nine of 91 % and nine of 84 % of each side."""
    views = [WHOLE, (0.025, 0.975, 0.025, 0.975)]
    for side in (0.91, 0.84):
        places = [(y * (1 - side), x * (1 - side)) for y in (0.5, 0, 1) for x in (0.5, 0, 1)]
        views += [(y, y + side, x, x + side) for y, x in places]
    return views[: int(np.clip(_COMPARISONS / n_items**2, 1, len(views)))]


def n_steps(n_items: int) -> int:
    """How often `most_alike` tells of its progress."""
    return len(views_of(n_items)) * -(-n_items // _block_items(n_items))


def most_alike(
    queries: np.ndarray,
    miniatures: np.ndarray,
    labels: np.ndarray,
    whitening: Whitening,
    sequence: np.ndarray,
    tell: Callable[[], None],
) -> Similarities:
    """The most alike candidates of every item, with their similarity after they were laid on each other.

    queries: the miniatures, or their mirror images. labels: int (n,). sequence: int (m, 2), pairs that are candidates
    in any case. tell: called `n_steps` times.
    """
    whole, views = describe(miniatures, WHOLE), views_of(len(miniatures))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = pool.map(lambda view: whitening.coarse(describe(queries, view)), views)
        found = _candidates(list(seen), whitening.coarse(whole), labels, sequence, pool, tell)
        if len(whole) <= _FILM_ITEMS:
            unwhitened = _candidates([describe(queries, WHOLE)], whole, labels, sequence[:0], pool, lambda: None)
            found = _united(found, unwhitened, len(whole))
        plain = whole if queries is miniatures else describe(queries, WHOLE)
        cosine = _products(plain, found.first, whole, found.second)
        mean = whole.mean(0)
        fine = _in_place(whole, partial(whitening.fine, mean=mean))
        plain = fine if queries is miniatures else _in_place(plain, partial(whitening.fine, mean=plain.mean(0)))
        similarity = _products(plain, found.first, fine, found.second)
        means = np.stack([describe(queries[: _CUTOFF_ITEMS // 4], view).mean(0) for view in views])
        starts = np.array(views, dtype=np.float32)

        def compare(begin: int) -> np.ndarray:
            part = found[slice(begin, begin + _COMPARED_AT_ONCE)]
            first, second, target = queries[part.first], miniatures[part.second], fine[part.second]
            mean, before = means[part.box], starts[part.box]
            aligned = whitening.fine(describe(first, align(first, second, before)), mean)
            best: np.ndarray = (aligned * target).sum(1)
            crop = part.box > 0
            unmoved = whitening.fine(describe(first[crop], before[crop]), mean[crop])
            best[crop] = np.maximum(best[crop], (unmoved * target[crop]).sum(1))
            return best

        parts = list(pool.map(compare, range(0, len(found.first), _COMPARED_AT_ONCE)))
    similarity = np.maximum(similarity, np.concatenate([*parts, np.zeros(0, np.float32)]))
    chance = _chance(fine)
    chance = np.maximum(chance[found.first], chance[found.second])
    return replace(found, similarity=similarity.clip(0, 1), chance=chance, distance=1 - cosine)


def _candidates(
    seen: list[np.ndarray],
    targets: np.ndarray,
    labels: np.ndarray,
    sequence: np.ndarray,
    pool: ThreadPoolExecutor,
    tell: Callable[[], None],
) -> Similarities:
    """The pairs that are worth a closer look; seen: of each view the vectors of all queries."""
    # By class, so that the strangers of a picture are all that stand before its class and behind it.
    order = np.argsort(labels, kind="stable")
    sorted_labels, targets = labels[order], targets[order]

    def nearest(view: int, begin: int) -> Similarities:
        rows = order[begin : begin + _block_items(len(order))]
        found = _nearest(seen[view][rows], targets, begin, sorted_labels if view == 0 else None, view)
        return replace(found, first=order[found.first], second=order[found.second])

    tasks = [(view, begin) for view in range(len(seen)) for begin in range(0, len(order), _block_items(len(order)))]
    parts = []
    for part in pool.map(lambda task: nearest(*task), tasks):
        parts.append(part)
        tell()
    box = np.zeros(len(sequence), int)
    parts.append(Similarities(sequence[:, 0], sequence[:, 1], np.zeros(len(sequence), np.float32), box, box, box))
    return _best_of(parts, len(order), labels, pair_keys(sequence[:, 0], sequence[:, 1], len(order)))


def _block_items(n_items: int) -> int:
    return max(1, _BLOCK_NUMBERS // n_items)


def _in_place(vectors: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    # A second array of this size is what a large data set has no memory for.
    for begin in range(0, len(vectors), _CHANGED_AT_ONCE):
        vectors[begin : begin + _CHANGED_AT_ONCE] = change(vectors[begin : begin + _CHANGED_AT_ONCE])
    return vectors


def _products(first: np.ndarray, rows: np.ndarray, second: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The products of some vectors with others, in blocks, float32 (n,)."""
    found = np.empty(len(rows), dtype=np.float32)
    for begin in range(0, len(rows), _CHANGED_AT_ONCE):
        part = slice(begin, begin + _CHANGED_AT_ONCE)
        found[part] = np.einsum("ij,ij->i", first[rows[part]], second[others[part]])
    return found


def _nearest(
    queries: np.ndarray, targets: np.ndarray, begin: int, labels: np.ndarray | None, view: int
) -> Similarities:
    """The most alike targets of each query, which is itself the target at `begin` and on.

    labels: sorted, of the targets; with them, also the most alike target of another class.
    """
    products = queries @ targets.T
    rows = np.arange(len(products))
    products[rows, begin + rows] = -2.0
    kept = min(_KEPT_PER_ITEM - 1, len(targets) - 1)
    first, second = np.repeat(rows, kept), _largest(products, kept).ravel()
    if labels is not None:
        strangers = _strangers(products, labels, begin)
        rows, strangers = rows[strangers >= 0], strangers[strangers >= 0]
        first, second = np.concatenate([first, rows]), np.concatenate([second, strangers])
    value, box = products[first, second], np.full(len(first), view)
    return Similarities(first + begin, second, value, box, np.zeros(len(first)), np.zeros(len(first)))


def _largest(values: np.ndarray, kept: int) -> np.ndarray:
    """The columns of the largest values of each row, int (n_rows, kept), in no order.

    They lie in the `kept` groups of columns whose maxima are largest; to find these is quicker than to sort all.
    """
    n = values.shape[1]
    width = n // _GROUP
    if width <= kept:
        return np.argpartition(values, n - kept, axis=1)[:, n - kept :]
    # A group is every width-th column, because maxima of whole rows of numbers are taken fastest.
    maxima = values[:, : _GROUP * width].reshape(len(values), _GROUP, width).max(1)
    groups = np.argpartition(maxima, width - kept, axis=1)[:, width - kept :]
    columns = (groups[:, :, None] + width * np.arange(_GROUP)).reshape(len(values), -1)
    rest = np.broadcast_to(np.arange(_GROUP * width, n), (len(values), n - _GROUP * width))
    columns = np.concatenate([columns, rest], axis=1)
    some = np.take_along_axis(values, columns, axis=1)
    best = np.argpartition(some, some.shape[1] - kept, axis=1)[:, some.shape[1] - kept :]
    return np.take_along_axis(columns, best, axis=1)


def _strangers(products: np.ndarray, labels: np.ndarray, begin: int) -> np.ndarray:
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


def _best_of(parts: list[Similarities], n: int, labels: np.ndarray, wanted: np.ndarray) -> Similarities:
    """Each unordered pair once, with its best view; of each item the most alike pairs and the best with a stranger.

    wanted: keys of pairs that are kept in any case.
    """
    found = _joined(parts)
    key = found.keys(n)
    order = np.lexsort((-found.similarity, key))
    once = np.r_[True, np.diff(key[order]) != 0]
    found = found[order[once]]
    keep = np.isin(key[order[once]], wanted)
    stranger = labels[found.first] != labels[found.second]
    for item in (found.first, found.second):
        keep |= _rank(item, found.similarity) < _KEPT_PER_ITEM
        keep |= stranger & (_rank(np.where(stranger, item, -1), found.similarity) < 1)
    return found[keep]


def _joined(parts: Sequence[Similarities]) -> Similarities:
    return Similarities(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))


def _united(found: Similarities, more: Similarities, n: int) -> Similarities:
    """The pairs of both, those of `found` where they are in both."""
    return _joined([found, more[~np.isin(more.keys(n), found.keys(n))]])


def _rank(item: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The place of each value among those of the same item, the largest being 0."""
    order = np.lexsort((-value, item))
    ordered = item[order]
    rank = np.empty(len(item), dtype=int)
    rank[order] = np.arange(len(item)) - np.searchsorted(ordered, ordered)
    return rank


def _chance(vectors: np.ndarray) -> np.ndarray:
    """The similarity that each unit vector reaches with one of all the others by chance.

    Two vectors of m random numbers have products with a standard deviation of 1 / sqrt(m). Of how many independent
    numbers a picture is made says the participation ratio; a blurred one has few.
    """
    share = _FALSE_FRIENDS / len(vectors)
    fourth = np.einsum("ij,ij,ij,ij->i", vectors, vectors, vectors, vectors)  # makes no second array of this size
    return np.asarray(-NormalDist().inv_cdf(share) * np.sqrt(np.maximum(fourth, 1e-9)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
