"""What is said of methods against bias: a verdict and a sentence for each, and tables for report, app and terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from autotl.evidence.debias import ACCURACY, MEASURES, WORST
from autotl.interfaces import ScoreInterval, Table
from autotl.runs.debias import (
    BETTER,
    NO_WORSE,
    UNDECIDED,
    WORSE,
    DebiasOutcome,
    GroupCounts,
    MethodOutcome,
    Verdict,
)
from autotl.runtime.durations import duration
from autotl.runtime.wording import counted, listed

TOLERATED = 0.02
"""A loss that is smaller than this for certain, in worst-group recall and in accuracy, counts as no loss."""
PANEL = "debias"
_METHODS_PER_TABLE = 4
_ORDER = (BETTER, NO_WORSE, UNDECIDED, WORSE)
_SAID = {
    BETTER: "is better on the worst subgroup",
    NO_WORSE: f"is no worse: it loses less than {100 * TOLERATED:.0f} points",
    WORSE: "is worse",
    UNDECIDED: "is undecided: chance alone could explain the difference",
}


def judge(differences: Mapping[str, ScoreInterval]) -> Verdict:
    """The verdict on a method by its differences to the champion; undecided without intervals."""
    worst, accuracy = differences[WORST], differences[ACCURACY]
    if not (worst.has_interval and accuracy.has_interval):
        return UNDECIDED
    if worst.low > 0:
        return BETTER
    if worst.high < 0 or accuracy.high < 0:
        return WORSE
    return NO_WORSE if min(worst.low, accuracy.low) > -TOLERATED else UNDECIDED


def sentence_of(
    name: str, differences: Mapping[str, ScoreInterval], groups: Mapping[str, ScoreInterval], *, n_seeds: int,
    seconds: float,
) -> str:  # fmt: skip
    """The verdict on a method, with its differences and what it costs."""
    figures = ", ".join(f"{measure} {in_points(differences[measure])}" for measure in _defined(differences))
    verdict = judge(differences)
    said = _SAID[verdict]
    if n_seeds < 2:
        said = "is undecided: one seed proves nothing"
    elif verdict == BETTER and differences[ACCURACY].high < 0:
        said += ", at a cost in accuracy"
    fallen = [f"{group} {in_points(score)}" for group, score in groups.items() if score.high < 0]
    lost = f"; lower recall of {listed(fallen, most=3)}" if fallen else ""
    return f"The method {name} {said}: {figures}{lost}; {counted(n_seeds, 'seed')}, {duration(seconds)} each"


def in_points(score: ScoreInterval, unit: str = " points") -> str:
    """A difference in points with its interval."""
    if not score.is_defined:
        return "unknown"
    value, low, high = (100 * number for number in (score.value, score.low, score.high))
    return f"{value:+.1f}{unit}" + (f" ({low:+.1f} to {high:+.1f})" if score.has_interval else "")


def sentences(
    champion_groups: Mapping[str, ScoreInterval], methods: Sequence[MethodOutcome]
) -> tuple[str, ...]:  # fmt: skip
    """The findings: how the champion treats the subgroups, and the methods, the best verdict first."""
    found = []
    if champion_groups:
        worst = min(champion_groups, key=lambda group: champion_groups[group].value)
        best = max(champion_groups, key=lambda group: champion_groups[group].value)
        found.append(
            f"The champion finds {champion_groups[worst].percent()} of {worst}, its worst subgroup, and "
            f"{champion_groups[best].percent()} of {best}, its best"
        )
    if len(methods) > 1 and not any(method.verdict == BETTER for method in methods):
        found.append(f"Of {counted(len(methods), 'method')} none is shown to be better than the champion")
    return (*found, *(method.sentence for method in in_order(methods)))


def notes(
    groups: Sequence[GroupCounts], methods: Sequence[MethodOutcome], *, level: float, n_tested: int, n_unknown: int,
    cut: Mapping[str, int], of_ensemble: bool,
) -> tuple[str, ...]:  # fmt: skip
    """What the intervals cover, and what could not be judged.

    cut: how many fits of a method its time limit ended, by name, without zeros. of_ensemble: whether the champion is.
    """
    found = []
    if methods:
        found.append(
            "Each difference is to the untouched champion on the same test items. Its interval covers both the "
            f"{n_tested} items and the seeds"
            + (
                f", at {100 * level:.4g} %, so that those of one measure hold for all {len(methods)} methods at once "
                "with 95 %"
                if len(methods) > 1
                else ", at 95 %"
            )
        )
        found.append(
            f"The test split has now judged {counted(len(methods), 'method')} in addition to the champion. A method "
            "that is chosen by these figures is flattered by them: confirm it on new data with `autotl evaluate`"
        )
        if any(len(method.seeds) < 2 for method in methods):
            found.append("One seed proves nothing: give --seeds 5 or more")
    found += [
        f"The time limit ended {counted(n, 'fit')} of the method {name}: a longer --limit may change its figures"
        for name, n in cut.items()
    ]
    if of_ensemble:
        found.append("The champion is an ensemble, and the methods fit its member with the largest weight again")
    small = [f"{group.name} ({group.test})" for group in groups if not group.judged]
    if small:
        found.append(f"Too few test items to be judged: {listed(small)}")
    if n_unknown:
        found.append(f"{counted(n_unknown, 'test item')} without a value of the attribute count for accuracy only")
    return tuple(found)


def not_compared(outcome: DebiasOutcome) -> tuple[str, ...]:
    """Why methods were left out, or have fewer fits than were asked for."""
    failed = [f"The method {name} failed: {why}" for name, why in outcome.failed.items()]
    return (*failed, *(f"The method {name} was left out: {why}" for name, why in outcome.left_out.items()))


def in_order(methods: Sequence[MethodOutcome]) -> list[MethodOutcome]:
    """The best verdict first, and by worst-group recall."""

    def place(method: MethodOutcome) -> tuple[int, float]:
        value = method.differences[WORST].value
        return _ORDER.index(method.verdict), math.inf if math.isnan(value) else -value

    return sorted(methods, key=place)


def parts(outcome: DebiasOutcome) -> tuple[Table, ...]:
    """The tables: the measures of champion and methods, then recall by subgroup."""
    methods, defined = in_order(outcome.methods), _defined(outcome.champion)
    rows = [["champion", "", *(_share(outcome.champion[measure]) for measure in defined), ""]]
    rows += [
        [
            method.name,
            method.verdict,
            *(_with_change(method.values[measure], method.differences[measure]) for measure in defined),
            duration(method.seconds),
        ]
        for method in methods
    ]
    what = outcome.by or "class"
    measures = Table(
        f"Methods against bias, by {what}", ("model", "verdict", *defined, "time of a fit"), tuple(map(tuple, rows)),
        note="In brackets: the difference from the champion in points, with its interval.",
    )  # fmt: skip
    return measures, *_recall_tables(outcome, what, methods)


def _recall_tables(outcome: DebiasOutcome, what: str, methods: Sequence[MethodOutcome]) -> list[Table]:
    """Recall by subgroup, in as many tables as keep each narrow enough for a page."""
    note = "Differences in recall, in points, with intervals that hold for all subgroups of all methods at once."
    tables = []
    for first in range(0, max(1, len(methods)), _METHODS_PER_TABLE):
        shown = methods[first : first + _METHODS_PER_TABLE]
        columns = ("subgroup", "train", "validation", "test", "champion", *(method.name for method in shown))
        rows: tuple[tuple[str | float, ...], ...] = tuple(
            (
                group.name, group.train, group.validation, group.test,
                _share(outcome.champion_groups[group.name]) if group.judged else "too few items",
                *(in_points(method.groups[group.name], "") if group.name in method.groups else "" for method in shown),
            )
            for group in outcome.groups
        )  # fmt: skip
        tables.append(Table(f"Recall by {what}{', other methods' if first else ''}", columns, rows, note=note))
    return tables


def _defined(scores: Mapping[str, ScoreInterval]) -> list[str]:
    """The measures that have a value; there is no gap where the subgroups are the classes."""
    return [measure for measure in MEASURES if scores[measure].is_defined]


def _share(score: ScoreInterval) -> str:
    return score.percent(1)


def _with_change(value: float, difference: ScoreInterval) -> str:
    if math.isnan(value):
        return "unknown"
    change = in_points(difference, "")
    return f"{100 * value:.1f} % ({change.replace(' (', '; ').rstrip(')')})"
