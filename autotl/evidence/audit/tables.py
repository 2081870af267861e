"""The results of an audit as tables and a figure."""

from __future__ import annotations

from collections.abc import Sequence

from autotl.evidence.audit.audit import Audit
from autotl.evidence.audit.sums import BY_CLASS, RECALL, SELECTION
from autotl.evidence.audit.words import number_in_words
from autotl.interfaces import Figure, ScoreInterval, Table
from autotl.runs.audit import ABSOLUTE_ERROR, BIAS, AuditSummary
from autotl.runtime.wording import counted

MOST_ROWS = 200
_MEASURES = {
    ABSOLUTE_ERROR: ("Mean absolute error by group", "In the unit of the numbers."),
    BIAS: ("Bias by group", "The mean of predicted less true: above 0 if the predictions are too high."),
    "error": ("Wrong labels by group", "The share of all labels of all images that are wrong (Hamming loss)."),
    "recall": ("Labels found by group", "Of the labels that apply, the share that reaches its threshold."),
}
"""Titles of the tables of labels and numbers, and what the measures are."""


def parts(audit: Audit) -> tuple[Table | Figure, ...]:
    """The tables and the figure for the app and the report."""
    summary = audit.summary
    if not summary.groups:
        return ()
    if "calibration" not in summary.overall:
        return _measured_parts(audit)
    found: list[Table | Figure] = [_figure(summary), _errors(audit), _by_class(summary)]
    if summary.claims:
        found.append(_claims(summary))
    return tuple(found)


def _origin(summary: AuditSummary) -> str:
    places = [f"{n:,} of the {part}" for part, n in summary.n_items.items()]
    return f"Unseen answers: {' and '.join(places)}, no image twice."


def _errors(audit: Audit) -> Table:
    summary = audit.summary
    differences = {claim.group: claim for claim in audit.deviations if claim.rate == "error"}
    rows: list[tuple[str | float | None, ...]] = [
        ("all images", sum(summary.n_items.values()), *_cells(summary.overall.get("error")), None, None, None,
         *_cells(summary.overall.get("calibration")))
    ]  # fmt: skip
    for group in summary.groups:
        found = differences.get(group.group)
        rows.append((
            group.group, group.n_items, *_cells(group.rates.get("error")), *_cells(found.value if found else None),
            *_cells(group.rates.get("calibration")),
        ))  # fmt: skip
    columns = (
        "group", "images", *_columns("error"), "difference from all images", "at least", "at most",
        *_columns("too sure by"),
    )  # fmt: skip
    note = (
        f"{_origin(summary)} The first and the last interval each hold for one rate alone (95 %); that of the "
        f"difference is simultaneous for {counted(summary.n_compared, 'comparison')}, so only this interval shows that "
        "a group differs, if it excludes 0. Too sure by: mean confidence minus the share of right answers."
    )
    return Table("Error and calibration by group", columns, tuple(rows[: MOST_ROWS + 1]), note)


def _by_class(summary: AuditSummary, kinds: Sequence[str] = BY_CLASS, one: str = "class") -> Table:
    rows: list[tuple[str | float | None, ...]] = []
    for name, rates in [("all images", summary.overall), *((one.group, one.rates) for one in summary.groups)]:
        classes = dict.fromkeys(rate.partition("[")[2].removesuffix("]") for rate in rates if "[" in rate)
        for label in classes:
            rows.append((name, label, *(cell for kind in kinds for cell in _cells(rates.get(f"{kind}[{label}]")))))
    columns = ("group", one, *(cell for kind in kinds for cell in _columns(kind)))
    note = "Each interval is a 95 % interval for one rate alone."
    if SELECTION in kinds:
        note += (
            " Selection rate: how often the class is predicted, which also depends on how common it is in the group."
        )
    if len(rows) > MOST_ROWS:
        note += f" The first {MOST_ROWS} of {len(rows)} rows."
    what = "Recall, precision and selection rate" if SELECTION in kinds else "Recall"
    return Table(f"{what} by group and {one}", columns, tuple(rows[:MOST_ROWS]), note)


def _claims(summary: AuditSummary) -> Table:
    rows = tuple((claim.group, claim.rate, *_cells(claim.value), claim.p_value) for claim in summary.claims[:MOST_ROWS])
    note = (
        f"The differences whose interval excludes 0, of {counted(summary.n_compared, 'comparison')}. The intervals are "
        "simultaneous: all hold together in 95 of 100 audits (studentised max-|t| resampling)."
    )
    return Table(
        "Where groups differ from all images",
        ("group", "rate", "difference from all images", "at least", "at most", "p"),
        rows,
        note,
    )


def _figure(summary: AuditSummary, rate: str = "error") -> Figure:
    shown = [group for group in summary.groups if rate in group.rates][:40]
    values = [
        {"group": group.group, "images": group.n_items}
        | {name: getattr(group.rates[rate], name) for name in ("value", "low", "high")}
        for group in shown
    ]
    one_each = "calibration" in summary.overall
    title, axis, form = f"share of wrong {'answers' if one_each else 'labels'}", {"format": "%"}, ".1%"
    if rate == ABSOLUTE_ERROR:
        title, axis, form = rate, {}, ".3~g"
    x = {"type": "quantitative", "title": title, "axis": axis, "scale": {"zero": True}}
    y = {"field": "group", "type": "nominal", "sort": None, "title": None}
    tooltip = [
        {"field": "group"}, {"field": "value", "title": rate, "format": form},
        {"field": "low", "format": form}, {"field": "high", "format": form}, {"field": "images"},
    ]  # fmt: skip
    overall = summary.overall[rate].value
    spec = {
        "layer": [
            {
                "data": {"values": [{"error": overall}]},
                "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#8493a3"},
                "encoding": {"x": {"field": "error", **x}},
            },
            {
                "data": {"values": values},
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}},
            },
            {
                "data": {"values": values},
                "mark": {"type": "circle", "size": 80, "opacity": 1},
                "encoding": {"y": y, "x": {"field": "value", **x}, "tooltip": tooltip},
            },
        ]
    }
    return Figure(
        "Error by group", spec,
        alt=f"{title.capitalize()} in {counted(len(shown), 'group')} with 95 % intervals; all images: "
        f"{number_in_words(rate, overall)}{'' if rate == ABSOLUTE_ERROR else ' %'}.",
        note="Lines are 95 % intervals, each for one group alone; the dashed line is the error on all images.",
    )  # fmt: skip


def _measured_parts(audit: Audit) -> tuple[Table | Figure, ...]:
    """The figure of the error of labels or numbers, a table for each measure, and what is claimed."""
    summary = audit.summary
    rates = [rate for rate in summary.overall if "[" not in rate]
    found: list[Table | Figure] = [_figure(summary, rates[0]), *(_measured(audit, rate) for rate in rates)]
    if any("[" in rate for rate in summary.overall):
        found.append(_by_class(summary, (RECALL,), "label"))
    return (*found, _claims(summary)) if summary.claims else tuple(found)


def _measured(audit: Audit, rate: str) -> Table:
    """One measure of each group, and its difference from all images."""
    summary = audit.summary
    differences = {claim.group: claim.value for claim in audit.deviations if claim.rate == rate}
    rows: list[tuple[str | float | None, ...]] = [
        ("all images", sum(summary.n_items.values()), *_cells(summary.overall.get(rate)), *_cells(None))
    ]
    rows += [
        (one.group, one.n_items, *_cells(one.rates.get(rate)), *_cells(differences.get(one.group)))
        for one in summary.groups
    ]
    title, meaning = _MEASURES[rate]
    note = (
        f"{meaning} {_origin(summary)} The first interval holds for one group alone (95 %); that of the difference is "
        f"simultaneous for {counted(summary.n_compared, 'comparison')}, so only this interval shows that a group "
        "differs, if it excludes 0."
    )
    columns = ("group", "images", *_columns(rate), "difference from all images", "at least", "at most")
    return Table(title, columns, tuple(rows[: MOST_ROWS + 1]), note)


def _columns(rate: str) -> tuple[str, str, str]:
    return rate, f"{rate}, low", f"{rate}, high"


def _cells(rate: ScoreInterval | None) -> tuple[float | None, float | None, float | None]:
    if rate is None or not rate.is_defined:
        return None, None, None
    value, low, high = rate.rounded(4)
    return (value, low, high) if rate.has_interval else (value, None, None)
