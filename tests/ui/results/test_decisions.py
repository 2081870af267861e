"""Decisions about the images of a run."""

from __future__ import annotations

import json
from pathlib import Path

import made_runs
import pytest

from autotl.data.patch import Decision, write_patch
from autotl.errors import DatasetError
from autotl_ui.results.decisions import RunDecisions, decisions_of, pending
from autotl_ui.workspace.evidence import find_evidence
from autotl_ui.workspace.runs import look

CATS, BIRDS, DOGS = sorted(made_runs.CLASSES)


@pytest.fixture
def decisions(runs: Path) -> RunDecisions:
    made_runs.write_finished(runs / "good")
    found = decisions_of(look(runs / "good"))
    assert found
    return found


def changed(decisions: RunDecisions) -> set[str]:
    evidence = find_evidence(decisions.data.parent / "autotl-runs" / "good")
    assert evidence
    return set(pending(decisions, evidence))


def test_decisions_about_images_are_pending_until_they_are_undone(decisions: RunDecisions) -> None:
    decisions.add([Decision("relabel", f"{CATS}/05.png", BIRDS), Decision("exclude", f"{DOGS}/00.png")])
    assert changed(decisions) == {f"{CATS}/05.png", f"{DOGS}/00.png"}
    decisions.add([], undo=[f"{CATS}/05.png"])
    assert changed(decisions) == {f"{DOGS}/00.png"}


def test_a_decision_for_the_label_that_an_image_has_changes_nothing(decisions: RunDecisions) -> None:
    decisions.add([Decision("relabel", f"{CATS}/05.png", CATS)])
    assert changed(decisions) == set()


def test_merged_classes_are_pending_as_well(decisions: RunDecisions) -> None:
    decisions.add([Decision("merge", BIRDS, CATS)])
    assert len(changed(decisions)) == 30
    assert decisions.by_image() == {}


def test_a_decision_that_the_run_knows_is_pending_once_it_is_undone(decisions: RunDecisions) -> None:
    import pandas as pd

    run = decisions.data.parent / "autotl-runs" / "good"
    table = pd.read_parquet(run / "dataset.parquet")
    table.loc[table["path"] == f"{CATS}/05.png", "label"] = BIRDS  # as a run after a relabelling would have it
    table.to_parquet(run / "dataset.parquet", index=False)
    assert changed(decisions) == {f"{CATS}/05.png"}


def test_an_image_that_is_not_there_is_refused_and_the_patch_file_stays(decisions: RunDecisions) -> None:
    decisions.add([Decision("exclude", f"{DOGS}/00.png")])
    before = decisions.patch.read_bytes()
    with pytest.raises(DatasetError, match="no image"):
        decisions.add([Decision("exclude", "../secret.png")])
    assert decisions.patch.read_bytes() == before


def test_a_patch_file_named_for_the_run_is_the_one_that_is_kept(decisions: RunDecisions) -> None:
    run = decisions.data.parent / "autotl-runs" / "good"
    state = json.loads((run / "run.json").read_text(encoding="utf-8"))
    own = decisions.data.parent / "own.csv"
    state["config"]["patch"] = str(own)
    (run / "run.json").write_text(json.dumps(state), encoding="utf-8")
    found = decisions_of(look(run))
    assert found
    write_patch(own, [Decision("exclude", f"{DOGS}/00.png")])
    assert list(found.by_image()) == [f"{DOGS}/00.png"]
