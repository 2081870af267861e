"""Holm's procedure for several claims, from z statistics instead of p-values."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

from autotl.evidence.holm import holm


def holm_claims(errors: Sequence[float], *, error: float = 0.05) -> tuple[bool, ...]:
    """Which of several one-sided claims hold, with at most this probability of any false one (Holm 1979).

    errors: the z statistic of each claim, in standard errors; negative if the data speak against it.
    """
    corrected = holm([NormalDist().cdf(-one) for one in errors])
    return tuple((corrected < error).tolist())
