"""A finished run says which backbones it tried, how much they differ, and what it would cost to be sure."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from two_backbones import load_two_backbones

from autotl.evidence.run_evidence import read_evidence
from autotl.runs.backbones_tried import KEY, BackbonesTried, LeftOutBackbone, TriedBackbone
from autotl.runs.config import Config
from autotl.runs.run import Run, open_run
from autotl.scores import ScoreInterval
from autotl.settings import Settings
from autotl.workflows.backbones import PIECE, backbones
from autotl.workflows.fit import fit

BEST = TriedBackbone("tiny", "32x32", "joined", "avg+max", 0.4)
OTHER = TriedBackbone("other", "48x48", "top", "avg", 0.42, ScoreInterval(0.02, -0.01, 0.05), 1400)


@pytest.fixture(scope="module")
def run(shapes: Path, tmp_path_factory: pytest.TempPathFactory, tiny: Any, settings: Settings) -> Run:
    config = Config(
        shapes, tmp_path_factory.mktemp("runs") / "run", budget_seconds=None, trials=4, strategy="probe",
        heads=("logistic", "knn"),
    )  # fmt: skip
    return fit(config, plugins=load_two_backbones(tiny), settings=settings)


def of(context: Any) -> Any:
    return SimpleNamespace(context=context)


def test_of_a_single_backbone_nothing_is_said(context: Any) -> None:
    assert backbones(of(context)).sentences == ()
    context.run.update(**{KEY: BackbonesTried(60, 60, 70, (BEST,)).to_json()})
    said = backbones(of(context))
    assert (said.parts, said.sentences, said.fields, said.problem) == ((), (), {}, "")


def test_one_for_which_there_was_no_time_is_mentioned(context: Any) -> None:
    late = LeftOutBackbone("late", "64x64", "time", seconds=90.0)
    context.run.update(**{KEY: BackbonesTried(60, 60, 70, (BEST, OTHER), (late,)).to_json()})
    assert "late at 64 pixels (about 1m30s)" in backbones(of(context)).sentences[1]


def test_where_nothing_was_compared_the_report_shows_it_and_the_terminal_is_silent(context: Any) -> None:
    late = LeftOutBackbone("late", "64x64", "time", seconds=90.0)
    context.run.update(**{KEY: BackbonesTried(60, 60, 70, (BEST,), (late,)).to_json()})
    said = backbones(of(context))
    assert said.sentences == ()
    assert [part.title for part in said.parts] == ["Backbones tried", "Backbones left out"]


def test_trials_that_completed_are_counted_for_each_backbone_and_size(context: Any) -> None:
    context.run.update(**{KEY: BackbonesTried(60, 60, 70, (BEST, OTHER)).to_json()})
    columns = "rank,trial,name,state,strategy,head,backbone,size,stage,pooling,value,low,high,reason,seconds,params"
    rows = [
        ("complete", "probe", "tiny", "32x32"), ("complete", "fine-tune", "tiny", "32x32"),
        ("failed", "probe", "other", "48x48"), ("complete", "fine-tune", "other", "48x48"),
        ("complete", "probe", "tiny", "48x48"), ("complete", "majority", "", ""),
    ]  # fmt: skip
    lines = [
        f"{n},{n},a,{state},{how},knn,{backbone},{size},top,avg,1,1,1,,1,{{}}"
        for n, (state, how, backbone, size) in enumerate(rows)
    ]
    (context.run.folder / "leaderboard.csv").write_text("\n".join([columns, *lines]), encoding="utf-8")
    tried = backbones(of(context)).fields[KEY].tried
    assert [(one.read_in_full, one.n_trials) for one in tried] == [(True, 2), (False, 1)]


def test_without_a_leaderboard_what_this_process_read_counts(context: Any, tiny: Any) -> None:
    context.run.update(**{KEY: BackbonesTried(60, 60, 70, (BEST, OTHER)).to_json()})
    context.reader.features(tiny, (32, 32))
    tried = backbones(of(context)).fields[KEY].tried
    assert [(one.read_in_full, one.n_trials) for one in tried] == [(True, 0), (False, 0)]


def test_a_run_says_it_everywhere(run: Run) -> None:
    result = run.result()
    assert result is not None
    found = result.backbones_tried
    assert found is not None
    assert {(one.backbone, one.size) for one in found.tried} == {
        ("tiny", "32x32"), ("tiny", "48x48"), ("shallow", "32x32"),
    }  # fmt: skip
    assert any(one.read_in_full and one.n_trials for one in found.tried)
    [sentence] = [text for text in result.in_short if text.startswith("Of 3 combinations of a backbone and a size, ")]
    [panel] = [panel for panel in read_evidence(run.folder).panels if panel.panel == PIECE]
    assert panel.sentences[0] == sentence
    assert panel.parts[0].title == "Backbones tried"
    for file in ("report.html", "champion/model_card.md"):
        assert "Of 3 combinations of a backbone and a size, " in (run.folder / file).read_text(encoding="utf-8")
    assert "Backbones tried" in (run.folder / "report.html").read_text(encoding="utf-8")


def test_what_was_found_stays_for_who_opens_the_run_later(run: Run) -> None:
    state, result = open_run(run.folder).state(), run.result()
    assert result is not None
    assert BackbonesTried.from_json(state["result"][KEY]) == result.backbones_tried
    assert {one["backbone"] for one in state[KEY]["tried"]} == {"tiny", "shallow"}


def test_verify_lists_these_numbers_with_the_reason(run: Run) -> None:
    command = [sys.executable, str(run.folder / "verify.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["differs"]) == (0, [])
    [ours] = [part for part in document["not_recomputed"] if any(KEY in where for where in part["first"])]
    assert "a sample of the items" in ours["why"]
    assert "no rule for it here" not in {part["why"] for part in document["not_recomputed"]}
    assert not any("Backbones" in text for text in document["report"]["not_compared"])


def test_verify_finds_that_they_were_removed(run: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(run.folder, tmp_path / "copy")
    document = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    del document["result"][KEY]
    (copy / "run.json").write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run([sys.executable, str(copy / "verify.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"run.json#/result/{KEY}" in done.stdout
