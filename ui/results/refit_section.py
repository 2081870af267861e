"""Re-fitting a champion after decisions about its pictures, and what that has changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from autotl.errors import AutoTLError
from autotl.evidence.run_evidence import Evidence
from autotl_ui.jobs.jobs import BusyError
from autotl_ui.results.decisions import Desk, waiting
from autotl_ui.widgets.words import counted, plain, score_name, spell_scores
from autotl_ui.workspace.refit import start_refit
from autotl_ui.workspace.runs import RunView, look
from autotl_ui.workspace.scores import Result, Score

_PROBLEM = "refit-problem"


def offer_refit(run: RunView, evidence: Evidence, desk: Desk | None) -> None:
    """Say how many decisions wait, and start the champion's re-fit at a click."""
    if desk is None:
        return
    try:
        changed = waiting(desk, evidence)
    except AutoTLError:  # said where the pictures are
        return
    n_test = len(changed.intersection(evidence.run.dataset.items["path"].iloc[evidence.tested.items])) if changed else 0
    with st.container(border=True):
        n = len(changed)
        text = (
            f"**{counted(n, 'picture')} decided anew since this run.** " if n else "**No decisions since this run.** "
        )
        st.markdown(
            text + "Your pictures stay as they are; decisions are kept in "
            f"{plain(desk.patch.name)} beside them, and a re-fit carries them out."
        )
        if n_test:
            st.markdown(
                f":material/info: {counted(n_test, 'of them is', 'of them are')} in the test split: chosen among "
                "the model's mistakes, they flatter its next test score."
            )
        if st.button(
            "Re-fit", key="refit", icon=":material/refresh:", type="primary" if n else "secondary",
            on_click=_start, args=(run,),
            help="Fits this champion again on the data as they are now. A simplified one takes seconds.",
        ):  # fmt: skip
            problem = st.session_state.pop(_PROBLEM, "")
            if problem:
                st.error(plain(problem), icon=":material/error:")
            else:
                st.rerun()


def show_before_after(result: Result) -> None:
    """What a re-fitted run has changed against the run before; nothing for any other run."""
    refit = result.refit
    if refit is None:
        return
    before = _result_of(refit.of)
    with st.container(border=True):
        st.markdown(f"**Re-fitted from {plain(refit.of.name)}.** {plain(spell_scores(refit.sentence))}")
        if before is None:
            st.caption("The run before is gone, or is damaged, so that the two cannot be set side by side.")
        else:
            st.markdown(_table(before.test, result.test))
            if refit.changed_in_test:
                st.caption("Each column by the labels of its own time, so the two are not like for like.")


def _table(before: Mapping[str, Score], after: Mapping[str, Score]) -> str:
    rows = ["| on the test | before | after |", "|:--|:--|:--|"]
    for name in after:
        cells = (f"{s} ({s.interval})" if s else "" for s in (before.get(name), after[name]))
        rows.append(f"| {plain(score_name(name))} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _start(run: RunView) -> None:
    try:
        st.session_state["run"] = start_refit(run).name
    except BusyError as error:
        st.session_state[_PROBLEM] = f"Nothing was started: {error}."
    except OSError as error:
        st.session_state[_PROBLEM] = f"The re-fit cannot be written there ({error.strerror}). Make room for it."


def _result_of(folder: Path) -> Result | None:
    return look(folder).result if folder.is_dir() else None
