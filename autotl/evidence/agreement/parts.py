"""Tables and a figure about the labels that people gave, for the app and the report."""

from __future__ import annotations

from collections.abc import Sequence

from autotl.evidence.agreement.dawid_skene import others_majority
from autotl.evidence.agreement.deviating_coders import DeviatingCoder
from autotl.evidence.agreement.people import GroupOfPeople, People
from autotl.evidence.agreement.sentences import METHODS, sentences
from autotl.interfaces import Figure, ScoreInterval, Table

PANEL = "people"
_MOST_CLASSES, _MOST_SHOWN = 8, 20


def parts(people: People, groups: Sequence[GroupOfPeople] = ()) -> tuple[Table | Figure, ...]:
    """The tables and figures that apply, the most important first."""
    rows = tuple((text,) for text in sentences(people, groups))
    found: list[Table | Figure] = [Table("In short", ("what people say",), rows)]
    if people.compared.by_coder:
        found += [_figure(people), _against(people)]
    if people.reliability.pairs:
        found.append(_pairs(people))
    found += [_alone(people, one) for one in people.deviating if one.against]
    if people.consensus.confusions is not None and len(people.table.classes) <= _MOST_CLASSES:
        found.append(_confusions(people))
    if groups:
        found.append(_groups(groups))
    if not people.consensus.resolved.all():
        found.append(_open_images(people))
    return tuple(found)


def _figure(people: People) -> Figure:
    values = [
        {"coder": one.coder, "who": who, "share": share.value, "low": share.low, "high": share.high}
        for one in people.compared.by_coder
        for who, share in (("the coder", one.person), ("the model in this place", one.model))
    ]
    y = {"field": "coder", "type": "nominal", "title": None, "sort": None}
    offset = {"field": "who", "type": "nominal", "sort": None}
    scale = {"zero": False}
    spec: dict[str, object] = {
        "data": {"values": values},
        "encoding": {"y": y, "yOffset": offset, "color": {"field": "who", "type": "nominal", "title": None}},
        "layer": [
            {
                "mark": {"type": "rule"},
                "encoding": {
                    "x": {
                        "field": "low", "type": "quantitative", "title": "agreement with the other coders",
                        "axis": {"format": "%"}, "scale": scale,
                    },
                    "x2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60},
                "encoding": {"x": {"field": "share", "type": "quantitative"}},
            },
        ],
    }  # fmt: skip
    alt = "; ".join(
        f"{one.coder}: {one.person.percent()}, the model in this place {one.model.percent()}"
        for one in people.compared.by_coder
    )
    return Figure(
        "Each coder, and the model in that place", spec, f"Agreement with the other coders. {alt}.",
        "Lines are 95 % intervals of single values; the table has the paired differences, on the same images.",
    )  # fmt: skip


def _against(people: People) -> Table:
    names = {one.coder for one in people.deviating}
    rows = tuple(
        (
            one.coder, one.n_items, one.person.percent(), one.model.percent(), _short(one.difference), one.answer,
            "stands out" if one.coder in names else "",
        )
        for one in people.compared.by_coder
    )  # fmt: skip
    columns = (
        "coder", "images", "agrees with the others", "model in this place", "difference in points",
        "model as good?", "who errs",
    )  # fmt: skip
    note = (
        f'"As good": at most {100 * people.compared.margin:.0f} points less agreement with the other coders. The '
        "answers are corrected for the number of coders (Holm), with an error of at most 5 % for each kind of answer."
    )
    return Table("Is the model as good as a coder?", columns, rows, note)


def _short(one: ScoreInterval) -> str:
    return f"{100 * one.value:+.1f} ({100 * one.low:+.1f} to {100 * one.high:+.1f})" if one.has_interval else ""


def _pairs(people: People) -> Table:
    rows = tuple(
        (f"{one.first}, {one.second}", one.n_items, one.agreement.percent() if one.n_items else "", _number(one.kappa))
        for one in people.reliability.pairs
    )
    note = "Kappa is agreement beyond chance, given how often each coder uses each class; 1 is perfect."
    return Table("Pairs of coders", ("coders", "images", "same label", "Cohen's kappa"), rows, note)


def _alone(people: People, one: DeviatingCoder) -> Table:
    table, number = people.table, people.table.coders.index(one.coder)
    meant = others_majority(table, number)
    rows = tuple(
        (table.items[row], table.classes[table.codes[row, number]], table.classes[meant[row]])
        for row in one.against[:_MOST_SHOWN]
    )
    columns = ("image", f"{one.coder} said", "most of the others")
    note = "Look at some of them together: a different reading of the rules is more likely than carelessness."
    if len(one.against) > len(rows):
        note = f"The first {len(rows)} of {len(one.against)}. {note}"
    return Table(f"Where {one.coder} stands alone", columns, rows, note)


def _confusions(people: People) -> Table:
    assert people.consensus.confusions is not None
    rows = tuple(
        (coder, name, *(f"{100 * share:.0f} %" for share in confusion[number]))
        for coder, confusion in zip(people.table.coders, people.consensus.confusions, strict=True)
        for number, name in enumerate(people.table.classes)
    )
    note = f"Estimated by {METHODS[people.consensus.method]}; {people.consensus.why}."
    columns = ("coder", "consensus class", *(f"says {name}" for name in people.table.classes))
    return Table("What each coder says for each class", columns, rows, note)


def _groups(groups: Sequence[GroupOfPeople]) -> Table:
    rows = []
    for group in groups:
        name, people = f"{group.attribute} = {group.value}", group.people
        if people is None:
            rows.append((name, group.n_items, "too few images", "", "", ""))
            continue
        rows.append(
            (
                name, group.n_items, _number(people.reliability.alpha),
                people.accuracy.percent() if people.accuracy.is_defined else "", people.compared.answer,
                ", ".join(one.coder for one in people.deviating),
            )
        )  # fmt: skip
    columns = ("group", "images", "alpha", "model agrees with people", "as good as a coder", "who errs")
    note = "Each group is analysed separately. Differences between groups are not tested here."
    return Table("By group", columns, tuple(rows), note)


def _open_images(people: People) -> Table:
    table = people.table
    rows = [row for row in range(len(table.items)) if not people.consensus.resolved[row]][:_MOST_SHOWN]
    found = tuple(
        (
            table.items[row],
            ", ".join(
                f"{coder}: {table.classes[code]}"
                for coder, code in zip(table.coders, table.codes[row].tolist(), strict=True)
                if code >= 0
            ),
        )
        for row in rows
    )
    return Table("Images with tied votes", ("image", "codings"), found, "One more coding of each would break the tie.")


def _number(one: ScoreInterval) -> str:
    if not one.is_defined:
        return "undefined"
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})" if one.has_interval else f"{one.value:.2f}"
