"""The program in the folder of a study of several targets: it runs that of each target, and compares what is shared."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from several_labels import write_shapes
from verifying import Change, in_json, in_text

from autotl.runs.config import Config
from autotl.runs.targets_result import TargetsResult
from autotl.settings import Settings
from autotl.training import fine_tuning
from autotl.workflows.several_targets import fit_targets, with_targets

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, make_folder: Callable[..., Path]) -> Path:
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes", make_folder)


def configured(table: Path, run: Path, **options: Any) -> Config:
    own = {"budget_seconds": None, "strategy": "probe", "heads": ("logistic",), "label": "shape,tone"}
    return with_targets(Config(data=table, run=run, **(own | options)))


@pytest.fixture(scope="module")
def study(
    table: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings
) -> TargetsResult:  # fmt: skip
    config = configured(table, tmp_path_factory.mktemp("study") / "run", trials=2)
    return fit_targets(config, plugins=plugins, settings=settings)


@pytest.fixture
def copy(study: TargetsResult, tmp_path: Path) -> Path:
    return shutil.copytree(study.run, tmp_path / "copy")


def verify(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "verify.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_it_reports_all_targets_together(study: TargetsResult) -> None:
    done = verify(study.run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "target shape: " in done.stdout
    assert "target tone: " in done.stdout
    assert done.stdout.endswith("Nothing differs.\n")
    document = json.loads(verify(study.run, "--json").stdout)
    assert document["equal"]
    assert document["n_recomputed"] > sum(one["n_recomputed"] for one in document["targets"].values()) > 300
    assert document["not_recomputed"][0]["first"][0].startswith("targets/shape/")


def _score(state: Any) -> None:
    state["result"]["test"]["accuracy"]["value"] = 0.123


def _first_row(folder: Path) -> None:
    path = folder / "leaderboard.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    value = lines[0].split(",").index("value")
    cells = lines[1].split(",")
    cells[value] = "0.321"
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]), encoding="utf-8")


CHANGES: dict[str, tuple[Change, str]] = {
    "a score of one target": (in_json("targets/tone/run.json", _score), "targets/tone/run.json#/result/test/accuracy"),
    "the leaderboard of all": (_first_row, "leaderboard.csv#/0/value"),
    "the model of all": (
        in_json("champion/metadata.json", lambda m: m["targets"]["shape"].update(n_items={"test": 9})),
        "champion/metadata.json#/targets/shape/n_items",
    ),
    "the table of the report": (in_text("report.html", ">balanced_accuracy<", ">accuracy<"), "report.html, shape"),
}


def test_it_finds_what_was_changed_of_one_target_and_of_all(copy: Path) -> None:
    for change, _ in CHANGES.values():
        change(copy)
    done = verify(copy, "--json")
    places = [difference["where"] for difference in json.loads(done.stdout)["differs"]]
    assert done.returncode == 1
    assert [what for what, (_, where) in CHANGES.items() if not any(where in place for place in places)] == []


def test_a_target_without_a_program_or_a_result_is_named(copy: Path) -> None:
    (copy / "targets" / "shape" / "verify.py").unlink()
    in_json("targets/tone/run.json", lambda state: state.update(result=None))(copy)
    done = verify(copy)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "DIFFERS targets/shape/verify.py: " in done.stdout
    assert "DIFFERS targets/tone/run.json#/result: found None" in done.stdout
    assert "target tone has no result" in done.stdout


def test_a_target_that_failed_is_said_and_no_difference(copy: Path) -> None:
    in_json("targets/tone/run.json", lambda state: state.update(result=None))(copy)
    in_json("run.json", lambda state: state.update(status="failed", deployable=""))(copy)
    board = (copy / "leaderboard.csv").read_text(encoding="utf-8").splitlines()
    (copy / "leaderboard.csv").write_text("\n".join(row for row in board if not row.startswith("tone")))
    page = (copy / "report.html").read_text(encoding="utf-8")
    start = page.index("<tr><th><bdi>tone")
    (copy / "report.html").write_text(page[:start] + page[page.index("</tbody>", start) :], encoding="utf-8")
    done = verify(copy)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "target tone has no result" in done.stdout


@pytest.mark.parametrize("name", ["verify_command.py", "verify_documents.py"])
def test_a_missing_part_of_the_program_is_said_without_a_traceback(name: str, copy: Path) -> None:
    (copy / "evidence" / name).unlink()
    done = verify(copy, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["equal"] is False


@pytest.mark.slow
def test_one_network_for_all_targets_is_compared_again_from_its_predictions(
    table: Path, tmp_path: Path, plugins: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 2)
    found = fit_targets(configured(table, tmp_path / "run", trials=1, joint=True), plugins=plugins, settings=settings)
    assert found.joint
    assert set(found.joint.targets) == {"shape", "tone"}
    done = verify(found.run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "joint" not in done.stdout
    in_json("run.json", lambda state: state["joint"]["targets"]["shape"]["verdict"].update(low=0.4))(found.run)
    document = json.loads(verify(found.run, "--json").stdout)
    assert [one["where"] for one in document["differs"]] == ["run.json#/joint/targets/shape/verdict/low"]
