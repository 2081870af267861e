"""Several claims at once: a family's error is kept by Holm's step-down rule."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist


def holm_claims(errors: Sequence[float], *, error: float = 0.05) -> tuple[bool, ...]:
    """Which of several one-sided claims hold, with at most this probability of any false one (Holm 1979).

    errors: by how many standard errors each claim is supported; negative where the data speak against it.
    """
    claimed = [False] * len(errors)
    while not all(claimed):
        z = NormalDist().inv_cdf(1 - error / (len(errors) - sum(claimed)))
        now = [done or one > z for one, done in zip(errors, claimed, strict=True)]
        if now == claimed:
            break
        claimed = now
    return tuple(claimed)
