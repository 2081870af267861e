"""The current study: the run or the dataset that the pages are about, named in the address of every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from autotl_ui.server.pages import RESULTS, TRAIN
from autotl_ui.widgets.words import STATUSES, plain
from autotl_ui.workspace.data_sets import find_data_set, learned_from
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

_CARRIED = "study"
GROUPS_ANSWER = "groups-answer-"
"""With the name of a dataset, in the session: what `--groups` is to be for a search of it, as was answered."""
DEPLOYABLE = "deployable"
"""In the address of the Models page: one of several models of a run."""


@dataclass(frozen=True)
class Study:
    """A run or, where there is none, a dataset, by name; both empty where nothing was chosen."""

    run: str = ""
    data: str = ""


def current_study() -> Study:
    """What the page's address names; a run comes before a dataset, because it has one."""
    run = st.query_params.get("run", "")
    return Study(run) if run else Study(data=st.query_params.get("data", ""))


def carry_study() -> None:
    """Put the study of the page before into the address of a page that a link without one has led to."""
    named = current_study()
    turn_to(named if named != Study() else st.session_state.get(_CARRIED, named))


def turn_to(study: Study) -> None:
    """Make a study the current one; the address says so at once."""
    st.session_state[_CARRIED] = study
    for name, value in asdict(study).items():
        if not value:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def wanted_run(
    workspace: Workspace, runs: Sequence[RunView], *, usable: Callable[[RunView], object] = bool
) -> RunView | None:  # fmt: skip
    """The run of the current study, else the newest; None, with the reason on the page, where the study has none.

    usable: whether the page can show a run. A run or dataset that is missing is never replaced by another.
    """
    study, offered = current_study(), [run for run in runs if usable(run)]
    if study.run:
        run = next((run for run in runs if run.name == study.run), None)
        if run is None or run not in offered:
            _say_unusable(run) if run else say_run_gone(study.run)
            return None
        return run
    if study.data:
        data_set = find_data_set(workspace, study.data)
        if data_set is None:
            say_data_gone(study.data)
            return None
        offered = [run for run in offered if learned_from(run, data_set)]
        if not offered:
            st.info(f"No model has been trained on {plain(data_set.title)} yet.", icon=":material/inbox:")
            st.page_link(TRAIN, label="Train one", icon=":material/model_training:", query_params={"data": study.data})
    return offered[0] if offered else None


def choose_run(
    offered: Mapping[str, str], wanted: RunView | None, *, key: str, width: int | None = None,
    current: RunView | None = None,
) -> None:  # fmt: skip
    """A list of runs, whose choice is the current study. offered: what the list calls each run, by its name.

    current: the run that the page is about where it is not the one in the list, such as that of one of its targets.
    """
    if wanted and current_study() != Study((current or wanted).name):
        turn_to(Study((current or wanted).name))
    choose("Run", offered, wanted.name if wanted else None, key=key, turn=turn_to_run, width=width)


def choose(
    label: str, offered: Mapping[str, str], wanted: str | None, *, key: str, turn: Callable[[str], None],
    width: int | None = None,
) -> None:  # fmt: skip
    """A list that shows what the address names, and nothing where that is missing.

    offered: what the list calls each name. turn: puts a choice into the address, from which the page then takes it.
    """

    def take() -> None:
        if chosen := st.session_state[key]:
            turn(chosen)

    wanted = wanted if wanted in offered else None
    # Always: lists of other pages with the same key have left another choice in the browser.
    st.session_state[key] = wanted
    st.selectbox(
        label, list(offered), key=key, index=0 if wanted else None, placeholder="Choose one", on_change=take,
        format_func=lambda name: offered.get(name, name), width=width or "stretch",
    )  # fmt: skip


def turn_to_run(name: str) -> None:
    """Make a run the current study."""
    st.query_params.pop(DEPLOYABLE, None)
    turn_to(Study(name))


def say_run_gone(name: str) -> None:
    """Say that the run that the address names is not here."""
    st.warning(
        f"There is no run {plain(name)} here. It was deleted or renamed, or the link is from another workspace. Choose "
        "another run, or start a search.",
        icon=":material/search_off:",
    )


def say_data_gone(name: str) -> None:
    """Say that the dataset that the address names is not here."""
    st.warning(
        f"There is no dataset {plain(name)} here. It was deleted, or the link is from another workspace. Choose "
        "another one, or add it again on the Data page.",
        icon=":material/search_off:",
    )


def _say_unusable(run: RunView) -> None:
    status, yet = STATUSES[run.status][0].lower(), " yet" if run.active else ""
    st.info(f"Run {plain(run.name)} has no model{yet} ({status}). Choose another run.", icon=":material/info:")
    page = TRAIN if run.active else RESULTS
    st.page_link(page, label=f"Look at {plain(run.name)}", icon=":material/search:", query_params={"run": run.name})
