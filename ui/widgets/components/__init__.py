"""The app's own components: HTML, style and script, in files beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent


def component(name: str) -> Any:
    """Register the component of NAME.html, NAME.css and NAME.js; returns the function that mounts it."""
    html, css, js = ((_FOLDER / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(f"autotl_{name}", html=html, css=css, js=js)
