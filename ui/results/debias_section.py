"""Methods against bias on a run: the form that tries them, and what became of each."""

from __future__ import annotations

import streamlit as st

from autotl.evidence.debias_words import PANEL, parts
from autotl.evidence.panels import CORE, ShownPanel
from autotl.interfaces import DebiasMethod
from autotl.runs.debias import read_outcomes
from autotl.runs.result import RunResult
from autotl_ui.results.panels import show_panels
from autotl_ui.results.run_jobs import DEBIAS, start_job
from autotl_ui.results.running_job import show_job
from autotl_ui.server.access import current
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.runs import RunView

LIMITS = {"60s": "1 minute", "10m": "10 minutes", "60m": "an hour"}
_DEFAULT_LIMIT = "10m"
_CLASSES = "the classes alone"


def show_debiasing(run: RunView, result: RunResult) -> None:
    """Draw what tries methods, and the outcome for each attribute."""
    if not show_job(DEBIAS, run):
        _show_form(run, result)
    found = read_outcomes(run.folder)
    panels = [
        ShownPanel(PANEL, CORE, parts(outcome), sentences=(*outcome.sentences, *outcome.notes)) for outcome in found
    ]
    if panels:
        show_panels(tuple(panels), run.kind)
    for outcome in found:
        for name, why in {**outcome.left_out, **outcome.failed}.items():
            st.caption(f"{plain(name)}: {plain(why)}.")


def _show_form(run: RunView, result: RunResult) -> None:
    st.markdown(
        "The model can be trained again so that it does better on the group it does worst on. Several methods are "
        "compared with it, five fits of each, with intervals over test items and fits. The model itself stays as it is."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox(
            "Subgroups", [_CLASSES, *(result.audit.attributes if result.audit else ())], key="debias-by",
            format_func=plain, width=200, help="Each class within each value of the attribute, or the classes.",
        )  # fmt: skip
        methods = st.multiselect(
            "Methods", list(loaded_plugins().all(DebiasMethod)), key="debias-methods", format_func=plain, width=280,
            placeholder="All that can be used",
        )  # fmt: skip
        limit = st.selectbox(
            "Time limit of a fit", list(LIMITS), index=list(LIMITS).index(_DEFAULT_LIMIT),
            format_func=LIMITS.__getitem__, key="debias-limit", width=160,
        )  # fmt: skip
        if st.button("Compare", key="debias-start", icon=":material/balance:"):
            options = ["--method", ",".join(methods) or "all", "--limit", limit]
            options += [] if by == _CLASSES else ["--by", by]
            try:
                start_job(current(), DEBIAS, run, options, about="methods against bias for")
            except OSError as error:
                st.error(f"The job could not be started: {plain(str(error))}.", icon=":material/error:")
            else:
                st.rerun()
