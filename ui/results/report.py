"""A run's report inside the page, in a frame that runs no scripts."""

from __future__ import annotations

import html
from pathlib import Path

import streamlit as st

HEIGHT_PIXELS = 900


def show_report(name: str, report: Path | None) -> None:
    """Draw report.html, or say that it is missing."""
    page = _read(report)
    if not page:
        st.caption("The run folder has no report.html.")
        return
    st.download_button(
        "Download the report",
        data=page.encode(),
        file_name=f"{name}.html",
        mime="text/html",
        key="download-report",
        icon=":material/download:",
        on_click="ignore",
    )
    # Streamlit's own frame may run scripts as this app; a file from a run folder may run none, hence a frame within.
    scheme = "dark" if st.context.theme.type == "dark" else "light"
    frame = f'<iframe sandbox title="Report" srcdoc="{html.escape(page)}"></iframe>'
    style = f"html,body{{margin:0;height:100%}}iframe{{border:0;width:100%;height:100%;color-scheme:{scheme}}}"
    st.iframe(f"<style>{style}</style>{frame}", height=HEIGHT_PIXELS, alt=f"Report of {name}")


def _read(report: Path | None) -> str:
    try:
        return report.read_text(encoding="utf-8") if report else ""
    except (OSError, ValueError):
        return ""
