"""The results of an audit as sentences, tables and a figure."""

from __future__ import annotations

from autotl.evidence.audit.audit import Audit
from autotl.evidence.audit.subgroups import MOST_VALUES
from autotl.interfaces import Figure, ScoreInterval, Table
from autotl.runs.audit import AuditSummary, Deviation, Gap, rate_in_words
from autotl.runtime.wording import counted, listed

MOST_ROWS, MOST_CLAIMS_SAID = 200, 2
AT_ONCE = "simultaneous 95 % interval"


def describe(summary: AuditSummary) -> tuple[str, ...]:
    """The results as sentences, the most important first; none if nothing could be compared."""
    said = [f"{summary.gate.sentence}."] if summary.gate else []
    worse = [claim for claim in summary.claims if is_worse(claim)]
    if worse:
        said.append(f"It works worse for {'; and for '.join(map(_claimed, _one_a_group(worse)[:MOST_CLAIMS_SAID]))}.")
    elif summary.n_compared:
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
    if kind in ("error", "calibration"):
        return kind == "error" and claim.value.low > 0
    return kind in ("recall", "precision") and claim.value.high < 0


def parts(audit: Audit) -> tuple[Table | Figure, ...]:
    """The tables and the figure for the app and the report."""
    summary = audit.summary
    if not summary.groups:
        return ()
    found: list[Table | Figure] = [_figure(summary), _errors(audit), _by_class(summary)]
    if summary.claims:
        found.append(_claims(summary))
    return tuple(found)


def _one_a_group(claims: list[Deviation]) -> list[Deviation]:
    """The most certain claim of each group."""
    return list({claim.group: claim for claim in reversed(claims)}.values())[::-1]


def _claimed(claim: Deviation) -> str:
    value = claim.value
    ends = sorted((abs(100 * value.low), abs(100 * value.high)))
    direction = "higher" if value.value > 0 else "lower"
    amount = f"{abs(100 * value.value):.1f} points {direction} than for all images"
    return f"{claim.group}: {rate_in_words(claim.rate)} is {amount} ({AT_ONCE}: {ends[0]:.1f} to {ends[1]:.1f})"


def _gap(gap: Gap) -> str:
    return (
        f"The largest gap in error is between {gap.worse} and {gap.better}: {100 * gap.value.value:.1f} points, at "
        f"least {100 * gap.value.low:.1f}; if all groups were equal, the largest gap would be {100 * gap.if_equal:.1f} "
        f"points on average, and at most {100 * gap.if_equal_high:.1f} in 19 of 20 cases."
    )


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


def _by_class(summary: AuditSummary) -> Table:
    kinds = ("recall", "precision", "selection rate")
    rows: list[tuple[str | float | None, ...]] = []
    for name, rates in [("all images", summary.overall), *((one.group, one.rates) for one in summary.groups)]:
        classes = dict.fromkeys(rate.partition("[")[2].removesuffix("]") for rate in rates if "[" in rate)
        for label in classes:
            rows.append((name, label, *(cell for kind in kinds for cell in _cells(rates.get(f"{kind}[{label}]")))))
    columns = ("group", "class", *(cell for kind in kinds for cell in _columns(kind)))
    note = (
        "Each interval is a 95 % interval for one rate alone. Selection rate: how often the class is predicted, "
        "which also depends on how common it is in the group."
    )
    if len(rows) > MOST_ROWS:
        note += f" The first {MOST_ROWS} of {len(rows)} rows."
    return Table("Recall, precision and selection rate by group and class", columns, tuple(rows[:MOST_ROWS]), note)


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


def _figure(summary: AuditSummary) -> Figure:
    shown = [group for group in summary.groups if "error" in group.rates][:40]
    values = [
        {"group": group.group, "images": group.n_items}
        | {name: getattr(group.rates["error"], name) for name in ("value", "low", "high")}
        for group in shown
    ]
    x = {"type": "quantitative", "title": "share of wrong answers", "axis": {"format": "%"}, "scale": {"zero": True}}
    y = {"field": "group", "type": "nominal", "sort": None, "title": None}
    tooltip = [
        {"field": "group"}, {"field": "value", "title": "error", "format": ".1%"},
        {"field": "low", "format": ".1%"}, {"field": "high", "format": ".1%"}, {"field": "images"},
    ]  # fmt: skip
    overall = summary.overall["error"].value
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
        alt=f"Share of wrong answers in {counted(len(shown), 'group')} with 95 % intervals; all images: "
        f"{100 * overall:.1f} %.",
        note="Lines are 95 % intervals, each for one group alone; the dashed line is the error on all images.",
    )  # fmt: skip


def _columns(rate: str) -> tuple[str, str, str]:
    return rate, f"{rate}, low", f"{rate}, high"


def _cells(rate: ScoreInterval | None) -> tuple[float | None, float | None, float | None]:
    if rate is None or not rate.is_defined:
        return None, None, None
    value, low, high = rate.rounded(4)
    return (value, low, high) if rate.has_interval else (value, None, None)
