"""The page to label items: one after another, with the keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from autotl.checks.label_queues import Queue
from autotl.data.current_labels import CurrentLabels
from autotl.data.item_kinds import ItemKind
from autotl.errors import AutoTLError
from autotl_ui.label.blind_coding import choose_purpose, show_coding
from autotl_ui.label.disputes import show_disputes
from autotl_ui.label.labeller import show_labeller
from autotl_ui.label.labelling_session import (
    CODER,
    LabellingSession,
    begin_session,
    current_session,
    end_session,
    keep_report,
)
from autotl_ui.label.queues import keep_classes, open_queues
from autotl_ui.server.access import current
from autotl_ui.server.pages import DATA, RESULTS, TRAIN
from autotl_ui.widgets.clicks import once
from autotl_ui.widgets.error_boundary import live
from autotl_ui.widgets.study import Study, choose, current_study, say_data_gone, say_run_gone, turn_to
from autotl_ui.widgets.words import plain, worded
from autotl_ui.workspace.data_sets import data_in_address, newest_data
from autotl_ui.workspace.refit import is_behind, start_refit
from autotl_ui.workspace.subjects import Subject, list_subjects
from autotl_ui.workspace.workspace import Workspace


def show() -> None:
    """Draw the page."""
    st.title("Label")
    keep_report()
    workspace = current()
    if choose_purpose(workspace):
        show_coding(workspace)
        return
    subjects = list_subjects(workspace)
    if not subjects:
        if (study := current_study()).data:
            say_data_gone(study.data)
        st.info("There are no images or texts to label yet. Add some first.", icon=":material/inbox:")
        st.page_link(DATA, label="Add images or texts", icon=":material/photo_library:")
        return
    left, right = st.columns([2, 5], gap="medium")
    with left:
        subject = _choose(workspace, subjects)
    if subject is None:
        return
    try:
        opened = open_queues(workspace, subject)
    except AutoTLError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.page_link(DATA, label="Look at the data", icon=":material/photo_library:")
        return
    with right:
        session = _choose_queue(subject, opened.queues, opened.labels)
    if session is None:
        _say_that_all_is_labelled(subject, opened.kind.of(len(opened.labels.files)))
        return
    _settings(session, opened.kind)
    _desk(workspace, opened.kind)


def _choose(workspace: Workspace, subjects: list[Subject]) -> Subject | None:
    """Let the reader choose; None if the address names what is not here, until something else is chosen."""
    wanted = _wanted(workspace, subjects)
    titles = {subject.key: subject.title for subject in subjects}
    choose("Data", titles, wanted.key if wanted else None, key="subject", turn=_turn_to_subject)
    if wanted and current_study() == Study():
        _turn_to_subject(wanted.key)
    return wanted


def _turn_to_subject(key: str) -> None:
    kind, _, name = key.partition("=")
    turn_to(Study(**{kind: name}))


def _wanted(workspace: Workspace, subjects: list[Subject]) -> Subject | None:
    """The subject of the current study, with the run that the address names before its other runs."""
    study = current_study()
    if study == Study():
        newest = newest_data(workspace)
        return next((subject for subject in subjects if subject.name == newest), subjects[0])
    if study.data:
        found = next((subject for subject in subjects if subject.name == study.data), None)
        if found is None:
            say_data_gone(study.data)
        return found
    run = next((run for run in workspace.list_runs() if run.name == study.run), None)
    if run is None:
        say_run_gone(study.run)
        return None
    for subject in subjects:
        if run.name in {one.name for one in subject.runs}:
            return replace(subject, runs=tuple(sorted(subject.runs, key=lambda one: one.name != run.name)))
    name = data_in_address(workspace, run).get("data")
    found = next((subject for subject in subjects if name and subject.name == name), None)
    if found is None:
        st.warning(
            f"Run {plain(run.name)} does not say which data it learned from. Choose other data.",
            icon=":material/search_off:",
        )
    return found


def _choose_queue(subject: Subject, queues: Sequence[Queue], labels: CurrentLabels) -> LabellingSession | None:
    """The selected queue. One that was begun stays as it was, even when its images change."""
    session = current_session()
    if session and (session.subject.key, session.run) != (subject.key, current_study().run):
        session = None
    by_name = {queue.name: queue for queue in queues}
    if session:
        by_name.setdefault(session.queue.name, session.queue)
    if not by_name:
        return None
    names = list(by_name)
    if st.session_state.get("queue") not in by_name:
        st.session_state["queue"] = session.queue.name if session else names[0]
    name = st.segmented_control(
        "Which of them", names, key="queue", required=True,
        format_func=lambda name: f"{by_name[name].title} ({by_name[name].size})",
    )  # fmt: skip
    chosen = by_name[str(name)]
    if session is None or session.queue.name != chosen.name:
        session = begin_session(subject, chosen, labels, run=current_study().run)
    session.follow(labels)
    return session


def _settings(session: LabellingSession, kind: ItemKind) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(worded(session.queue.meaning, kind), width="stretch")
        st.toggle(
            "Show label and guess", key="seeing",
            help="The present label and what the model says. Hidden at first: a person who does not "
            f"know them judges by the {kind.name} alone.",
        )  # fmt: skip
        with st.popover("Name and classes", icon=":material/tune:"):
            st.text_input(
                "Your name, if you like", key=CODER, max_chars=60, autocomplete="off",
                help="Kept beside each of your decisions.",
            )  # fmt: skip
            st.text_input(
                "A new class", key="new-class", max_chars=80, autocomplete="off",
                on_change=_add_class, args=(session,), placeholder="its name, then Enter",
            )  # fmt: skip


def _add_class(session: LabellingSession) -> None:
    name = " ".join(str(st.session_state.get("new-class", "")).split())
    if name in session.merged:
        st.toast(
            f"{plain(name)} was merged into {plain(session.merged[name])}. Undo that on the Data page, under "
            "Decisions, to label with it.", icon=":material/call_merge:",
        )  # fmt: skip
    elif name and name not in session.classes:
        try:
            session.classes = keep_classes(session.subject, (*session.classes, name))
        except AutoTLError as error:
            session.problem = str(error)
    st.session_state["new-class"] = ""


@live
def _desk(workspace: Workspace, kind: ItemKind) -> None:
    """The part that every keystroke draws again."""
    session = current_session()
    if session is None:
        return
    keep_report()
    if not any(session.keys):
        st.info(
            f"No {kind.name} has a class yet. Name the classes under “Name and classes”, one after another; then each "
            "gets a key.", icon=":material/tune:",
        )  # fmt: skip
    show_labeller(session, blind=not st.session_state.get("seeing"))
    show_disputes(session)
    over = session.position >= len(session.queue.tasks)
    on = "Go through what is left" if session.n_left else "See what else there is"
    if over and st.button(on, key="again", icon=":material/refresh:"):
        end_session()
        st.rerun()
    st.divider()
    _offer_next(workspace, session.subject, kind, eager=over)


def _offer_next(workspace: Workspace, subject: Subject, kind: ItemKind, *, eager: bool) -> None:
    """What to do with the labels: refit the model, or train one."""
    st.caption(
        f"Decisions are kept in {plain(workspace.shown(subject.patch_file))}; no {kind.name} is moved or changed."
    )
    if not subject.runs:
        _offer_training(subject, "Train a model with these labels")
        return
    run = subject.runs[0]
    at_work = [one for one in workspace.list_runs() if one.active and one.job and one.job.kind == "refit"]
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Refit with these labels", key="refit", icon=":material/replay:",
            type="primary" if eager else "secondary", disabled=bool(at_work) or not is_behind(run, subject),
            help=f"Fits the champion of {plain(run.name)} again, in seconds where it is a simplified one.",
        )  # fmt: skip
        st.page_link(RESULTS, label="Results", icon=":material/leaderboard:", query_params={"run": run.name})
    if at_work:
        st.info("The model is being refitted.", icon=":material/hourglass_top:")
        st.page_link(RESULTS, label="Watch it", icon=":material/leaderboard:", query_params={"run": at_work[0].name})
    elif not is_behind(run, subject):
        st.caption(f"The run {plain(run.name)} includes all decisions so far.")
    if pressed:
        try:
            folder = once("refit", run.folder, lambda: start_refit(workspace, run))
        except OSError as error:
            st.error(f"The refit could not be started: {plain(str(error))}.")
        else:
            st.switch_page(RESULTS, query_params={"run": folder.name})


def _say_that_all_is_labelled(subject: Subject, items: str) -> None:
    st.info(
        f"All {items} have a label, and none is known to be doubtful. Once a model has been trained, or "
        "the data have been checked, doubtful labels can be reviewed here.",
        icon=":material/check_circle:",
    )  # fmt: skip
    if not subject.runs:
        _offer_training(subject, "Train a model")


def _offer_training(subject: Subject, label: str) -> None:
    of_it = {"data": subject.name} if subject.name else None
    st.page_link(TRAIN, label=label, icon=":material/model_training:", query_params=of_it)


show()
