"""What a check found, each finding with its pictures and with what can be done about it at a click."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from autotl.patch import Decision
from autotl_ui.data.checking import Found
from autotl_ui.data.choices import choose, take_back
from autotl_ui.data.contents import Contents
from autotl_ui.data.gallery import grid_key, new_grid
from autotl_ui.data_sets import DataSet
from autotl_ui.paging import pick_page
from autotl_ui.pictures import Picture, show_pictures
from autotl_ui.words import counted, plain, sentence

N_PICTURES, N_PAIRS = 24, 6
PIXELS = 120
_SEVERITIES = {"error": ("Error", "red"), "warning": ("Warning", "orange"), "info": ("Good to know", "blue")}


def show_finding(data_set: DataSet, contents: Contents, found: Found, *, key: str) -> None:
    """Draw a finding. key: tells it from the others of the page."""
    with st.container(border=True):
        word, colour = _SEVERITIES.get(found.severity, ("Good to know", "blue"))
        title = found.check.replace("-", " ").capitalize()
        st.markdown(f":{colour}-badge[{word}] **{plain(title)}**")
        st.markdown(plain(sentence(found.message)))
        if found.advice:
            st.caption(plain(found.advice))
        _show_fixes(data_set, contents, found, key)
        if found.pairs:
            _show_pairs(data_set, contents, found, key)
        elif found.items:
            _show_items(data_set, contents, found, key)


def say(decision: Decision) -> str:
    """A decision as the words of a button."""
    match decision.decision:
        case "exclude":
            return f"Leave out {decision.item}"
        case "relabel":
            return f"Relabel {decision.item} as {decision.label}"
        case _:
            return f"Merge {decision.item} into {decision.label}"


def _show_fixes(data_set: DataSet, contents: Contents, found: Found, key: str) -> None:
    """A button for what would settle all of it, one for each of its first fixes, and one to take it all back."""
    proposals = [p for p in found.proposals if _fits(p, contents)]
    fixes = [fix for fix in found.fixes if _fits(fix, contents)]
    in_force = {(d.decision, d.item, d.label) for d in contents.decisions}

    def is_done(decision: Decision) -> bool:
        return (decision.decision, decision.item, decision.label) in in_force

    if not proposals and not fixes:
        return
    with st.container(horizontal=True):
        if len(proposals) > 1:
            done, said = all(map(is_done, proposals)), _say_all(found, proposals)
            st.button(
                said + (" ✓" if done else ""), key=f"all-{key}", icon=":material/done_all:",
                disabled=done, on_click=_decide, args=(data_set, contents, proposals, said.lower()),
                help="All that the check proposes for this finding. It can be undone.",
            )  # fmt: skip
        for number, fix in enumerate(fixes):
            st.button(
                plain(say(fix)) + (" ✓" if is_done(fix) else ""), key=f"fix-{key}-{number}", disabled=is_done(fix),
                on_click=_decide, args=(data_set, contents, [fix], say(fix)),
            )  # fmt: skip
        decided = {decision.item for decision in contents.decisions}
        concerned = [d.item for d in (*proposals, *fixes) if d.item in decided]
        if concerned:
            st.button(
                "Undo for this finding", key=f"back-{key}", icon=":material/undo:", on_click=_take_back,
                args=(data_set, contents, concerned),
            )  # fmt: skip


def _say_all(found: Found, proposals: Sequence[Decision]) -> str:
    counts = Counter(proposal.decision for proposal in proposals)
    words = {
        "exclude": lambda n: f"leave out {counted(n, 'picture')}",
        "relabel": lambda n: f"relabel {counted(n, 'picture')} as what they look like",
        "merge": lambda n: f"merge {counted(n, 'class', 'classes')}",
    }
    text = ", ".join(words[decision](n) for decision, n in counts.items())
    if found.check.endswith("duplicates"):
        return f"Keep one of each, {text}"
    return text[:1].upper() + text[1:]


def _show_items(data_set: DataSet, contents: Contents, found: Found, key: str) -> None:
    items = found.items
    shown = items[pick_page(len(items), N_PICTURES, key=f"page-{key}", on_change=new_grid)]
    proposed = {proposal.item: proposal for proposal in found.proposals}
    pictures = [picture(contents, path, detail=_detail(proposed.get(path))) for path in shown]
    toolbar = st.container(horizontal=True)
    chosen = show_pictures(pictures, key=grid_key(f"found-{key}"), pixels=PIXELS, choose=True)
    if not chosen:
        return
    with toolbar:
        some = [proposed[path] for path in chosen if path in proposed and proposed[path].decision == "relabel"]
        if some:
            st.button(
                f"Relabel the {len(some)} chosen as proposed", key=f"some-{key}", type="primary", on_click=_decide,
                args=(data_set, contents, some, f"relabelled {len(some)}"),
            )  # fmt: skip
        st.button(
            f"Leave out the {len(chosen)} chosen", key=f"out-{key}", icon=":material/block:", on_click=_decide,
            args=(data_set, contents, [Decision("exclude", path) for path in chosen], f"left out {len(chosen)}"),
        )  # fmt: skip
        st.button(
            "As they were", key=f"was-{key}", icon=":material/restart_alt:", on_click=_take_back,
            args=(data_set, contents, chosen),
        )  # fmt: skip


def _detail(proposal: Decision | None) -> str:
    return f"looks like {proposal.label}" if proposal and proposal.decision == "relabel" else ""


def _show_pairs(data_set: DataSet, contents: Contents, found: Found, key: str) -> None:
    pairs = [pair for pair in found.pairs if len(pair) == 2]
    shown = pairs[pick_page(len(pairs), N_PAIRS, key=f"page-{key}")]
    columns = st.columns(2)
    for number, (first, second) in enumerate(shown):
        with columns[number % 2], st.container(border=True, gap="small"):
            show_pictures(
                [picture(contents, first), picture(contents, second)], key=f"pair-{key}-{number}", pixels=PIXELS
            )
            options = [
                ("Leave out the first", Decision("exclude", first)),
                ("Leave out the second", Decision("exclude", second)),
            ]
            one, two = _label(contents, first), _label(contents, second)
            if one != two:
                options += [(f"Both are {one}", Decision("relabel", second, one))] if one else []
                options += [(f"Both are {two}", Decision("relabel", first, two))] if two else []
            with st.container(horizontal=True):
                for place, (title, decision) in enumerate(options):
                    st.button(
                        plain(title), key=f"pair-{key}-{number}-{place}", on_click=_decide,
                        args=(data_set, contents, [decision], say(decision)), disabled=not _fits(decision, contents),
                    )  # fmt: skip


def picture(contents: Contents, path: str, *, detail: str = "") -> Picture:
    """A picture as a finding shows it: with its class, and a mark where something was decided about it."""
    label, given, excluded = contents.known.get(path, ("", "", False))
    mark = "left out" if excluded else f"was {given or 'unlabelled'}" if label != given else ""
    name = path.rpartition("/")[2]
    return Picture(contents.file(path), path, caption=label or "unlabelled", detail=detail or name, mark=mark)


def _label(contents: Contents, path: str) -> str:
    return contents.known.get(path, ("", "", False))[0]


def _fits(decision: Decision, contents: Contents) -> bool:
    """Whether what is to be decided about is in the data."""
    if decision.decision == "merge":
        return decision.item in contents.given_classes
    return decision.item in contents.known


def _decide(data_set: DataSet, contents: Contents, new: list[Decision], said: str) -> None:
    if choose(data_set, contents, new, said):
        new_grid()


def _take_back(data_set: DataSet, contents: Contents, items: list[str]) -> None:
    if take_back(data_set, contents, items, f"took back {len(items)}"):
        new_grid()
