"""Pairs of images that a person would call the same picture: copies, re-compressed, resized, slightly cropped, frames.

How alike two pictures are says `similarity`; how alike they must be is learned here from pictures of different classes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from autotl.images.alignment import WHOLE, describe
from autotl.images.similarity import Similarities, Whitening, most_alike, n_steps, pair_keys

_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")
_WIDEST_GAP = 2
"""Frames are often exported with every second one left out."""

PAIR_COLUMNS = {"first": int, "second": int, "similarity": float, "mirrored": bool}
CERTAIN = 0.85
"""Likeness from which a pair is taken for the same picture in any data set."""
_STRICTEST, _LAXEST = 0.8, 0.5
_CAUTION = 9.0
"""With few images little is known of how alike strangers are: 30 of them ask for the strictest threshold."""
_FEWEST = 8
"""Of fewer pictures too little is known: whitened, strangers among three of them have a similarity of 0.98."""
_SEQUENCE_BONUS, _MANY = 0.2, 200
"""How much less a successor by name needs; the whole of it only where there are enough images to know strangers by."""
_CLOSER = 2
"""How many times closer than the closest strangers the frames of one film are; measured on sprites and videos."""
_CLOSE = 0.08
"""Distance up to which frames of one film may lie apart, whatever strangers do."""
_COPY_DISTANCE = 0.03
"""Pictures of different classes that are closer than this are no strangers but copies with a wrong label."""
_FEW_FILMS_ITEMS = 500
"""In larger sets whitening knows enough of other pictures, and may overrule what is only close."""

Progress = Callable[[int, int], None]


def find_pairs(
    miniatures: np.ndarray,
    labels: np.ndarray,
    *,
    sequence: np.ndarray,
    mirrored: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Find the pairs of near-duplicates; columns first < second (positions), similarity (0..1), mirrored.

    miniatures: uint8 (n, 3, 32, 32), no two of the same file; labels: int (n,). Pictures of
        different classes are taken to be strangers, and tell what similarity strangers reach in this data set.
    sequence: int (m, 2), pairs of positions that follow each other by name (frame-1, frame-2): they need less.
    mirrored: also look for mirror images. Beyond 10,000 images fewer crops are looked for; among fewer than 8 nothing.
    """
    from threadpoolctl import threadpool_limits

    if len(miniatures) < _FEWEST:
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
    whitening, steps = Whitening(describe(miniatures, WHOLE)), n_steps(len(miniatures))
    total = steps * (2 if mirrored else 1)
    plain = most_alike(miniatures, miniatures, labels, whitening, sequence, _told(progress, 0, total))
    plain = _with_films(plain, labels)
    threshold = _threshold(plain, labels)
    pairs = [_listed(plain, _needed(plain, threshold, sequence, len(labels)), mirrored=False)]
    if mirrored:
        turned = np.ascontiguousarray(miniatures[..., ::-1])
        none = np.zeros((0, 2), int)
        found = most_alike(turned, miniatures, labels, whitening, none, _told(progress, steps, total))
        pairs.append(_listed(found, _needed(found, threshold, none, len(labels)), mirrored=True))
    table = pd.concat(pairs).sort_values("similarity", ascending=False, kind="stable")
    table = table.drop_duplicates(["first", "second"]).sort_values(["first", "second"]).reset_index(drop=True)
    return table.astype(PAIR_COLUMNS)


def _with_films(found: Similarities, labels: np.ndarray) -> Similarities:
    """Raise what is several times closer than strangers ever are, before whitening: frames of one film.

    Where there are few films, whitening takes what moves in them for what tells pictures apart.
    """
    strangers = (labels[found.first] != labels[found.second]) & (found.distance > _COPY_DISTANCE)
    closest = np.full(len(labels), np.inf)
    for item in (found.first, found.second):
        np.minimum.at(closest, item[strangers], found.distance[strangers])
    known = closest[np.isfinite(closest)]
    if not len(known):
        return found
    usual = float(np.quantile(known, 0.1))
    close = found.distance <= min(_CLOSE, usual / _CLOSER)
    least = CERTAIN if len(labels) <= _FEW_FILMS_ITEMS else _STRICTEST
    return replace(found, similarity=np.where(close, np.maximum(found.similarity, least), found.similarity))


def _threshold(found: Similarities, labels: np.ndarray) -> float:
    """The similarity from which a pair counts, learned from pairs of different classes.

    Nine tenths of the items have no picture of another class that is more alike than `usual`. Where strangers are alike
    (drawings of clothes: 0.7), copies must be much more so; where they are not (photographs: 0.3), frames of an
    animation begin at 0.5. Measured on nine sets of photographs, sprites, textures, drawings, digits and faces.
    """
    strangers = (labels[found.first] != labels[found.second]) & (found.similarity < CERTAIN)
    best = np.full(len(labels), -1.0)
    for item in (found.first, found.second):
        np.maximum.at(best, item[strangers], found.similarity[strangers])
    known = best[best >= 0]
    usual = float(np.quantile(known, 0.9)) if len(known) else 0.0
    laxest = min(_STRICTEST, _LAXEST + _CAUTION / len(labels))
    return float(np.clip(2 * usual - 0.5, laxest, _STRICTEST))


def _needed(found: Similarities, threshold: float, sequence: np.ndarray, n: int) -> np.ndarray:
    """The similarity each pair must have: less where the names already say that one follows the other."""
    follows = np.isin(found.keys(n), pair_keys(sequence[:, 0], sequence[:, 1], n))
    needed = np.clip(found.chance, threshold, CERTAIN)
    return np.asarray(np.where(follows, needed - _SEQUENCE_BONUS * min(1, n / _MANY), needed))


def _listed(found: Similarities, needed: np.ndarray | float, *, mirrored: bool) -> pd.DataFrame:
    alike = found[found.similarity >= needed]
    return pd.DataFrame(
        {
            "first": np.minimum(alike.first, alike.second),
            "second": np.maximum(alike.first, alike.second),
            "similarity": alike.similarity.astype(float),
            "mirrored": mirrored,
        }
    )


def _told(progress: Progress | None, done: int, total: int) -> Callable[[], None]:
    """A function that counts its calls and tells them."""
    count = [done]

    def tell() -> None:
        count[0] += 1
        if progress:
            progress(min(count[0], total), total)

    return tell


def following(paths: Sequence[str]) -> np.ndarray:
    """Pairs of positions whose paths differ only in their last number, by 1 or 2; int (n_pairs, 2)."""
    series: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for position, path in enumerate(paths):
        number = _LAST_NUMBER.search(path, path.rfind("/") + 1)
        if number:
            series[path[: number.start()], path[number.end() :]].append((int(number[1]), position))
    pairs = []
    for members in series.values():
        members.sort()
        pairs += [(a[1], b[1]) for a, b in pairwise(members) if 0 < b[0] - a[0] <= _WIDEST_GAP]
    return np.array(pairs, dtype=int).reshape(-1, 2)
