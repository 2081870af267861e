"""The harness itself: it would see what it is there to see."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest

from autotl.predictions import Predictions
from autotl.runtime.atomic_files import write_atomically
from endurance import rounds, stores
from endurance.phases import PhaseReader
from endurance.processes import Attempt
from endurance.report import Kill, count, is_sound, to_markdown
from endurance.rounds import Round, Setting


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a study of three trials: complete, failed, and running."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"study_name": "s"}))
    study = optuna.create_study(study_name="s", storage=f"sqlite:///{folder / 'study.db'}")
    study.tell(study.ask(), 0.5)
    failed = study.ask()
    failed.set_user_attr("autotl_record", {"cause": "lost", "reason": "interrupted"})
    study.tell(failed, state=optuna.trial.TrialState.FAIL)
    study.ask()
    (folder / "trials" / "0000").mkdir(parents=True)
    predictions = Predictions(np.array([0, 1]), np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    predictions.save(folder / "trials" / "0000" / "predictions.npz")
    return folder


def test_trials_are_read_by_how_they_ended(run: Path) -> None:
    found = stores.read_trials(run)
    assert found.complete[0][0] == 0.5
    assert found.complete[0][1]
    assert (found.failed, found.running) == ({1: ("lost", "interrupted")}, {2})


def test_a_trial_without_its_predictions_is_seen(run: Path) -> None:
    shutil.rmtree(run / "trials")
    assert stores.read_trials(run).complete == {0: (0.5, "")}


def test_a_damaged_database_and_missing_tables_are_seen(run: Path) -> None:
    assert [text.partition(":")[0] for text in stores.broken_parts(run)] == ["dataset.parquet", "pairs.parquet"]
    data = bytearray((run / "study.db").read_bytes())
    data[4096:8192] = os.urandom(4096)
    (run / "study.db").write_bytes(data)
    assert any(text.startswith("study.db") for text in stores.broken_parts(run))


def test_what_is_left_half_written_is_seen(tmp_path: Path) -> None:
    write_atomically(tmp_path / "run.json", b"{}")
    assert stores.leftovers(tmp_path) == []
    (tmp_path / f".run.json.{'0' * 32}").touch()
    (tmp_path / ".champion.partial").mkdir()
    assert len(stores.leftovers(tmp_path)) == 2


def test_the_phase_is_that_of_the_last_event_after_the_beginning(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text('{"event": "end"}\n{"half')
    reader = PhaseReader(tmp_path, events)
    assert reader.read() == "start"
    seen = []
    for line in (
        '\n{"event": "progress", "stage": "hash"}', '{"event": "dataset"}', '{"event": "stage", "stage": "features"}',
        '{"event": "features"}', '{"event": "trial-begin", "strategy": "probe"}', '{"event": "trial"}',
        '{"event": "trial-begin", "strategy": "fine-tune"}', '{"event": "stage", "stage": "conclude"}',
    ):  # fmt: skip
        with events.open("a") as file:
            file.write(f"{line}\n")
        seen.append(reader.read())
    assert seen == ["scan", "prepare", "features", "prepare", "trial", "trial", "fine-tuning", "conclusion"]
    (tmp_path / "run.json").write_text('{"result": {"status": "complete"}}')
    assert reader.read() == "recording"


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_process_that_outlives_its_command_is_found_and_ended(tmp_path: Path) -> None:
    sleep = "[sys.executable, '-c', 'import time; time.sleep(60)']"
    code = f"import subprocess, sys; subprocess.Popen({sleep}, start_new_session=True)"
    attempt = Attempt([sys.executable, "-c", code], environment=os.environ, cwd=tmp_path, output=tmp_path / "out.txt")
    assert attempt.wait(30) == 0
    [name] = attempt.left_over(seconds=0.2)
    assert "time.sleep(60)" in name
    attempt.kill_all()
    assert attempt.members() == []


@pytest.mark.parametrize(("phase", "killed"), [("trial", "a node"), ("fine-tuning", "a node"), ("scan", "process 3")])
def test_nodes_are_killed_in_the_phases_in_which_they_work_for_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str, killed: str
) -> None:
    monkeypatch.setattr(rounds, "_NOTICED_SECONDS", 0.0)
    nodes = SimpleNamespace(kill_one=lambda: "a node")
    rng = SimpleNamespace(random=lambda: 0.0, randrange=lambda _most: 3)
    played = Round(
        Setting(tmp_path, tmp_path / "data", (), {}, beside=nodes), "run-1", rng, [], tell=lambda _text: None
    )
    attempt = SimpleNamespace(exit_code=None, kill_one=lambda number: f"process {number}")
    kill = played._kill(attempt, SimpleNamespace(read=lambda: phase))
    assert (kill.phase, kill.what, kill.is_beside) == (phase, killed, killed == "a node")
    assert played.kills == played.mine == [kill]


def test_the_table_counts_by_phase_and_names_what_went_wrong() -> None:
    kills = [Kill("trial", "everything", carried_on=True), Kill("trial", "the leading process")]
    kills[1].blame("falsely failed", "trial 7 (): no reason")
    assert count(kills)["trial"] == {
        "kills": 2, "of one process": 1, "carried on": 1, "finished trials lost": 0, "falsely failed": 1, "broken": 0,
    }  # fmt: skip
    assert "| all | 2 | 1 | 1 | 0 | 1 | 0 |" in to_markdown(kills)
    assert "trial, the leading process killed: falsely failed: trial 7" in to_markdown(kills)
    assert is_sound(kills[:1])
    assert not is_sound(kills)
