"""The abstention results as sentences, tables and figures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autotl.evidence.abstention.accepting import risk_coverage
from autotl.interfaces import Figure, Table
from autotl.predictions import Predictions
from autotl.runs.doubts import AcceptSummary, DoubtsSummary, NoveltySummary, SetsSummary
from autotl.runtime.wording import listed, percent

MOST_POINTS = 200
"""Number of points drawn of the risk-coverage curve."""
_OF_ALL = 'With "all classes" the range is that of all images together and does not hold for this class. '


def describe(found: DoubtsSummary) -> tuple[str, ...]:
    """The results as sentences, the most important first."""
    said = [
        *([_of_accept_rule(found.accept)] if found.accept else []), *([_of_sets(found.sets)] if found.sets else []),
        *([_of_novelty(found.novelty)] if found.novelty else []),
    ]  # fmt: skip
    return (*said, *(f"The model offers no {_quoted(why)}." for why in found.left_out))


def _quoted(why: str) -> str:
    """The reason why something is left out, with the name "none of these" in quotation marks."""
    name = "none of these"
    return f'answer "{name}"{why.removeprefix(name)}' if why.startswith(f"{name}:") else why


def _of_accept_rule(rule: AcceptSummary) -> str:
    return (
        f"The model calls itself unsure below a probability of {rule.threshold:.3g}: with {percent(rule.certainty)} "
        f"certainty at most {percent(rule.max_wrong)} of its other answers are wrong. Of the test images it answers "
        f"{rule.answered.percent()}, and {rule.wrong.percent(1)} of these answers are wrong."
    )


def _of_sets(sets: SetsSummary) -> str:
    pooled = [name for name, one in sets.classes.items() if one.pooled]
    text = (
        f"A set of classes should contain the true one in {percent(sets.coverage)} of cases, for each class; on the "
        f"test split it does in {sets.tested.percent()}, with {sets.mean_size:.2f} classes on average."
    )
    if not pooled:
        return text
    together = "these classes use the threshold of all images together"
    return f"{text} There were too few images to guarantee this for {listed(pooled, most=5)}: {together}."


def _of_novelty(rule: NoveltySummary) -> str:
    return (
        f'"None of these": images with a p-value of at most {percent(rule.false_refusal)} are unlike every class. '
        f"This would reject {rule.tested.percent(1)} of the test images, all of which belong to a class."
    )


def tables(found: DoubtsSummary) -> tuple[Table, ...]:
    """A summary of the rules, and the sets by class."""
    area: tuple[str | float | None, ...] = ("area under the risk-coverage curve", None, *found.aurc.rounded())
    rows = [area]
    if found.accept:
        promised = found.accept.max_wrong
        rows.append(("answered", None, *found.accept.answered.rounded()))
        rows.append(("wrong among the answered", f"at most {promised:g}", *found.accept.wrong.rounded()))
    if found.sets:
        rows.append(("sets that hold the true class", f"{found.sets.coverage:g}", *found.sets.tested.rounded()))
    if found.novelty:
        promised = found.novelty.false_refusal
        rows.append(("images of the classes taken for none of these", f"{promised:g}", *found.novelty.tested.rounded()))
    note = (
        "Calibrated on the held-out answers of the search, measured on the test split. The area is the share of wrong "
        "answers among the most confident ones, averaged over all coverages: 0 is best; an uninformative confidence "
        f"has {found.random_aurc:.3f}."
    )
    cells = tuple(tuple(_cell(cell) for cell in row) for row in rows)
    summary = Table("When it does not know", ("on the test split", "promised", "found", "low", "high"), cells, note)
    return (summary, _table_of_sets(found.sets)) if found.sets else (summary,)


def _cell(cell: str | float | None) -> str | float | None:
    return None if isinstance(cell, float) and not np.isfinite(cell) else cell


def _table_of_sets(sets: SetsSummary) -> Table:
    rows = tuple(
        (
            name, round(one.threshold, 4), one.n, "all classes" if one.pooled else "its own", round(one.low, 3),
            round(one.high, 3), one.n_tested, *(_cell(part) for part in one.tested.rounded()),
        )
        for name, one in sets.classes.items()
    )  # fmt: skip
    columns = (
        "class", "threshold", "images", "of", "coverage from", "to", "test images", "covered", "low", "high",
    )  # fmt: skip
    score = "1 - probability" if sets.method == "lac" else "RAPS"
    note = (
        f"A class is in the set where its score ({score}) is at most its threshold. With this number of images, the "
        f"true coverage lies in the given range in 90 of 100 cases; {percent(sets.coverage)} is guaranteed on average "
        f"over these cases. {_OF_ALL if any(one.pooled for one in sets.classes.values()) else ''}"
        f"{percent(sets.empty)} of the sets are empty (no class fits), and {percent(sets.single)} contain one class."
    )
    return Table("Sets of classes", columns, rows, note)


def figures(found: DoubtsSummary, tested: Predictions) -> Iterator[Figure]:
    """The risk-coverage curve, and the coverage of the sets by class."""
    if len(tested.items):
        yield _risk_figure(found, tested)
    if found.sets and any(one.tested.is_defined for one in found.sets.classes.values()):
        yield _coverage_figure(found.sets)


def _risk_figure(found: DoubtsSummary, tested: Predictions) -> Figure:
    right = tested.probabilities.argmax(axis=1) == tested.labels
    curve = risk_coverage(tested.probabilities.max(axis=1), right)
    places = np.unique(np.linspace(0, len(right) - 1, MOST_POINTS).astype(int))
    values = [
        {"answered": round(float(curve.coverage[i]), 4), "wrong": round(float(curve.risk[i]), 4),
         "threshold": round(float(curve.thresholds[i]), 4)} for i in places
    ]  # fmt: skip
    x = {"field": "answered", "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"format": "%"},
         "title": "share of images answered, the most confident first"}  # fmt: skip
    y = {"field": "wrong", "type": "quantitative", "axis": {"format": "%"}, "title": "wrong among them"}
    layers: list[dict[str, object]] = [{"mark": "line", "encoding": {"x": x, "y": y}}]
    if found.accept and found.accept.answered.is_defined:
        here = [{"answered": round(found.accept.answered.value, 4)}]
        layers.append({"data": {"values": here}, "mark": {"type": "rule", "strokeDash": [4, 4]},
                       "encoding": {"x": {**x, "scale": {"domain": [0, 1]}}}})  # fmt: skip
    area = f"{found.aurc.value:.3f} ({found.aurc.ends})"
    answers = f"{len(right):,} test images; with all of them answered {100 * (1 - right.mean()):.1f} % are wrong"
    return Figure(
        "Wrong answers, by how many are given", {"data": {"values": values}, "layer": layers},
        f"Risk-coverage curve of {answers}. Area under it: {area}.",
        f"Area under the curve: {area}; an uninformative confidence has {found.random_aurc:.3f}."
        + (" The dashed line is the accept threshold." if found.accept else ""),
    )  # fmt: skip


def _coverage_figure(sets: SetsSummary) -> Figure:
    values = [
        {"class": name, **dict(zip(("covered", "low", "high"), one.tested.rounded(), strict=True))}
        for name, one in sets.classes.items() if one.tested.is_defined
    ]  # fmt: skip
    y = {"field": "class", "type": "nominal", "sort": None, "title": None}
    axis = {"scale": {"domain": [0, 1]}, "axis": {"format": "%"}}
    spec = {
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [4, 4]},
             "encoding": {"x": {"datum": sets.coverage, "type": "quantitative"}}},
            {"mark": "rule", "encoding": {
                "y": y, "x2": {"field": "high"},
                "x": {"field": "low", "type": "quantitative", "title": "sets that hold the true class", **axis}}},
            {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": {
                "y": y, "x": {"field": "covered", "type": "quantitative", **axis}}},
        ],
    }  # fmt: skip
    known = {name: one.tested.value for name, one in sets.classes.items() if one.tested.is_defined}
    shares = ", ".join(f"{name} {percent(share)}" for name, share in known.items())
    return Figure(
        "How often sets hold the true class", spec, f"Coverage by class: {shares}.",
        f"On the test split, with 95 % intervals; the dashed line is the guaranteed {percent(sets.coverage)}.",
    )  # fmt: skip
