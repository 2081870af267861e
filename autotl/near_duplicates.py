"""Pairs of images that a person would call the same picture: copies, re-compressed, resized, slightly cropped, frames.

A 64-bit perceptual hash, the usual tool, finds re-compressed and resized copies, but not cropped ones, and takes
unlike drawings on one background for copies (figures: tests/benchmarks/RESULTS.md). Here pictures of 32 x 32 pixels
are laid on each other and compared after whitening with the data set's own covariance: what all its pictures
share (a white background, the outline of a shoe) then counts little, and what only two of them share counts much.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autotl.alignment import WHOLE, Box, align, describe

PAIR_COLUMNS = {"first": int, "second": int, "likeness": float, "mirrored": bool}
CERTAIN = 0.85
"""Likeness from which a pair is taken for the same picture in any data set."""
_STRICTEST, _LAXEST = 0.8, 0.5
_CAUTION = 9.0
"""With few images little is known of how alike strangers are: 30 of them ask for the strictest threshold."""
_KEPT_PER_ITEM = 7
_COMPONENTS = 256
_CUTOFF_ITEMS = 20_000
"""More pictures than this do not change a covariance that matters here."""
_NOISE, _COARSE_NOISE = 0.2, 0.6
"""Of the mean variance of a component: below it, differences are those of another compression."""
_COMPARISONS = 2e9
"""Of pictures with pictures: about a quarter of the time that a small backbone takes to read 10,000 images."""
_BLOCK_NUMBERS = 8_000_000
_SEQUENCE_BONUS, _MANY = 0.2, 200
"""How much less a successor by name needs; the whole of it only where there are enough images to know strangers by."""
_SURPRISE = 4.5
"""Standard deviations: with 10,000 strangers each, a picture in 30 has one by chance that is more alike."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Found:
    """Ordered pairs: what `box` shows of `first` resembles `second`. chance: the likeness that needs no explanation."""

    first: np.ndarray
    second: np.ndarray
    likeness: np.ndarray
    box: np.ndarray
    chance: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> _Found:
        return _Found(*(getattr(self, name)[chosen] for name in ("first", "second", "likeness", "box", "chance")))


def find_pairs(
    miniatures: np.ndarray,
    labels: np.ndarray,
    *,
    sequence: np.ndarray,
    mirrored: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Find the pairs of near-duplicates; columns first < second (positions), likeness (0..1), mirrored.

    miniatures: uint8 (n, 3, 32, 32), no two of the same file; labels: int (n,), -1 where unknown. Pictures of
        different classes are taken to be strangers, and tell what likeness strangers reach in this data set.
    sequence: int (m, 2), pairs of positions that follow each other by name (frame-1, frame-2); they need less likeness.
    mirrored: also look for mirror images. Beyond 10,000 images fewer crops are looked for.
    """
    from threadpoolctl import threadpool_limits

    if len(miniatures) < 3:
        return no_pairs()
    # The work is shared out here; threads within threads wait for each other, on a busy machine thirty times as long.
    with threadpool_limits(1):
        return _find_pairs(miniatures, labels, sequence, mirrored, progress)


def no_pairs() -> pd.DataFrame:
    """A table of pairs without rows."""
    return pd.DataFrame({name: np.zeros(0, kind) for name, kind in PAIR_COLUMNS.items()})


def _find_pairs(
    miniatures: np.ndarray, labels: np.ndarray, sequence: np.ndarray, mirrored: bool, progress: Progress | None
) -> pd.DataFrame:
    whitening = _Whitening(describe(miniatures, WHOLE))
    views = _views(len(miniatures))
    total = len(views) * (2 if mirrored else 1)
    plain = _search(miniatures, miniatures, labels, whitening, views, sequence, _told(progress, 0, total))
    threshold = _threshold(plain, labels)
    pairs = [_listed(plain, _needed(plain, threshold, sequence, len(labels)), mirrored=False)]
    if mirrored:
        turned = np.ascontiguousarray(miniatures[..., ::-1])
        none = np.zeros((0, 2), int)
        found = _search(turned, miniatures, labels, whitening, views, none, _told(progress, len(views), total))
        pairs.append(_listed(found, _needed(found, threshold, none, len(labels)), mirrored=True))
    table = pd.concat(pairs).sort_values("likeness", ascending=False, kind="stable")
    table = table.drop_duplicates(["first", "second"]).sort_values(["first", "second"]).reset_index(drop=True)
    return table.astype(PAIR_COLUMNS)


class _Whitening:
    """Principal components of the vectors, scaled to equal variance; beyond the first 256 all alike."""

    def __init__(self, vectors: np.ndarray) -> None:
        sample = vectors[:: -(-len(vectors) // _CUTOFF_ITEMS)]
        sample = sample - sample.mean(0)
        variance, axes = np.linalg.eigh((sample.T @ sample / len(sample)).astype(np.float64))
        variance, self._axes = variance[::-1].clip(0), axes[:, ::-1]
        # A third of the items: later components describe single pictures, and would call each one unique.
        kept = int(min(_COMPONENTS, max(1, len(sample) // 3)))
        self._variance = np.where(np.arange(len(variance)) < kept, variance, variance[kept:].mean())
        self._mean_variance = max(float(variance.mean()), 1e-12)
        self._fine, self._coarse = self._matrix(_NOISE, None), self._matrix(_COARSE_NOISE, _COMPONENTS)

    def _matrix(self, noise: float, kept: int | None) -> np.ndarray:
        scaled = self._axes / np.sqrt(self._variance + noise * self._mean_variance)
        return scaled[:, :kept].astype(np.float32)

    def fine(self, vectors: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Unit vectors whose products tell copies from strangers."""
        return _unit((vectors - mean) @ self._fine)

    def coarse(self, vectors: np.ndarray) -> np.ndarray:
        """Shorter unit vectors that forgive being a little out of place."""
        return _unit((vectors - vectors.mean(0)) @ self._coarse)


def _search(
    queries: np.ndarray,
    miniatures: np.ndarray,
    labels: np.ndarray,
    whitening: _Whitening,
    views: list[Box],
    sequence: np.ndarray,
    tell: Callable[[], None],
) -> _Found:
    """The most alike candidates of every item, with their likeness after they were laid on each other."""
    whole = describe(miniatures, WHOLE)
    targets = whitening.coarse(whole)

    def nearest(view: int) -> _Found:
        found = _nearest(whitening.coarse(describe(queries, views[view])), targets, labels if view == 0 else None, view)
        tell()
        return found

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(nearest, range(len(views))))
    box = np.zeros(len(sequence), int)
    parts.append(_Found(sequence[:, 0], sequence[:, 1], np.zeros(len(sequence), np.float32), box, box))
    found = _best_of(parts, len(miniatures), labels)
    means = np.stack([describe(queries[: _CUTOFF_ITEMS // 4], view).mean(0) for view in views])
    fine = whitening.fine(whole, whole.mean(0))
    starts = np.array(views, dtype=np.float32)
    likeness = np.empty(len(found.first), dtype=np.float32)

    def compare(start: int) -> None:
        part = found[np.arange(start, min(start + 512, len(likeness)))]
        first, second, target = queries[part.first], miniatures[part.second], fine[part.second]
        mean, before = means[part.box], starts[part.box]
        seen = [(describe(first, WHOLE), means[0]), (describe(first, before), mean)]
        seen.append((describe(first, align(first, second, before)), mean))
        products = [(whitening.fine(vectors, of) * target).sum(1) for vectors, of in seen]
        likeness[start : start + 512] = np.max(products, axis=0)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compare, range(0, len(likeness), 512)))
    chance = _SURPRISE / np.sqrt(np.minimum(_independent(fine)[found.first], _independent(fine)[found.second]))
    return _Found(found.first, found.second, likeness.clip(0, 1), found.box, chance)


def _views(n_items: int) -> list[Box]:
    """The whole picture, and the crops that are looked for: one centred, nine of 91 % and nine of 84 % of each side."""
    views = [WHOLE, (0.025, 0.975, 0.025, 0.975)]
    for side in (0.91, 0.84):
        places = [(y * (1 - side), x * (1 - side)) for y in (0.5, 0, 1) for x in (0.5, 0, 1)]
        views += [(y, y + side, x, x + side) for y, x in places]
    return views[: int(np.clip(_COMPARISONS / n_items**2, 1, len(views)))]


def _nearest(queries: np.ndarray, targets: np.ndarray, labels: np.ndarray | None, view: int) -> _Found:
    """The most alike targets of each query; with labels, also the most alike one of another class."""
    n = len(targets)
    kept = min(_KEPT_PER_ITEM - 1, n - 1)
    block = max(1, _BLOCK_NUMBERS // n)
    firsts, seconds, values = [], [], []
    for start in range(0, n, block):
        products = queries[start : start + block] @ targets.T
        rows = np.arange(len(products))
        products[rows, start + rows] = -2.0
        best = np.argpartition(products, n - kept, axis=1)[:, n - kept :]
        first, second = np.repeat(rows, kept), best.ravel()
        if labels is not None:
            strangers = np.where(labels[start : start + block, None] == labels, -2.0, products).argmax(1)
            first, second = np.concatenate([first, rows]), np.concatenate([second, strangers])
        firsts.append(first + start)
        seconds.append(second)
        values.append(products[first, second])
    first, second, value = np.concatenate(firsts), np.concatenate(seconds), np.concatenate(values)
    other = first != second
    return _Found(
        first[other], second[other], value[other], np.full(int(other.sum()), view), np.zeros(int(other.sum()))
    )


def _best_of(parts: list[_Found], n: int, labels: np.ndarray) -> _Found:
    """Each unordered pair once, with its best view; of each item the most alike pairs and the best with a stranger."""
    first, second, likeness, box = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("first", "second", "likeness", "box")
    )
    found = _Found(first, second, likeness, box, np.zeros(len(first)))
    given = likeness == 0  # pairs that follow each other by name
    key = np.minimum(first, second) * n + np.maximum(first, second)
    order = np.lexsort((-likeness, key))
    once = np.r_[True, np.diff(key[order]) != 0]
    found, given_keys = found[order[once]], np.unique(key[given])
    keep = np.isin(key[order[once]], given_keys)
    stranger = labels[found.first] != labels[found.second]
    for item in (found.first, found.second):
        keep |= _rank(item, found.likeness) < _KEPT_PER_ITEM
        keep |= stranger & (_rank(np.where(stranger, item, -1), found.likeness) < 1)
    return found[keep]


def _rank(item: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The place of each value among those of the same item, the largest being 0."""
    order = np.lexsort((-value, item))
    ordered = item[order]
    rank = np.empty(len(item), dtype=int)
    rank[order] = np.arange(len(item)) - np.searchsorted(ordered, ordered)
    return rank


def _threshold(found: _Found, labels: np.ndarray) -> float:
    """The likeness from which a pair counts, learned from pairs of different classes.

    Nine tenths of the items have no picture of another class that is more alike than `usual`. Where strangers are alike
    (drawings of clothes: 0.7), copies must be much more so; where they are not (photographs: 0.3), frames of an
    animation begin at 0.5. Measured on nine sets of photographs, sprites, textures, drawings, digits and faces.
    """
    strangers = (labels[found.first] != labels[found.second]) & (found.likeness < CERTAIN)
    best = np.full(len(labels), -1.0)
    for item in (found.first, found.second):
        np.maximum.at(best, item[strangers], found.likeness[strangers])
    known = best[best >= 0]
    usual = float(np.quantile(known, 0.9)) if len(known) else 0.0
    laxest = min(_STRICTEST, _LAXEST + _CAUTION / len(labels))
    return float(np.clip(2 * usual - 0.5, laxest, _STRICTEST))


def _needed(found: _Found, threshold: float, sequence: np.ndarray, n: int) -> np.ndarray:
    """The likeness each pair must have: less where the names already say that one follows the other."""
    keys = np.minimum(sequence[:, 0], sequence[:, 1]) * n + np.maximum(sequence[:, 0], sequence[:, 1])
    follows = np.isin(np.minimum(found.first, found.second) * n + np.maximum(found.first, found.second), keys)
    needed = np.clip(found.chance, threshold, CERTAIN)
    return np.asarray(np.where(follows, needed - _SEQUENCE_BONUS * min(1, n / _MANY), needed))


def _independent(vectors: np.ndarray) -> np.ndarray:
    """Of how many independent numbers each unit vector seems to be made; a blurred picture has few of them.

    The participation ratio; two vectors of n random numbers have products with a standard deviation of 1 / sqrt(n).
    """
    return np.asarray(1 / np.maximum((vectors**4).sum(1), 1e-9))


def _listed(found: _Found, needed: np.ndarray | float, *, mirrored: bool) -> pd.DataFrame:
    alike = found[found.likeness >= needed]
    return pd.DataFrame(
        {
            "first": np.minimum(alike.first, alike.second),
            "second": np.maximum(alike.first, alike.second),
            "likeness": alike.likeness.astype(float),
            "mirrored": mirrored,
        }
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


def _told(progress: Progress | None, done: int, total: int) -> Callable[[], None]:
    """A function that counts its calls and tells them."""
    count = [done]

    def tell() -> None:
        count[0] += 1
        if progress:
            progress(min(count[0], total), total)

    return tell
