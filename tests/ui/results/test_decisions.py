"""Decisions about the pictures of a run."""

from __future__ import annotations

import json
from pathlib import Path

import made_runs
import pytest

from autotl.data.patch import Decision, write_patch
from autotl.errors import DatasetError
from autotl_ui.results.decisions import Desk, desk_of, waiting
from autotl_ui.workspace.evidence import find_evidence
from autotl_ui.workspace.runs import look

CATS, BIRDS, DOGS = sorted(made_runs.CLASSES)


@pytest.fixture
def desk(runs: Path) -> Desk:
    made_runs.write_finished(runs / "good")
    found = desk_of(look(runs / "good"))
    assert found
    return found


def changed(desk: Desk) -> set[str]:
    evidence = find_evidence(desk.data.parent / "autotl-runs" / "good")
    assert evidence
    return set(waiting(desk, evidence))


def test_decisions_about_pictures_wait_for_a_refit_until_they_are_taken_back(desk: Desk) -> None:
    desk.note([Decision("relabel", f"{CATS}/05.png", BIRDS), Decision("exclude", f"{DOGS}/00.png")])
    assert changed(desk) == {f"{CATS}/05.png", f"{DOGS}/00.png"}
    desk.note([], undo=[f"{CATS}/05.png"])
    assert changed(desk) == {f"{DOGS}/00.png"}


def test_a_decision_for_what_a_picture_is_called_already_changes_nothing(desk: Desk) -> None:
    desk.note([Decision("relabel", f"{CATS}/05.png", CATS)])
    assert changed(desk) == set()


def test_merged_classes_wait_as_well(desk: Desk) -> None:
    desk.note([Decision("merge", BIRDS, CATS)])
    assert len(changed(desk)) == 30
    assert desk.decisions() == {}


def test_a_decision_that_the_run_knew_waits_once_it_is_taken_back(desk: Desk) -> None:
    import pandas as pd

    run = desk.data.parent / "autotl-runs" / "good"
    table = pd.read_parquet(run / "dataset.parquet")
    table.loc[table["path"] == f"{CATS}/05.png", "label"] = BIRDS  # as a run after a relabelling would have it
    table.to_parquet(run / "dataset.parquet", index=False)
    assert changed(desk) == {f"{CATS}/05.png"}


def test_a_picture_that_is_not_there_is_refused_and_the_patch_file_stays(desk: Desk) -> None:
    desk.note([Decision("exclude", f"{DOGS}/00.png")])
    before = desk.patch.read_bytes()
    with pytest.raises(DatasetError, match="no image"):
        desk.note([Decision("exclude", "../secret.png")])
    assert desk.patch.read_bytes() == before


def test_a_patch_file_named_for_the_run_is_the_one_that_is_kept(desk: Desk) -> None:
    run = desk.data.parent / "autotl-runs" / "good"
    state = json.loads((run / "run.json").read_text(encoding="utf-8"))
    own = desk.data.parent / "own.csv"
    state["config"]["patch"] = str(own)
    (run / "run.json").write_text(json.dumps(state), encoding="utf-8")
    found = desk_of(look(run))
    assert found
    write_patch(own, [Decision("exclude", f"{DOGS}/00.png")])
    assert list(found.decisions()) == [f"{DOGS}/00.png"]
