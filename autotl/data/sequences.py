"""Image sequences recognised by file name, such as the frames of a video or a scan."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")
_WIDEST_GAP = 2
"""Between the numbers of successive frames; often every second frame is left out on export."""


def successive_names(paths: Sequence[str]) -> np.ndarray:
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
