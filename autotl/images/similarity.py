"""How similar the images of a dataset are: candidate pairs are aligned, and compared after whitening.

The two usual ways were measured on planted copies (tests/benchmarks/RESULTS.md). A 64-bit perceptual hash finds
re-compressed and resized copies but not cropped ones, and mistakes drawings on the same background for copies. The
cosine similarity of backbone features does as well as this search on photographs, with seven times the false alarms,
and misses nearly all copies among images of one texture. Here images of 32 x 32 pixels are aligned and compared after
whitening with the dataset's own covariance: what all its images share (a white background, the outline of a shoe) then
counts little, and what only two of them share counts much.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from autotl.images.alignment import WHOLE, Box, align, describe
from autotl.images.candidate_pairs import Crops, Similarities, candidates, n_blocks, union
from autotl.images.cell_candidates import candidates_in_cells, n_cell_blocks
from autotl.images.whitening import COVARIANCE_ITEMS, Whitening, chance_similarity
from autotl.runtime.garbage import give_back_memory

_MANY_ITEMS = 10_000
"""Larger datasets are compared in cells. Up to here comparing all with all, and with all crops of all, takes less than
a tenth of the time that a small backbone takes to read the images."""
_COMPARED_AT_ONCE, _CHANGED_AT_ONCE = 64, 512
"""What so many images need stays in the cache of a core."""
_UNWHITENED_ITEMS = 5000
"""In larger datasets whitening finds the frames of a video too, which saves another comparison of all with all."""
_FEW_ITEMS, _CROP_NUMBERS = 1000, 64
"""By how many of the numbers that describe an image its crops are looked for: a quarter holds most of the variance."""


def views() -> list[Box]:
    """The whole image, and the crops that are looked for: one centred, nine of 91 % and nine of 84 % of each side."""
    boxes = [WHOLE, (0.025, 0.975, 0.025, 0.975)]
    for side in (0.91, 0.84):
        places = [(y * (1 - side), x * (1 - side)) for y in (0.5, 0, 1) for x in (0.5, 0, 1)]
        boxes += [(y, y + side, x, x + side) for y, x in places]
    return boxes


def n_steps(n_items: int) -> int:
    """How often a `Comparison` calls `on_step`."""
    return n_cell_blocks(n_items) if n_items > _MANY_ITEMS else n_blocks(n_items)


class Comparison:
    """The most similar candidates of every item of a dataset, and how similar they are.

    found: the candidates, as similar as they are without being aligned; see `aligned`.
    """

    def __init__(
        self,
        queries: np.ndarray,
        miniatures: np.ndarray,
        labels: np.ndarray,
        whitening: Whitening,
        sequence: np.ndarray,
        pool: ThreadPoolExecutor,
        on_step: Callable[[], None],
    ) -> None:
        """Compare all with all, or in a large dataset in cells.

        queries: the miniatures, or their mirror images. labels: int (n,). sequence: int (m, 2), pairs that are
        candidates in any case. on_step: called `n_steps` times.
        """
        self._queries, self._miniatures, self._whitening, self._pool = queries, miniatures, whitening, pool
        self._starts = np.array(views(), dtype=np.float32)
        self._means = np.stack([*pool.map(lambda view: describe(_sample(queries), view).mean(0), views())])
        if len(miniatures) > _MANY_ITEMS:
            # Descriptors are made again afterwards: there is no memory for them beside the vectors to compare.
            found = self._candidates_in_cells(labels, sequence, on_step)
            give_back_memory()
            whole, seen = self._described(np.float16)
        else:
            whole, seen = self._described(np.float32)
            found = self._candidates(seen, whole, labels, sequence, on_step)
        cosine = self._products(seen, whole, found)
        whole_mean, seen_mean = _mean(whole), _mean(seen)
        self._fine = self._in_place(whole, lambda vectors: whitening.fine(vectors, whole_mean))
        fine = self._fine if seen is whole else self._in_place(seen, lambda part: whitening.fine(part, seen_mean))
        chance = chance_similarity(fine)
        self.found = replace(
            found,
            similarity=self._products(fine, self._fine, found).clip(0, 1),
            chance=np.maximum(chance[found.first], chance[found.second]),
            distance=1 - cosine,
        )

    def __len__(self) -> int:
        return len(self._queries)

    def aligned(self, found: Similarities, chosen: np.ndarray, least: np.ndarray | float = -1.0) -> Similarities:
        """The same with the chosen ones, bool (n,), as similar as they are where they lie or once they are aligned.

        least: pairs that are less similar where they lie are not aligned.
        """
        similarity = self._raised(found, found.similarity, chosen & (found.box > 0), self._unmoved)
        similarity = self._raised(found, similarity, chosen & (similarity >= least), self._moved)
        return replace(found, similarity=similarity.clip(0, 1))

    def _raised(
        self,
        found: Similarities,
        similarity: np.ndarray,
        chosen: np.ndarray,
        look: Callable[[Similarities], np.ndarray],
    ) -> np.ndarray:
        """The similarities, where a look at the chosen pairs does not find more."""
        rows = np.flatnonzero(chosen)
        starts = range(0, len(rows), _COMPARED_AT_ONCE)
        parts = self._pool.map(lambda start: look(found[rows[start : start + _COMPARED_AT_ONCE]]), starts)
        raised = similarity.copy()
        raised[rows] = np.maximum(raised[rows], np.concatenate([*parts, np.zeros(0, np.float32)]))
        return raised

    def _unmoved(self, pairs: Similarities) -> np.ndarray:
        """The similarity of pairs with the crop as it was found."""
        return self._seen(pairs, self._starts[pairs.box])

    def _moved(self, pairs: Similarities) -> np.ndarray:
        """The similarity of pairs after they are aligned."""
        first, second = self._queries[pairs.first], self._miniatures[pairs.second]
        return self._seen(pairs, align(first, second, self._starts[pairs.box]))

    def _seen(self, pairs: Similarities, boxes: np.ndarray) -> np.ndarray:
        """The similarity of what boxes of the first of each pair show to the second."""
        vectors = describe(self._queries[pairs.first], boxes)
        seen = self._whitening.fine(vectors, self._means[pairs.box])
        return np.asarray(np.einsum("ij,ij->i", seen, self._fine[pairs.second].astype(np.float32, copy=False)))

    def _candidates(
        self,
        seen: np.ndarray,
        whole: np.ndarray,
        labels: np.ndarray,
        sequence: np.ndarray,
        on_step: Callable[[], None],
    ) -> Similarities:
        n = len(whole)
        means = _mean(whole), _mean(seen)
        targets = self._each(n, lambda part: self._whitening.coarse(whole[part], means[0]))
        queries = targets
        if seen is not whole:
            queries = self._each(n, lambda part: self._whitening.coarse(seen[part], means[1]))
        # With few images whitening cannot tell which numbers matter, and much is looked at closer.
        crops = self._crops(targets.shape[1], many=n > _FEW_ITEMS)
        found = candidates(queries, targets, crops, labels, sequence, self._pool, on_step)
        if n > _UNWHITENED_ITEMS:
            return found
        more = candidates(seen, whole, None, labels, sequence[:0], self._pool, lambda: None)
        return union(found, replace(more, coarse=self._products(queries, targets, more)), n)

    def _candidates_in_cells(
        self, labels: np.ndarray, sequence: np.ndarray, on_step: Callable[[], None]
    ) -> Similarities:  # fmt: skip
        def coarse(miniatures: np.ndarray) -> np.ndarray:
            mean = describe(_sample(miniatures), WHOLE).mean(0)
            make = partial(self._whitening.coarse, mean=mean)
            return self._each(len(miniatures), lambda part: make(describe(miniatures[part], WHOLE)), np.float16)

        targets = coarse(self._miniatures)
        queries = targets if self._queries is self._miniatures else coarse(self._queries)
        crops = self._crops(targets.shape[1], many=True)
        return candidates_in_cells(queries, targets, crops, labels, sequence, self._pool, on_step)

    def _crops(self, n_numbers: int, *, many: bool) -> Crops:
        def crop(rows: np.ndarray, number: int) -> np.ndarray:
            vectors = describe(self._queries[rows], tuple(self._starts[number + 1]))
            return self._whitening.coarse(vectors, self._means[number + 1])

        return Crops(len(self._starts) - 1, crop, _CROP_NUMBERS if many else n_numbers, together=many)

    def _described(self, precision: type[np.floating[Any]]) -> tuple[np.ndarray, np.ndarray]:
        """The descriptors of the whole miniatures, and of the whole queries."""
        images = (self._miniatures,) if self._queries is self._miniatures else (self._miniatures, self._queries)
        made = [self._each(len(some), partial(_describe_part, some), precision) for some in images]
        return made[0], made[-1]

    def _each(
        self, n: int, make: Callable[[slice], np.ndarray], dtype: type[np.floating[Any]] = np.float32
    ) -> np.ndarray:  # fmt: skip
        """Vectors of n items, made in parts."""
        first = make(slice(0, _CHANGED_AT_ONCE))
        vectors = np.empty((n, first.shape[1]), dtype=dtype)
        vectors[:_CHANGED_AT_ONCE] = first

        def fill(start: int) -> None:
            vectors[start : start + _CHANGED_AT_ONCE] = make(slice(start, start + _CHANGED_AT_ONCE))

        list(self._pool.map(fill, range(_CHANGED_AT_ONCE, n, _CHANGED_AT_ONCE)))
        return vectors

    def _in_place(self, vectors: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        # For a large dataset there is no memory for a second array of this size.
        def replace_part(start: int) -> None:
            part = slice(start, start + _CHANGED_AT_ONCE)
            vectors[part] = change(vectors[part].astype(np.float32, copy=False))

        list(self._pool.map(replace_part, range(0, len(vectors), _CHANGED_AT_ONCE)))
        return vectors

    def _products(self, first: np.ndarray, second: np.ndarray, found: Similarities) -> np.ndarray:
        """The dot products of the vectors of each pair, float32 (n,)."""

        def part(start: int) -> np.ndarray:
            pairs = found[slice(start, start + _CHANGED_AT_ONCE)]
            vectors = first[pairs.first], second[pairs.second]
            return np.asarray(np.einsum("ij,ij->i", *(some.astype(np.float32, copy=False) for some in vectors)))

        parts = self._pool.map(part, range(0, len(found.first), _CHANGED_AT_ONCE))
        return np.concatenate([*parts, np.zeros(0, np.float32)])


def _sample(miniatures: np.ndarray) -> np.ndarray:
    """Some of them, by which a mean is found."""
    return miniatures[:: -(-len(miniatures) // (COVARIANCE_ITEMS // 4))]


def _describe_part(miniatures: np.ndarray, part: slice) -> np.ndarray:
    return describe(miniatures[part], WHOLE)


def _mean(vectors: np.ndarray) -> np.ndarray:
    """The mean vector, float32 (k,)."""
    return np.asarray(vectors.mean(0, dtype=np.float32))
