"""A run that has ended: its result, or what went wrong."""

from __future__ import annotations

import streamlit as st

from autotl.data.item_kinds import IMAGES
from autotl.evidence.leaderboard import read_leaderboard
from autotl.evidence.panels import CORE, OF_TARGET
from autotl.runs.crops import crop_sheet
from autotl.runs.result import RunResult
from autotl_ui.jobs import jobs
from autotl_ui.results.autoencoder_section import show_autoencoders
from autotl_ui.results.comparison import show_comparison
from autotl_ui.results.debias_section import show_debiasing
from autotl_ui.results.mistakes import show_confident, show_confusion, show_weakest
from autotl_ui.results.panels import show_panels
from autotl_ui.results.refit_section import show_before_after
from autotl_ui.results.report import show_report
from autotl_ui.results.score_tables import show_classes, show_overall
from autotl_ui.results.summary import show_summary
from autotl_ui.results.wrong_answers import show_wrong_answers
from autotl_ui.server.access import current
from autotl_ui.server.pages import MODELS, TRAIN, TRY
from autotl_ui.widgets.downloads import download_button
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.leaderboard import show_trials
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.data_sets import data_in_address
from autotl_ui.workspace.evidence import find_evidence
from autotl_ui.workspace.runs import RunView, has_classes


def show(run: RunView) -> None:
    """Draw a run that has ended."""
    if run.result:
        _show_result(run, run.result)
    elif run.status == "interrupted":
        st.info("This search was stopped before there was a model.", icon=":material/stop_circle:")
        offer_another(run)
    elif run.status == "failed":
        st.error(plain(run.problem).replace("\n", "  \n"), icon=":material/error:")
        offer_another(run)
    else:
        st.warning(
            f"{plain(run.problem)} The run folder is damaged, so its result cannot be shown. Start another search: it "
            "will be faster, because the features are cached.",
            icon=":material/broken_image:",
        )
        offer_another(run)


def _show_result(run: RunView, result: RunResult) -> None:
    if run.status == "interrupted":
        st.info("The search was stopped early. This is the best model it had found.", icon=":material/stop_circle:")
    show_summary(result, run.kind)
    show_before_after(result)
    offer_model(run)
    live(_show_sections)(run, result)


def _show_sections(run: RunView, result: RunResult) -> None:
    """Everything else, a tab each; only the open tab is drawn, and a click in it redraws nothing else."""
    sections = _SECTIONS if has_classes(run) else {name: _OTHERS.get(name, _SECTIONS[name]) for name in _OF_ALL}
    sections = {name: draw for name, draw in sections.items() if name not in _OF_IMAGES or run.kind is IMAGES}
    tabs = st.tabs(list(sections), key="section", on_change="rerun")
    for tab, draw in zip(tabs, sections.values(), strict=True):
        if tab.open:
            with tab:
                draw(run, result)


def _mistakes(run: RunView, result: RunResult) -> None:
    show_weakest(run, result)
    show_confusion(run, result)


def _trials(run: RunView, result: RunResult) -> None:
    board = read_leaderboard(run.folder)
    if board is None:
        st.caption("leaderboard.csv is missing or damaged.")
    else:
        show_trials(board, result.objective, key="finished", champion=result.champion.trial)


def _all_scores(run: RunView, result: RunResult) -> None:
    show_overall(result, run.kind)
    evidence = find_evidence(run.folder)
    if evidence:
        show_panels(tuple(panel for panel in evidence.panels if panel.plugin != CORE), run.kind)


def _evidence(run: RunView, _result: RunResult) -> None:
    evidence = find_evidence(run.folder)
    own = OF_TARGET.get(run.state.target)  # which the section about mistakes begins with
    panels = evidence.panels if evidence else ()
    core = tuple(panel for panel in panels if panel.plugin == CORE and panel.panel != own)
    show_panels(core, run.kind, crops=crop_sheet(run.folder))


def _compare(run: RunView, _result: RunResult) -> None:
    show_comparison(run, current().list_runs())


def _report(run: RunView, _result: RunResult) -> None:
    show_report(run.name, run.report)


_SECTIONS = {
    "What it gets wrong": _mistakes,
    "Evidence": _evidence,
    "Most confident mistakes": show_confident,
    "Per-class scores": lambda run, result: show_classes(result, run.kind),
    "Leaderboard": _trials,
    "Scores and panels": _all_scores,
    "Methods against bias": show_debiasing,
    "Autoencoders": show_autoencoders,
    "Compare": _compare,
    "Report": _report,
}


_OTHERS = {"What it gets wrong": show_wrong_answers}
_OF_ALL = ("What it gets wrong", "Evidence", "Leaderboard", "Scores and panels", "Autoencoders", "Compare", "Report")
"""The sections of runs of labels and of numbers: those about one class for each item are left out."""
_OF_IMAGES = ("Autoencoders",)


def offer_model(run: RunView) -> None:
    """Offer the model of a run to be downloaded, tried and used elsewhere."""
    if not (run.champion / "model.onnx").exists():
        st.warning("The folder of the model is gone; everything else is still here.", icon=":material/folder_off:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        download_button(run.champion, run.name, key="download")
        st.page_link(TRY, label="Try it", icon=":material/image_search:", query_params={"run": run.name})
        st.page_link(
            MODELS, label="Other formats, versions and serving", icon=":material/inventory_2:",
            query_params={"run": run.name},
        )  # fmt: skip
    if current().whole_machine:
        st.caption("The folder of the model on this machine:")
        st.code(str(run.champion), language=None, wrap_lines=True)


def offer_another(run: RunView) -> None:
    """Offer to carry the search on, where that is possible, or to start another one."""
    if (run.folder / "dataset.parquet").exists() and run.status != "damaged":
        st.page_link(
            TRAIN, label="Resume the search", icon=":material/resume:", query_params={"run": run.name}
        )  # fmt: skip
        if current().whole_machine:
            st.code(f'autotl resume "{run.folder}"', language=None, wrap_lines=True)
    if jobs.log_file(run.folder).exists():
        st.caption(f"The log of the search is in {plain(current().shown(jobs.log_file(run.folder)))}.")
    st.page_link(
        TRAIN, label="Start another search", icon=":material/model_training:",
        query_params=data_in_address(current(), run),
    )  # fmt: skip
