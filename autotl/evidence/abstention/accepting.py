"""A threshold that bounds the share of wrong answers among those accepted, and the risk-coverage curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autotl.evidence.design_effects import effective_share

MAX_WRONG, CERTAINTY = 0.05, 0.95
_MISTAKES_AT_START = 2
GRID = 1 / (1 + np.exp(-np.linspace(12, -4, 321)))
"""Candidate thresholds, descending: fixed in advance, evenly spaced in log-odds from 0.999994 to 0.018."""


@dataclass(frozen=True)
class AcceptRule:
    """Accept an answer if its highest probability is at least the threshold.

    max_wrong: upper bound of the share of wrong answers among those accepted, in (0, 1). certainty: the probability
    with which this bound holds. share: share of the calibration items that are accepted. n: their number.
    """

    threshold: float
    max_wrong: float
    certainty: float
    share: float
    n: int


def needed_answers(mistakes: int, *, max_wrong: float = MAX_WRONG, certainty: float = CERTAINTY) -> int:
    """The fewest answers for which the bound holds despite this many mistakes: by default 59 without a mistake."""
    n = mistakes + 1
    while binomial_p_value(mistakes, n, max_wrong) > 1 - certainty:
        n += 1
    return n


def binomial_p_value(wrong: float, n: float, max_wrong: float) -> float:
    """The probability of at most `wrong` wrong answers among n if each is wrong with probability max_wrong.

    Counts may be fractional, such as effective sample sizes: the beta distribution extends the binomial distribution to
    them.
    """
    from scipy.special import betainc

    return 1.0 if wrong >= n else float(betainc(n - wrong, wrong + 1, 1 - max_wrong))


def find_accept_rule(
    confidence: np.ndarray, right: np.ndarray, *, clusters: np.ndarray | None = None, max_wrong: float = MAX_WRONG,
    certainty: float = CERTAINTY,
) -> AcceptRule | None:  # fmt: skip
    """The lowest threshold for which the bound can be guaranteed; None if there is none.

    confidence: float (n,), the highest probability of each held-out item; right: bool (n,). clusters: int (n,), equal
    for items that belong together; counts are then effective sample sizes, as for intervals.

    Learn then Test (Angelopoulos et al. 2022) with fixed sequence testing: the thresholds of GRID are tested in
    descending order, from the first that accepts enough answers. Each test is an exact binomial test of the hypothesis
    that more than max_wrong of the accepted answers are wrong; the sequence ends when one is not rejected.
    """
    kept: AcceptRule | None = None
    start = _start(_effective(right, clusters)[1], max_wrong, certainty)
    for threshold in GRID.tolist():
        accepted = confidence >= threshold
        wrong, n = _effective(right[accepted], None if clusters is None else clusters[accepted])
        if n < start:
            continue
        if binomial_p_value(wrong, n, max_wrong) > 1 - certainty:
            break
        kept = AcceptRule(threshold, max_wrong, certainty, float(accepted.mean()), int(accepted.sum()))
        if accepted.all():
            break
    return kept


def _start(n: float, max_wrong: float, certainty: float) -> float:
    """Number of answers at the first test, so that one wrong label at high confidence does not end the sequence.

    A quarter of all answers, or the number for which the test tolerates up to two mistakes, if that is at most half.
    """
    needed = [needed_answers(k, max_wrong=max_wrong, certainty=certainty) for k in range(_MISTAKES_AT_START + 1)]
    return max([needed[0], n / 4, *(count for count in needed if count <= n / 2)])


def _effective(right: np.ndarray, clusters: np.ndarray | None) -> tuple[float, float]:
    """The number of wrong answers and of all answers, as effective sample sizes."""
    n, wrong = len(right), int((~right).sum())
    if clusters is None or n == 0:
        return float(wrong), float(n)
    effective = n * effective_share(~right - wrong / n, clusters)
    return wrong / n * effective, effective


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The share of wrong answers among the k most confident ones, for every k.

    coverage, risk, thresholds: float (n,), from the most confident answer alone to all answers.
    """

    coverage: np.ndarray
    risk: np.ndarray
    thresholds: np.ndarray


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> RiskCoverage:
    """The risk-coverage curve (El-Yaniv & Wiener 2010). confidence: float (n,); right: bool (n,).

    Ties in confidence are averaged over all orders: each of the tied answers counts as their mean error.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked, wrong = confidence[order], (~right[order]).astype(float)
    ties = np.unique(-ranked, return_inverse=True)[1]
    wrong = (np.bincount(ties, wrong) / np.bincount(ties))[ties]
    number = np.arange(1, len(ranked) + 1)
    return RiskCoverage(number / len(ranked), wrong.cumsum() / number, ranked)


def aurc(confidence: np.ndarray, right: np.ndarray) -> float:
    """The area under the risk-coverage curve: the mean risk over all coverages (Geifman, Uziel & El-Yaniv
    2019, Bias-reduced uncertainty estimation for deep neural classifiers, equation 2); NaN without answers.

    0 is best; an uninformative confidence gives the overall share of wrong answers.
    """
    return float(risk_coverage(confidence, right).risk.mean()) if len(confidence) else math.nan
