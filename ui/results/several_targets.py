"""A run of several targets that has ended: what was found for each, and the page of the run of each."""

from __future__ import annotations

import streamlit as st

from autotl.errors import RunError
from autotl.runs.result import RunResult
from autotl.runs.targets_result import TargetRun, TargetsResult, read_targets
from autotl_ui.results import finished_run
from autotl_ui.results.report import show_report
from autotl_ui.widgets.study import turn_to_run
from autotl_ui.widgets.words import (
    STATUSES,
    counted,
    moment,
    plain,
    score_name,
    sentence,
    spell_scores,
    worded,
)
from autotl_ui.workspace.runs import RunView, has_model
from autotl_ui.workspace.scores import interval_text, value_text

_ALL = "All targets"


def show(study: RunView, wanted: RunView) -> None:
    """Draw it. wanted: the study, or the run of one of its targets."""
    word, colour = STATUSES[study.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(plain(study.name), anchor=False, width="content")
        st.badge(word, color=colour)
        st.caption(f"{counted(len(study.targets), 'target')}, {moment(study.started)}", width="content")
    places = {_ALL: study.name} | {_title(run): run.name for run in study.targets}
    chosen = next((title for title, name in places.items() if name == wanted.name), _ALL)

    def take() -> None:
        if title := st.session_state["target"]:
            turn_to_run(places[title])

    st.session_state["target"] = chosen
    st.segmented_control("Target", list(places), key="target", on_change=take, width="stretch")
    if wanted.study:
        finished_run.show(wanted)
    else:
        _show_all(study)


def _show_all(study: RunView) -> None:
    """What was found for each target, and the model of all."""
    try:
        found = read_targets(study.folder)
    except RunError as error:
        st.warning(plain(str(error)), icon=":material/broken_image:")
        return
    if study.status == "interrupted":
        st.info("The search was stopped early. These are the best models it had found.", icon=":material/stop_circle:")
    for text in found.unkept:
        st.warning(_told(text, study), icon=":material/report:")
    if has_model(study):
        st.markdown("One model answers all targets; the model of each target is on its page.")
        finished_run.offer_model(study)
    elif found.finished:
        st.caption("There is no model that answers all targets; the model of each target is on its page.")
    if study.can_resume:
        finished_run.offer_another(study)
    for target, run in zip(found.targets, study.targets, strict=False):
        with st.container(border=True):
            _show_target(target, run, study)
    _show_joint(found, study)
    st.subheader("Report", anchor=False)
    st.caption(f"It also shows the {study.kind.plural} that several targets get wrong.")
    show_report(study.name, study.report)


def _show_target(target: TargetRun, run: RunView, study: RunView) -> None:
    """The scores and the advice of one target, and the way to its page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(target.name), anchor=False, width="content")
        if target.result is None:
            word, colour = STATUSES[run.status]
            st.badge(word, color=colour)
        st.button(
            "Everything about it", key=f"open-{target.name}", icon=":material/arrow_forward:", on_click=turn_to_run,
            args=(run.name,),
        )  # fmt: skip
    if target.result is None:
        st.error(f"There is no model of it: {plain(sentence(target.why_none))}", icon=":material/error:")
        return
    _show_scores(target.result, study)
    if target.result.advice:
        st.markdown(f":material/gavel: **Advice:** {_told(target.result.advice, study)}")


def _show_scores(result: RunResult, study: RunView) -> None:
    name = score_name(result.objective)
    n_tested = result.n_items.get("test", 0)
    cards = (
        ("Test", result.test[result.objective], f"on {study.kind.of(n_tested)} held out until the end"),
        ("Search", result.search[result.objective], f"{result.measured_on}; where the test score was expected"),
    )
    for column, (part, score, where) in zip(st.columns(2), cards, strict=True):
        with column:
            st.metric(f"{part}, {plain(name)}", value_text(score))
            st.caption(f"95 % interval {interval_text(score)}, {where}")


def _show_joint(found: TargetsResult, study: RunView) -> None:
    """Whether one network that was trained for all targets helps, where that was asked for."""
    joint = found.joint
    if joint is None:
        return
    st.subheader("One network for all targets", anchor=False)
    if joint.why:
        st.caption(_told(joint.why, study))
    for name, one in joint.targets.items():
        st.markdown(f"- **{plain(name)}**: {_told(one.sentence, study)}")


def _told(text: str, study: RunView) -> str:
    return worded(plain(sentence(spell_scores(text))), study.kind)


def _title(run: RunView) -> str:
    return run.label or run.folder.name
