"""The app's look, light and dark: the colours of the report, so that it fits in."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

STRATEGY_COLOURS = {
    "probe": "#0b7fb8",
    "fine-tune": "#d0731a",
    "ensemble": "#0d8a6a",
    "majority": "#8493a3",
    "frame-vote": "#8a6fa8",
}
"""By Okabe and Ito (2008), darkened: distinguishable for colour-blind readers, legible on both backgrounds."""

_LIGHT = {
    "primaryColor": "#09628f",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f4f7fa",
    "textColor": "#0e1720",
    "borderColor": "#d9e0e7",
    "linkColor": "#09628f",
    "codeTextColor": "#0e1720",
    "sidebar.backgroundColor": "#f4f7fa",
    "sidebar.secondaryBackgroundColor": "#e6ecf2",
}
_DARK = {
    "primaryColor": "#6cb9e4",
    "backgroundColor": "#141a21",
    "secondaryBackgroundColor": "#1c242d",
    "textColor": "#e4eaf0",
    "borderColor": "#33404d",
    "linkColor": "#6cb9e4",
    "codeTextColor": "#e4eaf0",
    "sidebar.backgroundColor": "#1c242d",
    "sidebar.secondaryBackgroundColor": "#2a3540",
}

THEME: dict[str, object] = {
    "theme.baseRadius": "0.5rem",
    "theme.showWidgetBorder": True,
    "theme.showSidebarBorder": True,
    "theme.headingFontSizes": ["1.9rem", "1.45rem", "1.15rem", "1.05rem", "1rem", "1rem"],
    "theme.metricValueFontSize": "1.8rem",
    "theme.paddingTop": "1.5rem",
    "theme.paddingBottom": "3rem",
    "theme.chartCategoricalColors": list(STRATEGY_COLOURS.values()),
    **{f"theme.light.{name}": value for name, value in _LIGHT.items()},
    **{f"theme.dark.{name}": value for name, value in _DARK.items()},
}

RIGHT_COLOUR, MISTAKE_COLOUR = STRATEGY_COLOURS["probe"], STRATEGY_COLOURS["fine-tune"]
"""Of answers: blue and orange are distinguishable with every kind of colour-blindness."""

_ON_PRIMARY = '[data-testid^="stBaseButton-primary"], .stMultiSelect [data-tag], .stMultiSelect [data-tag] *'
_CODE = ".stCode .token {{ filter: brightness({}); }}"
_STICKY = "sticky-"
# Streamlit wraps a container in a box of just its height, in which it could not move. On a phone its buttons would
# take three lines: there they are one, to be pushed sideways. Which theme it is may change without a run of the page.
_STUCK = f"""
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-{_STICKY}"]:not(:empty)) {{
    position: sticky; bottom: 0; z-index: 9; padding: 0.75rem 0;
    background: light-dark({_LIGHT["backgroundColor"]}, {_DARK["backgroundColor"]});
    border-top: 1px solid light-dark({_LIGHT["borderColor"]}, {_DARK["borderColor"]});
}}
@media (max-width: 640px) {{
    [class*="st-key-{_STICKY}"] [data-testid="stHorizontalBlock"] {{ flex-wrap: nowrap; overflow-x: auto; }}
    [class*="st-key-{_STICKY}"] [data-testid="stHorizontalBlock"] > * {{ flex-shrink: 0; }}
}}
"""
_LIGHT_STYLE = f"<style>{_CODE.format(0.68)} {_STUCK}</style>"
_DARK_STYLE = (
    f"<style>:is({_ON_PRIMARY}) {{ color: {_DARK['backgroundColor']} !important; }} {_CODE.format(1.25)} "
    f"{_STUCK}</style>"
)


def show_style() -> None:
    """What no option of the theme says.

    For 4.5:1 of contrast: text on the dark theme's light blue, code on white. And where `sticky` stays.
    """
    st.html(_DARK_STYLE if st.context.theme.type == "dark" else _LIGHT_STYLE)


def sticky(name: str) -> DeltaGenerator:
    """A container below a long grid that stays in sight, at the lower edge of the window, as long as the grid does."""
    return st.container(key=f"{_STICKY}{name}", gap="small")


def ink() -> str:
    """The text's colour in the theme that the reader sees, for charts."""
    return (_DARK if st.context.theme.type == "dark" else _LIGHT)["textColor"]


def legible(chart: Any) -> Any:
    """An Altair chart whose axes and legend have 4.5:1 of contrast, which Streamlit's own grey has not."""
    return chart.configure_axis(**muted()["axis"]).configure_legend(**muted()["legend"])


def muted() -> dict[str, dict[str, str]]:
    """The colours of axes and legends, as Vega-Lite's configuration wants them."""
    colour = "#b4bec9" if st.context.theme.type == "dark" else "#4a5663"
    words = {"labelColor": colour, "titleColor": colour}
    return {"axis": words, "legend": words}
