"""Near-duplicates: copies, re-compressed, resized or slightly cropped images, and frames of one video.

`similarity` measures how similar two images are; how similar they must be is learned here from images of different
classes, which are assumed to be unrelated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from autotl.images.alignment import WHOLE, describe
from autotl.images.candidate_pairs import Similarities, pair_keys
from autotl.images.similarity import most_similar, n_steps
from autotl.images.whitening import Whitening
from autotl.runtime.progress import OnProgress

PAIR_COLUMNS = {"first": int, "second": int, "similarity": float, "mirrored": bool}
CERTAIN = 0.85
"""Similarity from which a pair counts as the same image in any dataset."""
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
_FEW_VIDEOS_ITEMS = 500
"""In larger datasets whitening is reliable, and may overrule a small distance before whitening."""


def find_pairs(
    miniatures: np.ndarray,
    labels: np.ndarray,
    *,
    sequence: np.ndarray,
    mirrored: bool = False,
    progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Find the pairs of near-duplicates; columns first < second (positions), similarity (0..1), mirrored.

    miniatures: uint8 (n, 3, 32, 32), no two of the same file. labels: int (n,); images of different classes are
        assumed to be unrelated, and show which similarity unrelated images reach in this dataset.
    sequence: int (m, 2), pairs of positions whose names are successive (frame-1, frame-2): they need less similarity.
    mirrored: also look for mirror images.
    Beyond 10,000 images fewer crops are looked for; among fewer than 8 images nothing is looked for.
    """
    from threadpoolctl import threadpool_limits

    if len(miniatures) < _FEWEST:
        return no_pairs()
    # The work is divided among threads here; nested threads wait for each other, up to thirty times as long.
    with threadpool_limits(1):
        return _find_pairs(miniatures, labels, sequence, mirrored, progress)


def no_pairs() -> pd.DataFrame:
    """A table of pairs without rows."""
    return pd.DataFrame({name: np.zeros(0, kind) for name, kind in PAIR_COLUMNS.items()})


def _find_pairs(
    miniatures: np.ndarray, labels: np.ndarray, sequence: np.ndarray, mirrored: bool, progress: OnProgress | None
) -> pd.DataFrame:
    whitening, steps = Whitening(describe(miniatures, WHOLE)), n_steps(len(miniatures))
    total = steps * (2 if mirrored else 1)
    plain = most_similar(miniatures, miniatures, labels, whitening, sequence, _step_counter(progress, 0, total))
    plain = _raise_frames(plain, labels)
    threshold = _threshold(plain, labels)
    pairs = [_listed(plain, _needed(plain, threshold, sequence, len(labels)), mirrored=False)]
    if mirrored:
        flipped = np.ascontiguousarray(miniatures[..., ::-1])
        none = np.zeros((0, 2), int)
        found = most_similar(flipped, miniatures, labels, whitening, none, _step_counter(progress, steps, total))
        pairs.append(_listed(found, _needed(found, threshold, none, len(labels)), mirrored=True))
    table = pd.concat(pairs).sort_values("similarity", ascending=False, kind="stable")
    table = table.drop_duplicates(["first", "second"]).sort_values(["first", "second"]).reset_index(drop=True)
    return table.astype(PAIR_COLUMNS)


def _raise_frames(found: Similarities, labels: np.ndarray) -> Similarities:
    """Raise the similarity of pairs that were much closer than unrelated images before whitening: frames of one video.

    With few videos, whitening mistakes what moves within a video for what distinguishes images.
    """
    unrelated = (labels[found.first] != labels[found.second]) & (found.distance > _COPY_DISTANCE)
    closest = np.full(len(labels), np.inf)
    for item in (found.first, found.second):
        np.minimum.at(closest, item[unrelated], found.distance[unrelated])
    known = closest[np.isfinite(closest)]
    if not len(known):
        return found
    usual = float(np.quantile(known, 0.1))
    close = found.distance <= min(_CLOSE, usual / _CLOSER)
    least = CERTAIN if len(labels) <= _FEW_VIDEOS_ITEMS else _STRICTEST
    return replace(found, similarity=np.where(close, np.maximum(found.similarity, least), found.similarity))


def _threshold(found: Similarities, labels: np.ndarray) -> float:
    """The similarity from which a pair counts, learned from pairs of different classes.

    Nine tenths of the items have no image of another class with a similarity above `usual`. Where unrelated images are
    similar (drawings of clothes: 0.7), copies must be much more similar; where they are not (photographs: 0.3), frames
    of an animation start at 0.5. Measured on nine datasets of photographs, sprites, textures, drawings, digits, faces.
    """
    unrelated = (labels[found.first] != labels[found.second]) & (found.similarity < CERTAIN)
    best = np.full(len(labels), -1.0)
    for item in (found.first, found.second):
        np.maximum.at(best, item[unrelated], found.similarity[unrelated])
    known = best[best >= 0]
    usual = float(np.quantile(known, 0.9)) if len(known) else 0.0
    laxest = min(_STRICTEST, _LAXEST + _CAUTION / len(labels))
    return float(np.clip(2 * usual - 0.5, laxest, _STRICTEST))


def _needed(found: Similarities, threshold: float, sequence: np.ndarray, n: int) -> np.ndarray:
    """The similarity each pair must have: less where the names are successive."""
    successive = np.isin(found.keys(n), pair_keys(sequence[:, 0], sequence[:, 1], n))
    needed = np.clip(found.chance, threshold, CERTAIN)
    return np.asarray(np.where(successive, needed - _SEQUENCE_BONUS * min(1, n / _MANY), needed))


def _listed(found: Similarities, needed: np.ndarray | float, *, mirrored: bool) -> pd.DataFrame:
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
