"""What a check found, each finding with its items and with buttons for what can be done about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import streamlit as st

from autotl.checks.check_document import CheckedFinding
from autotl.checks.proposals import accept_at_once
from autotl.data.item_kinds import ItemKind
from autotl.data.patch import Decision
from autotl_ui.data.choices import choose, take_back
from autotl_ui.data.contents import Contents
from autotl_ui.data.gallery import grid_key, new_grid
from autotl_ui.widgets.items import GridItem, name_of, show_items
from autotl_ui.widgets.paging import pick_page
from autotl_ui.widgets.theme import sticky
from autotl_ui.widgets.words import counted, plain, sentence, worded
from autotl_ui.workspace.data_sets import DataSet

N_ITEMS, N_PAIRS = 24, 6
PIXELS = 120
_UNKNOWN = ("", "", False)
_SEVERITIES = {"error": ("Error", "red"), "warning": ("Warning", "orange"), "info": ("Good to know", "blue")}


def show_finding(data_set: DataSet, contents: Contents, found: CheckedFinding, *, decided: set[str], key: str) -> None:
    """Draw a finding. decided: items with a decision made since the check. key: unique on the page."""
    with st.container(border=True):
        word, colour = _SEVERITIES.get(found.severity, ("Good to know", "blue"))
        title = found.check.replace("-", " ").capitalize()
        st.markdown(f":{colour}-badge[{word}] **{plain(title)}**")
        st.markdown(worded(plain(sentence(found.message)), contents.kind))
        if found.advice:
            st.caption(worded(plain(found.advice), contents.kind))
        _show_fixes(data_set, contents, found, decided, key)
        if found.pairs:
            _show_pairs(data_set, contents, found, decided, key)
        elif found.items:
            _show_items(data_set, contents, found, key)


def say(decision: Decision) -> str:
    """A decision as the words of a button."""
    match decision.decision:
        case "exclude":
            return f"Exclude {decision.item}"
        case "relabel":
            return f"Relabel {decision.item} as {decision.label}"
        case _:
            return f"Merge {decision.item} into {decision.label}"


def _show_fixes(data_set: DataSet, contents: Contents, found: CheckedFinding, decided: set[str], key: str) -> None:
    """Buttons for decisions that need no look at single items, and one to undo all of them."""
    done = {Decision(d.decision, d.item, d.label) for d in contents.decisions}
    seen = {*found.items, *(path for pair in found.pairs for path in pair)}
    at_once = accept_at_once(
        found, applies=partial(_fits, contents=contents), excluded=contents.excluded, in_force=done, decided=decided
    )  # fmt: skip
    fixes = [fix for fix in found.fixes if fix.item not in seen and _fits(fix, contents) and [fix] != at_once]
    mine = decided.intersection([*seen, *(decision.item for decision in (*found.fixes, *found.proposals))])
    if not (at_once or fixes or mine):
        return
    with st.container(horizontal=True):
        if at_once:
            left = [decision for decision in at_once if decision not in done]
            said = _say_all(found, left or at_once, contents.kind)
            st.button(
                plain(said) + ("" if left else " ✓"), key=f"all-{key}", icon=":material/done_all:",
                disabled=not left, on_click=_decide, args=(data_set, contents, left, said),
                help="All that the check proposes for this finding. It can be undone.",
            )  # fmt: skip
        for number, fix in enumerate(fixes):
            st.button(
                plain(say(fix)) + (" ✓" if fix in done else ""), key=f"fix-{key}-{number}", disabled=fix in done,
                on_click=_decide, args=(data_set, contents, [fix], say(fix)),
            )  # fmt: skip
        if mine:
            st.button(
                "Undo for this finding", key=f"back-{key}", icon=":material/undo:", on_click=_take_back,
                args=(data_set, contents, sorted(mine)),
            )  # fmt: skip


def _say_all(found: CheckedFinding, decisions: Sequence[Decision], kind: ItemKind) -> str:
    if len(decisions) == 1:
        return say(decisions[0])
    counts = Counter(decision.decision for decision in decisions)
    words = {
        "exclude": lambda n: f"exclude {kind.of(n)}",
        "merge": lambda n: f"merge {counted(n, 'class', 'classes')}",
    }
    text = ", ".join(words[decision](n) for decision, n in counts.items())
    return f"Keep one of each, {text}" if found.pairs else text[:1].upper() + text[1:]


def _show_items(data_set: DataSet, contents: Contents, found: CheckedFinding, key: str) -> None:
    items = found.items
    grid, toolbar = st.container(), sticky(key)
    with toolbar:
        shown = items[pick_page(len(items), N_ITEMS, key=f"page-{key}", on_change=new_grid)]
    proposed = {decision.item: decision for decision in (*found.fixes, *found.proposals)}
    shown_items = [finding_item(contents, path, detail=_detail(proposed.get(path))) for path in shown]
    with grid:
        chosen = show_items(shown_items, key=grid_key(f"found-{key}"), pixels=PIXELS, choose=True)
    with toolbar, st.container(horizontal=True):
        if not chosen:
            doing = "relabel or exclude" if any(d.decision == "relabel" for d in proposed.values()) else "exclude"
            st.caption(
                f"Click the {contents.kind.plural} that you want to {doing} (Shift-click selects a range; the space "
                "bar also selects)."
            )
            return
        some = [proposed[path] for path in chosen if path in proposed and proposed[path].decision == "relabel"]
        if some:
            st.button(
                f"Relabel the {len(some)} selected as proposed", key=f"some-{key}", type="primary", on_click=_decide,
                args=(data_set, contents, some, f"relabelled {len(some)}"),
            )  # fmt: skip
        st.button(
            f"Exclude the {len(chosen)} selected", key=f"out-{key}", icon=":material/block:", on_click=_decide,
            args=(data_set, contents, [Decision("exclude", path) for path in chosen], f"excluded {len(chosen)}"),
        )  # fmt: skip
        st.button(
            "Undo", key=f"was-{key}", icon=":material/restart_alt:", on_click=_take_back,
            args=(data_set, contents, chosen),
        )  # fmt: skip


def _detail(proposal: Decision | None) -> str:
    return f"looks like {proposal.label}" if proposal and proposal.decision == "relabel" else ""


def _show_pairs(data_set: DataSet, contents: Contents, found: CheckedFinding, decided: set[str], key: str) -> None:
    shown = found.pairs[pick_page(len(found.pairs), N_PAIRS, key=f"page-{key}")]
    columns = st.columns(2)
    for number, pair in enumerate(shown):
        with columns[number % 2], st.container(border=True, gap="small"):
            show_items([finding_item(contents, path) for path in pair], key=f"pair-{key}-{number}", pixels=PIXELS)
            with st.container(horizontal=True):
                for place, (title, decision) in enumerate(_options(contents, *pair)):
                    st.button(
                        plain(title), key=f"pair-{key}-{number}-{place}", on_click=_decide,
                        args=(data_set, contents, [decision], say(decision)), disabled=not _fits(decision, contents),
                    )  # fmt: skip
                if not decided.isdisjoint(pair):
                    st.button(
                        "Undo", key=f"was-{key}-{number}", icon=":material/restart_alt:", on_click=_take_back,
                        args=(data_set, contents, list(pair)),
                    )  # fmt: skip


def _options(contents: Contents, first: str, second: str) -> list[tuple[str, Decision]]:
    """The decisions that a pair offers; none where one is excluded already, so that the other stays."""
    (one, _, out), (two, _, also_out) = (contents.known.get(path, _UNKNOWN) for path in (first, second))
    if out or also_out:
        return []
    options = [
        ("Exclude the first", Decision("exclude", first)),
        ("Exclude the second", Decision("exclude", second)),
    ]
    if one != two:
        options += [(f"Both are {one}", Decision("relabel", second, one))] if one else []
        options += [(f"Both are {two}", Decision("relabel", first, two))] if two else []
    return options


def finding_item(contents: Contents, path: str, *, detail: str = "") -> GridItem:
    """An item as a finding shows it: with its class, and a mark where there is a decision about it."""
    label, given, excluded = contents.known.get(path, _UNKNOWN)
    mark = "excluded" if excluded else f"was {given or 'unlabelled'}" if label != given else ""
    file = contents.file(path)
    name = name_of(file, path.rpartition("/")[2])
    return GridItem(file, path, caption=label or "unlabelled", detail=detail or name, mark=mark)


def _fits(decision: Decision, contents: Contents) -> bool:
    """Whether the item or class that a decision is about is in the data."""
    if decision.decision == "merge":
        return decision.item in contents.given_classes
    return decision.item in contents.known


def _decide(data_set: DataSet, contents: Contents, new: list[Decision], said: str) -> None:
    if choose(data_set, contents, new, said):
        new_grid()


def _take_back(data_set: DataSet, contents: Contents, items: list[str]) -> None:
    if take_back(data_set, contents, items, f"undid {len(items)}"):
        new_grid()
