"""What is kept as evidence of a champion, and read without any framework."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotl.evidence.panels import ShownPanel, show_panels
from autotl.evidence.run_evidence import read_evidence
from autotl.hookspecs import hookimpl
from autotl.interfaces import Figure, Panel, Table
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.runs.run import Run
from autotl.settings import Settings
from autotl.workflows.fit import fit


def a_figure(run: Run, tested: Any) -> list[Figure]:
    return [Figure("What", {"mark": "bar"}, alt="bars")]


def explode(run: Run, tested: Any) -> list[Table]:
    raise RuntimeError("no such column")


class Shows:
    __name__ = "shows"

    @hookimpl
    def register_panels(self) -> list[Panel]:
        wrong = Table("Torn", ("a", "b"), ((1.0,),))
        return [
            Panel("sound", a_figure), Panel("broken", explode), Panel("silent", lambda run, tested: []),
            Panel("torn", lambda run, tested: [wrong]),
            Panel("undefined", lambda run, tested: [Table("NaN", ("a",), ((float("nan"),),))]),
        ]  # fmt: skip


@pytest.fixture(scope="module")
def finished(shapes: Path, tmp_path_factory: pytest.TempPathFactory, tiny: Any, settings: Settings) -> Run:
    class Tiny:
        __name__ = "tiny"

        @hookimpl
        def register_backbones(self) -> list[Any]:
            return [tiny]

    plugins = load_plugins(disable=("mlflow", "efficientnet-lite"), extra=[Tiny(), Shows()])
    folder = tmp_path_factory.mktemp("runs") / "finished"
    config = Config(shapes, folder, budget_seconds=None, trials=2, strategy="probe", heads=("logistic",))
    return fit(config, plugins=plugins, settings=settings)


def test_the_answers_are_those_behind_the_scores(finished: Run) -> None:
    evidence = read_evidence(finished.folder)
    assert evidence
    answers = evidence.answers("test")
    accuracy = (answers["label"] == answers["predicted"]).mean()
    assert accuracy == pytest.approx(finished.result().to_json()["test"]["accuracy"]["value"])
    assert evidence.test.scores["accuracy"].value == pytest.approx(accuracy)
    assert evidence.test.confusion.sum() == len(answers) == len(finished.split.test)
    right = answers["label"] == answers["predicted"]
    np.testing.assert_allclose(answers["confidence"][right], answers["given"][right])
    assert (answers["confidence"][~right] >= answers["given"][~right]).all()
    assert all(Path(file).exists() for file in answers["file"])
    assert set(evidence.answers("search")["path"]) == set(
        finished.dataset.items["path"].iloc[finished.split.development]
    )


def test_what_plugins_show_is_kept_and_one_that_fails_says_so_in_its_place(finished: Run) -> None:
    evidence = read_evidence(finished.folder)
    assert evidence
    shown = {one.panel: one for one in evidence.panels}
    assert shown["sound"].parts == (Figure("What", {"mark": "bar"}, alt="bars"),)
    assert shown["sound"].plugin == "shows"
    assert "no such column" in shown["broken"].problem
    assert "rows with more or fewer cells" in shown["torn"].problem
    assert "JSON" in shown["undefined"].problem
    assert "silent" not in shown
    assert ShownPanel.from_json(shown["sound"].to_json()) == shown["sound"]


def test_the_built_in_panels_are_sound_on_a_run_of_sixty_images(finished: Run) -> None:
    evidence = read_evidence(finished.folder)
    assert evidence
    assert not [s for s in show_panels(evidence.run, evidence.tested, load_plugins(disable=("mlflow",))) if s.problem]


@pytest.mark.parametrize("name", ["test.npz", "evaluations.json", "panels.json"])
def test_damaged_or_missing_evidence_is_none(name: str, finished: Run) -> None:
    file = finished.folder / "evidence" / name
    whole = file.read_bytes()
    try:
        for content in (b"", whole[: len(whole) // 2], json.dumps({"test": 3}).encode()):
            file.write_bytes(content)
            assert read_evidence(finished.folder) is None
        file.unlink()
        assert read_evidence(finished.folder) is None
    finally:
        file.write_bytes(whole)
    assert read_evidence(finished.folder)


@pytest.mark.parametrize("field", ["classes", "confusion"])
def test_evaluations_that_do_not_fit_the_predictions_are_damaged_evidence(field: str, finished: Run) -> None:
    file = finished.folder / "evidence" / "evaluations.json"
    whole = file.read_bytes()
    document = json.loads(whole)
    document["test"][field] = document["test"][field][:1]
    try:
        file.write_text(json.dumps(document), encoding="utf-8")
        assert read_evidence(finished.folder) is None
    finally:
        file.write_bytes(whole)


def test_reading_it_imports_no_framework(finished: Run) -> None:
    code = (
        "import sys; from pathlib import Path; from autotl.evidence.run_evidence import read_evidence;"
        f"assert read_evidence(Path({str(finished.folder)!r}));"
        "print({'keras', 'tensorflow', 'mlflow'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"


def test_panels_for_which_no_time_is_left_say_so(finished: Run) -> None:
    evidence = read_evidence(finished.folder)
    assert evidence is not None
    shown = show_panels(evidence.run, evidence.tested, load_plugins(disable=("mlflow",)), seconds_left=lambda: 0.0)
    assert shown
    assert {panel.problem for panel in shown} == {"it was left out, because the budget was used up"}


def test_panels_of_another_kind_of_item_are_not_asked(finished: Run) -> None:
    evidence = read_evidence(finished.folder)
    assert evidence is not None
    plugins = load_plugins(disable=("mlflow",))
    assert plugins.all(Panel)["telling-words"].modality == "text"
    for seconds in (0.0, 60.0):
        shown = show_panels(evidence.run, evidence.tested, plugins, seconds_left=lambda seconds=seconds: seconds)
        assert "telling-words" not in {panel.panel for panel in shown}
