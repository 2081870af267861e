"""What plugins show of a run, drawn without knowing any of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from autotl.evidence.panels import ShownPanel
from autotl.interfaces import Figure, Table
from autotl_ui.widgets.theme import ink, muted
from autotl_ui.widgets.words import plain


def show_panels(panels: tuple[ShownPanel, ...]) -> None:
    """Draw every table and figure, each with the plugin that brought it."""
    if not panels:
        st.caption("No plugin had anything to show of this run.")
    for number, shown in enumerate(panels):
        with st.container(border=True):
            st.subheader(plain(str(shown.panel)), anchor=False)
            for place, part in enumerate(shown.parts):
                try:
                    _draw(part, key=f"panel-{number}-{place}")
                except Exception:  # whatever a plugin wrote, the rest of the page is drawn
                    st.warning(
                        f"A {type(part).__name__.lower()} of this panel is damaged and cannot be drawn. Tell the "
                        f"author of the plugin {plain(str(shown.plugin))}.",
                        icon=":material/broken_image:",
                    )
            if shown.problem:
                st.warning(f"It shows nothing, for {plain(shown.problem)}", icon=":material/extension_off:")
            st.caption(f"Brought by the plugin {plain(str(shown.plugin))}.")


def _draw(part: Table | Figure, *, key: str) -> None:
    title, note = str(part.title), str(part.note)
    if isinstance(part, Figure):
        spec = json.dumps(part.spec)
        _check(spec)
        st.markdown(f"**{plain(title)}**")
        st.vega_lite_chart(spec=_legible(json.loads(spec)), key=key, alt=str(part.alt) or title)
    else:
        table = pd.DataFrame(list(part.rows), columns=[str(name) for name in part.columns])
        st.markdown(f"**{plain(title)}**")
        st.dataframe(table, key=key, hide_index=True, placeholder="–", alt=title)
    if note:
        st.caption(plain(note))


def _legible(spec: dict[str, Any]) -> dict[str, Any]:
    """The same with lines and text in the theme's colour, where it does not say otherwise: Vega's own is black."""
    own = spec.get("config") or {}
    ours = {**muted(), **{mark: {"color": ink()} for mark in ("rule", "text")}}
    colours = {name: {**colour, **own.get(name, {})} for name, colour in ours.items()}
    return {**spec, "config": {**own, **colours}}


@st.cache_data(max_entries=64, show_spinner=False)
def _check(spec: str) -> None:
    """Raise where a specification is none, or fetches something: a page has to work offline."""
    import altair as alt

    document = json.loads(spec)
    if not isinstance(document, dict) or _fetches(document):
        raise ValueError("no specification with its data inline")
    # The rows are not looked at: with thousands of them that would take seconds.
    alt.Chart.from_dict(_without_rows(document))


def _fetches(part: Any) -> bool:
    if isinstance(part, Mapping):
        data = part.get("data")
        return (isinstance(data, Mapping) and "url" in data) or any(map(_fetches, part.values()))
    return isinstance(part, list) and any(map(_fetches, part))


def _without_rows(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {
            name: [] if name == "values" and isinstance(value, list) and _are_rows(value) else _without_rows(value)
            for name, value in part.items()
        }
    return [_without_rows(one) for one in part] if isinstance(part, list) else part


def _are_rows(values: list[Any]) -> bool:
    return all(isinstance(value, Mapping) for value in values)
