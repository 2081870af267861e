"""How similar the images of a dataset are: candidate pairs are aligned, and compared after whitening.

The two usual ways were measured on planted copies (tests/benchmarks/RESULTS.md). A 64-bit perceptual hash finds
re-compressed and resized copies but not cropped ones, and mistakes drawings on the same background for copies. The
cosine similarity of backbone features does as well as this search on photographs, with seven times the false alarms,
and misses nearly all copies among images of one texture. Here images of 32 x 32 pixels are aligned and compared after
whitening with the dataset's own covariance: what all its images share (a white background, the outline of a shoe) then
counts little, and what only two of them share counts much.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from autotl.images.alignment import WHOLE, Box, align, describe
from autotl.images.candidate_pairs import Similarities, candidates, n_blocks, union
from autotl.images.whitening import COVARIANCE_ITEMS, Whitening, chance_similarity

_COMPARISONS = 2e9
"""Of images with images: about a quarter of the time that a small backbone takes to read 10,000 images."""
_COMPARED_AT_ONCE, _CHANGED_AT_ONCE = 512, 8192
_UNWHITENED_ITEMS = 5000
"""In larger datasets whitening finds the frames of a video too, which saves another comparison of all with all."""


def views_of(n_items: int) -> list[Box]:
    """The whole image, and the crops that are looked for: one centred, nine of 91 % and nine of 84 % of each side."""
    views = [WHOLE, (0.025, 0.975, 0.025, 0.975)]
    for side in (0.91, 0.84):
        places = [(y * (1 - side), x * (1 - side)) for y in (0.5, 0, 1) for x in (0.5, 0, 1)]
        views += [(y, y + side, x, x + side) for y, x in places]
    return views[: int(np.clip(_COMPARISONS / n_items**2, 1, len(views)))]


def n_steps(n_items: int) -> int:
    """How often `most_similar` calls `on_step`."""
    return len(views_of(n_items)) * n_blocks(n_items)


def most_similar(
    queries: np.ndarray,
    miniatures: np.ndarray,
    labels: np.ndarray,
    whitening: Whitening,
    sequence: np.ndarray,
    on_step: Callable[[], None],
) -> Similarities:
    """The most similar candidates of every item, with their similarity after alignment.

    queries: the miniatures, or their mirror images. labels: int (n,). sequence: int (m, 2), pairs that are candidates
    in any case. on_step: called `n_steps` times.
    """
    whole, views = describe(miniatures, WHOLE), views_of(len(miniatures))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        coarse = pool.map(lambda view: whitening.coarse(describe(queries, view)), views)
        found = candidates(list(coarse), whitening.coarse(whole), labels, sequence, pool, on_step)
        if len(whole) <= _UNWHITENED_ITEMS:
            unwhitened = candidates([describe(queries, WHOLE)], whole, labels, sequence[:0], pool, lambda: None)
            found = union(found, unwhitened, len(whole))
        plain = whole if queries is miniatures else describe(queries, WHOLE)
        cosine = _products(plain, found.first, whole, found.second)
        mean = whole.mean(0)
        fine = _in_place(whole, partial(whitening.fine, mean=mean))
        plain = fine if queries is miniatures else _in_place(plain, partial(whitening.fine, mean=plain.mean(0)))
        similarity = _products(plain, found.first, fine, found.second)
        means = np.stack([describe(queries[: COVARIANCE_ITEMS // 4], view).mean(0) for view in views])
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
    chance = chance_similarity(fine)
    chance = np.maximum(chance[found.first], chance[found.second])
    return replace(found, similarity=similarity.clip(0, 1), chance=chance, distance=1 - cosine)


def _in_place(vectors: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    # For a large dataset there is no memory for a second array of this size.
    for begin in range(0, len(vectors), _CHANGED_AT_ONCE):
        vectors[begin : begin + _CHANGED_AT_ONCE] = change(vectors[begin : begin + _CHANGED_AT_ONCE])
    return vectors


def _products(first: np.ndarray, rows: np.ndarray, second: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The dot products of rows of `first` with rows of `second`, in blocks, float32 (n,)."""
    found = np.empty(len(rows), dtype=np.float32)
    for begin in range(0, len(rows), _CHANGED_AT_ONCE):
        part = slice(begin, begin + _CHANGED_AT_ONCE)
        found[part] = np.einsum("ij,ij->i", first[rows[part]], second[others[part]])
    return found
