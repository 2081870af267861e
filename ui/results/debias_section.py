"""Methods against bias that were tried on a run, and the command that tries them."""

from __future__ import annotations

import shlex

import streamlit as st

from autotl.evidence.debias_words import PANEL, parts
from autotl.evidence.panels import CORE, ShownPanel
from autotl.runs.debias import read_outcomes
from autotl.runs.result import RunResult
from autotl_ui.results.panels import show_panels
from autotl_ui.server.access import current
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.runs import RunView


def show_debiasing(run: RunView, result: RunResult) -> None:
    """Draw the outcome for each attribute, or how to get one."""
    found = read_outcomes(run.folder)
    if not found:
        st.markdown(
            "The model can be trained again so that it does better on the group it does worst on. Several methods are "
            "compared with it, with intervals over test images and seeds."
        )
    else:
        panels = [
            ShownPanel(PANEL, CORE, parts(outcome), sentences=(*outcome.sentences, *outcome.notes)) for outcome in found
        ]
        show_panels(tuple(panels), run.kind)
        for outcome in found:
            for name, why in {**outcome.left_out, **outcome.failed}.items():
                st.caption(f"{plain(name)}: {plain(why)}.")
    if current().whole_machine:
        attributes = result.audit.attributes if result.audit else ()
        by = f" --by {shlex.quote(attributes[0])}" if attributes else ""
        st.caption("The command that compares the methods:")
        st.code(f"autotl debias {shlex.quote(str(run.folder))}{by}", language=None, wrap_lines=True)
