"""Draws the panels of a run's evidence and of plugins, independent of their content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.evidence.panels import CORE, CROPS, PARTS, ShownPanel, fetches_data, heading
from autotl.interfaces import Figure, Table
from autotl.runs.crops import SHEET_NOTE, SHEET_TITLE
from autotl_ui.widgets.theme import ink, muted
from autotl_ui.widgets.words import plain, sentence, spell_scores, worded


def show_panels(panels: tuple[ShownPanel, ...], items: ItemKind = IMAGES, *, crops: Path | None = None) -> None:
    """Draw every table and figure, and name the plugin that it comes from, if any.

    crops: the sheet of images that is shown in the panel about crops, if it exists.
    """
    if not panels:
        st.caption("There is no panel for this run.")
    for number, shown in enumerate(panels):
        kind = IMAGES if shown.panel == PARTS else items  # its sentences name images as one of the parts
        with st.container(border=True):
            st.subheader(worded(plain(heading(str(shown.panel))), kind), anchor=False)
            for text in shown.sentences:
                st.markdown(worded(plain(sentence(spell_scores(text))), kind))
            if shown.panel == CROPS and crops and crops.is_file():
                st.markdown(f"**{SHEET_TITLE}**")
                st.image(str(crops), alt=SHEET_TITLE)
                st.caption(SHEET_NOTE)
            for place, part in enumerate(shown.parts):
                try:
                    _draw(part, kind, key=f"panel-{number}-{place}")
                except Exception:  # whatever a plugin wrote, the rest of the page is drawn
                    st.warning(
                        f"A {type(part).__name__.lower()} of this panel is damaged and cannot be drawn. Please tell "
                        f"the author of {plain(str(shown.plugin))}.",
                        icon=":material/broken_image:",
                    )
            if shown.problem:
                st.warning(f"This panel is empty: {plain(shown.problem)}", icon=":material/extension_off:")
            if shown.plugin != CORE:
                st.caption(f"From the plugin {plain(str(shown.plugin))}.")


def _draw(part: Table | Figure, kind: ItemKind, *, key: str) -> None:
    title, note = worded(str(part.title), kind), worded(str(part.note), kind)
    if isinstance(part, Figure):
        spec = json.dumps(part.spec)
        _check(spec)
        st.markdown(f"**{plain(title)}**")
        st.vega_lite_chart(spec=_legible(_worded_titles(json.loads(spec), kind)), key=key, alt=str(part.alt) or title)
    else:
        table = pd.DataFrame(list(part.rows), columns=_different([worded(str(name), kind) for name in part.columns]))
        st.markdown(f"**{plain(title)}**")
        st.dataframe(table, key=key, hide_index=True, placeholder="–", alt=title)
    if note:
        st.caption(plain(note))


def _different(names: list[str]) -> list[str]:
    """The names of columns, with a number after one that is there already, as no data frame shows it twice."""
    return [name if (n := names[:place].count(name)) == 0 else f"{name} ({n + 1})" for place, name in enumerate(names)]


def _worded_titles(part: Any, kind: ItemKind) -> Any:
    """A specification whose titles speak of items of this kind."""
    if isinstance(part, Mapping):
        return {
            name: worded(value, kind) if name == "title" and isinstance(value, str) else _worded_titles(value, kind)
            for name, value in part.items()
            if name != "values"
        } | ({"values": part["values"]} if "values" in part else {})
    return [_worded_titles(one, kind) for one in part] if isinstance(part, list) else part


def _legible(spec: Mapping[str, object]) -> dict[str, object]:
    """The same with lines and text in the colours of the theme, where it names none: Vega's default is black."""
    config = spec.get("config")
    own = config if isinstance(config, Mapping) else {}
    ours = {**muted(), **{mark: {"color": ink()} for mark in ("rule", "text")}}
    colours = {name: {**colour, **own.get(name, {})} for name, colour in ours.items()}
    return {**spec, "config": {**own, **colours}}


@st.cache_data(max_entries=64, show_spinner=False)
def _check(spec: str) -> None:
    """Raise where a specification is not valid Vega-Lite, or fetches something: a page has to work offline."""
    import altair as alt

    document = json.loads(spec)
    if not isinstance(document, dict) or fetches_data(document):
        raise ValueError("expected a Vega-Lite specification with inline data")
    # The rows are not validated: thousands of them would take seconds.
    alt.Chart.from_dict({name: _without_rows(part) for name, part in document.items()})


def _without_rows(part: object) -> object:
    if isinstance(part, Mapping):
        return {
            name: [] if name == "values" and _are_rows(value) else _without_rows(value) for name, value in part.items()
        }
    return [_without_rows(one) for one in part] if isinstance(part, list) else part


def _are_rows(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, Mapping) for value in values)
