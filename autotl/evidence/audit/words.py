"""The results of an audit as sentences."""

from __future__ import annotations

from autotl.evidence.audit.subgroups import MOST_VALUES
from autotl.runs.audit import ABSOLUTE_ERROR, BIAS, AuditSummary, Deviation, Gap, rate_in_words
from autotl.runtime.wording import counted, listed

MOST_CLAIMS_SAID = 2
AT_ONCE = "simultaneous 95 % interval"


def describe(summary: AuditSummary) -> tuple[str, ...]:
    """The results as sentences, the most important first; none if nothing could be compared."""
    said = [f"{summary.gate.sentence}."] if summary.gate else []
    worse = [claim for claim in summary.claims if is_worse(claim)]
    biased = [claim for claim in summary.claims if claim.rate == BIAS and is_further_off(claim, summary)]
    if worse:
        said.append(f"It works worse for {'; and for '.join(map(_claimed, _one_a_group(worse)[:MOST_CLAIMS_SAID]))}.")
    if biased:
        sides = (_side(claim, summary) for claim in biased[:MOST_CLAIMS_SAID])
        said.append(f"It errs to one side for {'; and for '.join(sides)}.")
    if not worse and not biased and summary.n_compared:
        said.append(
            f"In {counted(summary.n_compared, 'comparison')} of groups by {listed(summary.attributes)}, it is not "
            "shown to work worse for any group than for all images together."
        )
    if summary.worst and summary.worst.value.value > 0:
        said.append(_gap(summary.worst))
    if summary.too_small:
        said.append(
            f"Groups with too few images to judge: {listed(f'{k} ({n})' for k, n in summary.too_small.items())}."
        )
    if summary.not_auditable:
        names = (f"{name} ({counted(n, 'value')})" for name, n in summary.not_auditable.items())
        said.append(f"Not audited, because an attribute needs 2 to {MOST_VALUES} values: {listed(names)}.")
    return tuple(said)


def is_worse(claim: Deviation) -> bool:
    """Whether the model works worse for a group; a different selection rate is neither better nor worse."""
    kind = claim.rate.partition("[")[0]
    if kind in ("error", ABSOLUTE_ERROR):
        return claim.value.low > 0
    return kind in ("recall", "precision") and claim.value.high < 0


def is_further_off(claim: Deviation, summary: AuditSummary) -> bool:
    """Whether a group's bias is also further from 0 than the bias of all images."""
    overall = summary.overall[claim.rate].value
    return abs(overall + claim.value.value) > abs(overall)


def _one_a_group(claims: list[Deviation]) -> list[Deviation]:
    """The most certain claim of each group."""
    return list({claim.group: claim for claim in reversed(claims)}.values())[::-1]


def _claimed(claim: Deviation) -> str:
    value = claim.value
    low, high = sorted((abs(value.low), abs(value.high)))
    direction = "higher" if value.value > 0 else "lower"
    amount = f"{_amount(claim.rate, abs(value.value))} {direction} than for all images"
    ends = f"{number_in_words(claim.rate, low)} to {number_in_words(claim.rate, high)}"
    return f"{claim.group}: {rate_in_words(claim.rate)} is {amount} ({AT_ONCE}: {ends})"


def _side(claim: Deviation, summary: AuditSummary) -> str:
    value, overall = claim.value, summary.overall[claim.rate].value
    return (
        f"{claim.group}: {claim.rate}, the mean of predicted less true, is {overall + value.value:+.3g}, and "
        f"{overall:+.3g} for all images ({AT_ONCE} of the difference: {value.low:+.3g} to {value.high:+.3g})"
    )


def number_in_words(rate: str, value: float) -> str:
    """A share in points, or a number in its unit."""
    return f"{value:.3g}" if rate in (ABSOLUTE_ERROR, BIAS) else f"{100 * value:.1f}"


def _amount(rate: str, value: float) -> str:
    return number_in_words(rate, value) + ("" if rate in (ABSOLUTE_ERROR, BIAS) else " points")


def _gap(gap: Gap) -> str:
    least, most = (number_in_words(gap.rate, value) for value in (gap.value.low, gap.if_equal_high))
    return (
        f"The largest gap in {gap.rate} is between {gap.worse} and {gap.better}: {_amount(gap.rate, gap.value.value)}, "
        f"at least {least}; if all groups were equal, the largest gap would be {_amount(gap.rate, gap.if_equal)} "
        f"on average, and at most {most} in 19 of 20 cases."
    )
