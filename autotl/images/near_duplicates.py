"""Near-duplicates: copies, re-compressed, resized or slightly cropped images, and frames of one video.

`similarity` measures how similar two images are; how similar they must be is learned here from images of different
classes, which are assumed to be unrelated.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd

from autotl.images.alignment import WHOLE, describe
from autotl.images.candidate_pairs import Similarities, pair_keys
from autotl.images.similarity import Comparison, n_steps
from autotl.images.stored_miniatures import StoredMiniatures
from autotl.images.whitening import COVARIANCE_ITEMS, Whitening
from autotl.modality import CERTAIN, PAIR_COLUMNS, no_pairs
from autotl.runtime.progress import OnProgress

_STRICTEST, _LAXEST = 0.8, 0.5
_CAUTION = 9.0
"""Few images say little about how similar unrelated images are: with 30 the threshold is the strictest."""
_FEWEST = 8
"""Fewer images say too little: after whitening, unrelated images among three have a similarity of 0.98."""
_SEQUENCE_BONUS, _MANY = 0.2, 200
"""How much less similarity a successor by name needs; all of it only where there are _MANY images to learn from."""
_CLOSER = 2
"""How many times closer than the closest unrelated images frames of one video are; measured on sprites and videos."""
_CLOSE = 0.08
"""Largest distance between frames of one video, however far apart unrelated images are."""
_COPY_DISTANCE = 0.03
"""Images of different classes that are closer than this are not unrelated but copies with a wrong label."""
_LEARNED_FROM = 1000
"""How similar unrelated images are is learned from about so many items, evenly spread over the dataset."""
_MOST_GAINED = 0.35
"""A pair is looked at if it may reach what it needs: 99 % of those that do gain less. In sets of at most _LEARNED_FROM
items, whose whitening is not reliable, all are."""
_FEW_VIDEOS_ITEMS = 500
"""In larger datasets whitening is reliable, and may overrule a small distance before whitening."""


def find_pairs(
    miniatures: np.ndarray | StoredMiniatures,
    labels: np.ndarray,
    *,
    sequence: np.ndarray,
    mirrored: bool = False,
    progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Find the pairs of near-duplicates; columns first < second (positions), similarity (0..1), mirrored.

    miniatures: uint8 (n, 3, 32, 32), or where they are stored; no two of the same file. labels: int (n,); images of
        different classes are assumed to be unrelated, and show which similarity unrelated images reach in this dataset.
    sequence: int (m, 2), pairs of positions whose names are successive (frame-1, frame-2): they need less similarity.
    mirrored: also look for mirror images.
    Beyond 10,000 images candidates are looked for in cells (see `cells`), and of 100 pairs a few are missed; among
    fewer than 8 images nothing is looked for.
    """
    from threadpoolctl import threadpool_limits

    if len(miniatures) < _FEWEST:
        return no_pairs()
    # The work is divided among threads here; nested threads wait for each other, up to thirty times as long.
    with threadpool_limits(1):
        return _find_pairs(np.asarray(miniatures), labels, sequence, mirrored, progress)


def _find_pairs(
    miniatures: np.ndarray, labels: np.ndarray, sequence: np.ndarray, mirrored: bool, progress: OnProgress | None
) -> pd.DataFrame:
    sample = miniatures[:: -(-len(miniatures) // COVARIANCE_ITEMS)]
    whitening, steps, n = Whitening(describe(sample, WHOLE)), n_steps(len(miniatures)), len(labels)
    total = steps * (2 if mirrored else 1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        on_step = _step_counter(progress, 0, total)
        plain = Comparison(miniatures, miniatures, labels, whitening, sequence, pool, on_step)
        learned = np.arange(n) % -(-n // _LEARNED_FROM) == 0
        found, least = _unrelated_aligned(plain, labels, learned), _frames(plain.found, labels)
        found = replace(found, similarity=np.maximum(found.similarity, least))
        threshold = _threshold(found, labels, learned)
        pairs = [_aligned_pairs(plain, found, _needed(found, threshold, sequence, n), mirrored=False)]
        if mirrored:
            flipped, none = np.ascontiguousarray(miniatures[..., ::-1]), np.zeros((0, 2), int)
            on_step = _step_counter(progress, steps, total)
            turned = Comparison(flipped, miniatures, labels, whitening, none, pool, on_step)
            needed = _needed(turned.found, threshold, none, n)
            pairs.append(_aligned_pairs(turned, turned.found, needed, mirrored=True))
    table = pd.concat(pairs).sort_values("similarity", ascending=False, kind="stable")
    table = table.drop_duplicates(["first", "second"]).sort_values(["first", "second"]).reset_index(drop=True)
    return table.astype(PAIR_COLUMNS)


def _unrelated_aligned(comparison: Comparison, labels: np.ndarray, learned: np.ndarray) -> Similarities:
    """What was found, with the pairs of different classes aligned in which one of the learned items is."""
    found = comparison.found
    known = learned[found.first] | learned[found.second]
    return comparison.aligned(found, known & (labels[found.first] != labels[found.second]))


def _aligned_pairs(comparison: Comparison, found: Similarities, needed: np.ndarray, *, mirrored: bool) -> pd.DataFrame:
    """The near-duplicates; in larger datasets only pairs that may reach what they need are aligned."""
    least = needed - _MOST_GAINED if len(comparison) > _LEARNED_FROM else np.full(len(needed), -1.0)
    return _listed(comparison.aligned(found, found.coarse >= least, least), needed, mirrored=mirrored)


def _frames(found: Similarities, labels: np.ndarray) -> np.ndarray:
    """The least similarity of each pair: more than 0 where they were much closer than unrelated images before
    whitening, as frames of one video are.

    With few videos, whitening mistakes what moves within a video for what distinguishes images.
    """
    unrelated = (labels[found.first] != labels[found.second]) & (found.distance > _COPY_DISTANCE)
    closest = np.full(len(labels), np.inf)
    for item in (found.first, found.second):
        np.minimum.at(closest, item[unrelated], found.distance[unrelated])
    known = closest[np.isfinite(closest)]
    if not len(known):
        return np.zeros(len(found.first), np.float32)
    usual = float(np.quantile(known, 0.1))
    close = found.distance <= min(_CLOSE, usual / _CLOSER)
    # In the precision of the similarities needed, which are not to be missed by rounding.
    least = CERTAIN if len(labels) <= _FEW_VIDEOS_ITEMS else _STRICTEST
    return np.where(close, np.float32(least), np.float32(0))


def _threshold(found: Similarities, labels: np.ndarray, learned: np.ndarray) -> float:
    """The similarity from which a pair counts, learned from pairs of different classes with these items, bool (n,).

    Nine tenths of them have no image of another class with a similarity above `usual`. Where unrelated images are
    similar (drawings of clothes: 0.7), copies must be much more similar; where they are not (photographs: 0.3), frames
    of an animation start at 0.5. Measured on nine datasets of photographs, sprites, textures, drawings, digits, faces.
    """
    unrelated = (labels[found.first] != labels[found.second]) & (found.similarity < CERTAIN)
    best = np.full(len(labels), -1.0)
    for item in (found.first, found.second):
        np.maximum.at(best, item[unrelated], found.similarity[unrelated])
    known = best[learned & (best >= 0)]
    usual = float(np.quantile(known, 0.9)) if len(known) else 0.0
    laxest = min(_STRICTEST, _LAXEST + _CAUTION / len(labels))
    return float(np.clip(2 * usual - 0.5, laxest, _STRICTEST))


def _needed(found: Similarities, threshold: float, sequence: np.ndarray, n: int) -> np.ndarray:
    """The similarity each pair must have: less where the names are successive."""
    successive = np.isin(found.keys(n), pair_keys(sequence[:, 0], sequence[:, 1], n))
    needed = np.clip(found.chance, threshold, CERTAIN)
    return np.asarray(np.where(successive, needed - _SEQUENCE_BONUS * min(1, n / _MANY), needed))


def _listed(found: Similarities, needed: np.ndarray, *, mirrored: bool) -> pd.DataFrame:
    near = found[found.similarity >= needed]
    return pd.DataFrame(
        {
            "first": np.minimum(near.first, near.second),
            "second": np.maximum(near.first, near.second),
            "similarity": near.similarity.astype(float),
            "mirrored": mirrored,
        }
    )


def _step_counter(progress: OnProgress | None, done: int, total: int) -> Callable[[], None]:
    """A function that counts its calls and reports their number as progress."""
    count = [done]

    def step() -> None:
        count[0] += 1
        if progress:
            progress(min(count[0], total), total)

    return step
