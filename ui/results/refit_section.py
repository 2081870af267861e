"""Refitting a run's champion after decisions about its images, and what the refit changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from autotl.errors import AutoTLError
from autotl.evidence.run_evidence import Evidence
from autotl.interfaces import ScoreInterval
from autotl.runs.result import RunResult, overall
from autotl_ui.jobs.jobs import BusyError
from autotl_ui.results.decisions import RunDecisions, pending
from autotl_ui.server.access import current
from autotl_ui.widgets.clicks import once
from autotl_ui.widgets.study import Study, turn_to
from autotl_ui.widgets.words import counted, plain, score_name, sentence, spell_scores
from autotl_ui.workspace.refit import start_refit
from autotl_ui.workspace.runs import RunView, look
from autotl_ui.workspace.scores import score_text

_PROBLEM = "refit-problem"


def offer_refit(run: RunView, evidence: Evidence, decisions: RunDecisions | None) -> None:
    """Say how many decisions a refit would apply, and the button that starts it."""
    if decisions is None:
        return
    try:
        changed = pending(decisions, evidence)
    except AutoTLError:  # reported beside the images
        return
    n, n_test = len(changed), len(changed & evidence.tested_paths)
    with st.container(border=True):
        text = f"**{run.kind.of(n)} changed since this run.**" if n else "**No decisions since this run.**"
        st.markdown(
            f"{text} Your files stay as they are: decisions are kept in {plain(decisions.patch.name)} beside them, "
            "and a refit applies them."
        )
        if n_test:
            st.markdown(
                f":material/info: {counted(n_test, 'of them is', 'of them are')} in the test split. Because they were "
                "selected among the model's mistakes, the next test score will be too optimistic."
            )
        if st.button(
            "Refit", key="refit", icon=":material/refresh:", type="primary" if n else "secondary",
            on_click=_start, args=(run,),
            help="Fits this champion again on the current labels. It takes seconds unless the champion was fine-tuned.",
        ):  # fmt: skip
            problem = st.session_state.pop(_PROBLEM, "")
            if problem:
                st.error(plain(problem), icon=":material/error:")
            else:
                st.rerun()


def show_before_after(result: RunResult) -> None:
    """The test scores of a refitted run beside those of the run before; nothing for other runs."""
    refit = result.refit
    if refit is None:
        return
    former = Path(refit.of)
    before = _result_of(former)
    with st.container(border=True):
        st.markdown(f"**Refitted from {plain(former.name)}.** {plain(spell_scores(sentence(refit.sentence)))}")
        if before is None:
            st.caption("The run before is gone or damaged, so the two cannot be compared.")
        else:
            st.markdown(_table(overall(before.test), overall(result.test)))
            if refit.changed_in_test:
                st.caption("Each column uses the labels of its own run, so the two are not directly comparable.")


def _table(before: Mapping[str, ScoreInterval], after: Mapping[str, ScoreInterval]) -> str:
    rows = ["| test split | before | after |", "|:--|:--|:--|"]
    for name in after:
        cells = (score_text(score) for score in (before.get(name), after[name]))
        rows.append(f"| {plain(score_name(name))} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _start(run: RunView) -> None:
    try:
        turn_to(Study(once("refit", run.folder, lambda: start_refit(current(), run)).name))
    except BusyError as error:
        st.session_state[_PROBLEM] = f"Nothing was started: {error}."
    except OSError as error:
        st.session_state[_PROBLEM] = f"The refit cannot be written ({error.strerror}). Free some disk space."


def _result_of(folder: Path) -> RunResult | None:
    return look(folder).result if folder.is_dir() else None
