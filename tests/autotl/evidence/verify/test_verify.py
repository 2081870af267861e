"""The program in the run folder: it recomputes a run's numbers with NumPy alone, and finds what was changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from verified_runs import write_verified_run
from verifying import Change, found, in_result, in_state, in_text, verify

from autotl.evidence.verify.verify_documents import Report, printed_as
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.config import Config
from autotl.runs.run import Run
from autotl.search.expected_gain import FineTuneGain
from autotl.settings import Settings
from autotl.workflows.fit import fit


@pytest.fixture(scope="module")
def run(shapes: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings) -> Run:
    config = Config(shapes, tmp_path_factory.mktemp("runs") / "run", budget_seconds=None, trials=6, strategy="probe")
    return fit(config, plugins=plugins, settings=settings)


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Path:
    return shutil.copytree(run.folder, tmp_path / "copy")


def test_it_reproduces_a_run_with_numpy_alone(run: Run, numpy_alone: Path) -> None:
    done = verify(run.folder, numpy_alone)
    assert (done.returncode, done.stderr.strip()) == (0, ""), done.stdout
    assert "Nothing differs." in done.stdout


def test_it_says_what_it_cannot_recompute_and_leaves_out_no_score(run: Run, numpy_alone: Path) -> None:
    _, document = found(run.folder, numpy_alone)
    left = {address for part in document["not_recomputed"] for address in part["first"]}
    whys = [part["why"] for part in document["not_recomputed"]]
    assert "no rule for it here" not in whys, document["not_recomputed"]
    assert not any("/search/" in address or "/test/" in address or "panels" in address for address in left)
    assert document["n_recomputed"] > 200
    assert document["report"]["compared"] > 30


def test_what_fine_tuning_was_expected_to_bring_is_no_difference(copy: Path, numpy_alone: Path) -> None:
    reason = "only linear probes were asked for"
    expected = FineTuneGain(ScoreInterval(-0.115, -0.219, -0.011), 22.0).sentence("balanced_accuracy")
    for file in ("run.json", "report.html", "champion/metadata.json"):
        before = (copy / file).read_text(encoding="utf-8")
        assert reason in before
        (copy / file).write_text(before.replace(reason, f"0 s were left, and {expected}"), encoding="utf-8")
    done = verify(copy, numpy_alone)
    assert done.returncode == 0, done.stdout


def _one_answer(folder: Path) -> None:
    """The first test image is now answered with another class."""
    path = folder / "evidence" / "test.npz"
    old = Predictions.load(path)
    probabilities = old.probabilities.copy()
    probabilities[0] = np.roll(probabilities[0], 1)
    Predictions(old.items, old.labels, probabilities).save(path)


def _label_of_first(folder: Path) -> None:
    path = folder / "evidence" / "items.npz"
    with np.load(path) as arrays:
        kept = dict(arrays)
    kept["label"][0] = "stripes"
    np.savez(path, **kept)


def _in_verdict(**changed: str) -> Change:
    return in_result(lambda r: r["feasibility"].update(changed))


def _without_marks(folder: Path) -> None:
    path = folder / "report.html"
    path.write_text(path.read_text(encoding="utf-8").replace("data-json=", "data-was="), encoding="utf-8")


def _another_word_in_short(folder: Path) -> None:
    first = json.loads((folder / "run.json").read_text(encoding="utf-8"))["result"]["in_short"][0]
    in_text("report.html", first.split(":")[0] + ":", "Surely usable:")(folder)


CHANGES: dict[str, tuple[Change, str]] = {
    "no doubts": (in_result(lambda r: r.update(doubts=None)), "/result/doubts"),
    "no verdict": (in_result(lambda r: r.update(feasibility=None)), "/result/feasibility"),
    "another verdict": (_in_verdict(verdict="usable-as-if"), "/result/feasibility/verdict"),
    "the sentence of the verdict": (_in_verdict(sentence="Usable: always right."), "/result/feasibility"),
    "nothing in short": (in_result(lambda r: r.update(in_short=[])), "/result/in_short"),
    "another sentence in short": (in_result(lambda r: r["in_short"].append("It is perfect.")), "/result/in_short/"),
    "a criterion": (in_result(lambda r: r["feasibility"]["criteria"][0].update(found="all")), "/criteria"),
    "a report without marks": (_without_marks, "report.html"),
    "a word in the report": (_another_word_in_short, "report.html, run.json#/result/in_short/0"),
    "no model": (lambda folder: (folder / "champion" / "model.onnx").unlink(), "champion/model.onnx"),
    "another model": (lambda folder: (folder / "champion" / "model.onnx").write_bytes(b"x"), "champion/model.onnx"),
    "a test score": (in_result(lambda r: r["test"]["accuracy"].update(value=0.5)), "/result/test/accuracy/value"),
    "the end of an interval": (in_result(lambda r: r["test"]["log_loss"].update(high=9.0)), "/test/log_loss/high"),
    "a corrected score": (
        in_result(lambda r: r["search"]["macro_f1"].update(value=r["search"]["macro_f1"]["value"] - 0.01)),
        "/search/macro_f1/value",
    ),
    "a recall": (in_result(lambda r: r["test"]["recall[circle]"].update(low=0.9)), "/test/recall[circle]/low"),
    "the default's score": (in_result(lambda r: r["default"]["test"]["roc_auc"].update(value=0.1)), "/default/test/"),
    "a count": (in_result(lambda r: r["n_items"].update(test=999)), "/n_items/test"),
    "the number of trials": (in_result(lambda r: r.update(n_trials=60)), "/n_trials"),
    "a sentence": (in_result(lambda r: r.update(advice="Use it: +9.9 points of accuracy")), "/advice"),
    "the fingerprint": (in_result(lambda r: r.update(fingerprint="0" * 16)), "/fingerprint"),
    "a label": (_label_of_first, "/fingerprint"),
    "an answer": (_one_answer, "/test/accuracy/value"),
    "a cell of the leaderboard": (in_text("leaderboard.csv", ",complete,probe,", ",complete,fine-tune,"), "/n_trials"),
    "the report": (in_text("report.html", 'data-json="/n_items/test">', 'data-json="/n_items/test">1'), "report.html"),
}


@pytest.mark.parametrize(("change", "where"), CHANGES.values(), ids=CHANGES)
def test_it_finds_what_was_changed(change: Change, where: str, copy: Path, numpy_alone: Path) -> None:
    change(copy)
    code, document = found(copy, numpy_alone)
    assert code == 1
    assert any(where in difference["where"] for difference in document["differs"]), document["differs"]


DAMAGES: dict[str, Change] = {
    "an empty file": lambda folder: (folder / "evidence" / "test.npz").write_bytes(b""),
    "half a file": lambda folder: (folder / "evidence" / "items.npz").write_bytes(
        (folder / "evidence" / "items.npz").read_bytes()[:500]
    ),
    "a run that has not ended": in_state(lambda state: state.update(result=None)),
    "a part of the program is missing": lambda folder: (folder / "evidence" / "verify_scores.py").unlink(),
    "an empty run.json": lambda folder: (folder / "run.json").write_bytes(b""),
    "a run.json that is no object": lambda folder: (folder / "run.json").write_text("[]"),
    "a run.json of another encoding": lambda folder: (folder / "run.json").write_bytes(b"\xff\xfe{"),
    "no test scores": in_result(lambda r: r.update(test=None)),
    "no panels": lambda folder: (folder / "evidence" / "panels.json").write_text("null"),
    "panels that are none": lambda folder: (folder / "evidence" / "panels.json").write_text("[null]"),
    "no evidence": lambda folder: shutil.rmtree(folder / "evidence"),
    "no leaderboard": lambda folder: (folder / "leaderboard.csv").unlink(),
    "no report": lambda folder: (folder / "report.html").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_it_says_what_is_damaged_and_ends_without_a_traceback(damage: Change, copy: Path, numpy_alone: Path) -> None:
    damage(copy)
    done = verify(copy, numpy_alone)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "DIFFERS" in done.stdout
    said = verify(copy, numpy_alone, "--json")
    assert (said.returncode, json.loads(said.stdout)["equal"]) == (1, False)


def test_the_place_that_cannot_be_read_is_named(copy: Path, numpy_alone: Path) -> None:
    in_result(lambda r: r.update(test=None))(copy)
    assert "DIFFERS run.json#/result/test: found None" in verify(copy, numpy_alone).stdout
    (copy / "run.json").write_bytes(b"")
    assert "DIFFERS run.json: " in verify(copy, numpy_alone).stdout
    (copy / "evidence" / "verify_scores.py").unlink()
    assert "DIFFERS evidence/verify_scores.py: " in verify(copy, numpy_alone).stdout


def test_a_terminal_that_lacks_a_character_gets_the_list(copy: Path) -> None:
    in_result(lambda r: r["in_short"].append("\u2192"))(copy)
    command = [sys.executable, str(copy / "verify.py")]
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=ascii_only)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "found '\\u2192'" in done.stdout


@pytest.mark.parametrize("options", [("--verbose",), ("one", "two")])
def test_an_unknown_option_is_no_folder(options: tuple[str, ...], run: Run, numpy_alone: Path) -> None:
    done = verify(run.folder, numpy_alone, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert options[0] in done.stderr
    assert "[RUN] [--json]" in done.stderr


def test_help_says_how_it_is_called(run: Run, numpy_alone: Path) -> None:
    done = verify(run.folder, numpy_alone, "--help")
    assert done.returncode == 0
    assert "python verify.py [RUN] [--json]" in done.stdout


MADE: dict[str, dict[str, Any]] = {
    "images that are alike": {"per_group": 4},
    "a loss": {"objective": "log_loss", "per_group": 3, "seed": 3},
    "a proportion, few images": {"objective": "accuracy", "n": 120, "seed": 5},
    "groups of which one is answered worse": {"attributes": True, "n": 500},
    "such groups, and images that are alike": {"attributes": True, "n": 600, "per_group": 3},
    "few images that are independent": {"n": 200, "per_group": 20},
    "many classes": {"objective": "macro_f1", "n": 900, "n_classes": 24, "per_group": 2},
}


@pytest.mark.heavy
@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_it_reproduces_runs_of_all_kinds(
    made: dict[str, Any], tmp_path: Path, toy_dataset: Any, plugins: Any, settings: Settings, numpy_alone: Path
) -> None:
    made_run = write_verified_run(tmp_path / "run", toy_dataset, plugins, settings, **made)
    code, document = found(made_run.folder, numpy_alone)
    assert (code, document["differs"]) == (0, [])
    assert {part["why"] for part in document["not_recomputed"]} <= {
        "choices, not measurements", "measured by a clock, or counted during the run",
        "the test predictions of the best frozen backbone are not kept",
    }  # fmt: skip


def test_it_finds_a_changed_claim_about_a_group_and_a_changed_panel(
    tmp_path: Path, toy_dataset: Any, plugins: Any, settings: Settings, numpy_alone: Path
) -> None:
    folder = write_verified_run(tmp_path / "run", toy_dataset, plugins, settings, n=400, attributes=True).folder
    assert json.loads((folder / "run.json").read_text())["result"]["audit"]["claims"]
    in_result(lambda r: r["audit"]["claims"][0].update(p_value=0.04))(folder)
    in_result(lambda r: r["doubts"]["sets"].update(mean_size=1.0))(folder)
    panels = json.loads((folder / "evidence" / "panels.json").read_text())
    table = next(part for panel in panels if panel["panel"] == "certainty" for part in panel["parts"])
    table["rows"][1][3] += 1
    (folder / "evidence" / "panels.json").write_text(json.dumps(panels))
    code, document = found(folder, numpy_alone)
    assert code == 1
    places = [difference["where"] for difference in document["differs"]]
    assert [place.partition("#")[2] for place in places[:2]] == [
        "/result/doubts/sets/mean_size", "/result/audit/claims/0/p_value",
    ]  # fmt: skip
    # The panel prints the claim as it was, and one cell as it was not.
    assert [place.partition("/parts/")[2] for place in places[2:]] == ["3/rows/0/5", "0/rows/1/3"]
    in_result(lambda r: r.update(audit=None))(folder)
    _, document = found(folder, numpy_alone)
    assert "run.json#/result/audit" in [difference["where"] for difference in document["differs"]]


def test_a_gate_that_passed_over_a_small_group_is_found(
    tmp_path: Path, toy_dataset: Any, plugins: Any, settings: Settings, numpy_alone: Path
) -> None:
    made = {"n": 1200, "n_classes": 2, "attributes": True, "n_rare": 4, "max_gap": 0.95}
    folder = write_verified_run(tmp_path / "run", toy_dataset, plugins, settings, **made).folder
    gate = json.loads((folder / "run.json").read_text())["result"]["audit"]["gate"]
    assert (gate["status"], gate["needed"], gate["lacking"]) == ("undecided", {}, {"age=rare": 6})
    assert found(folder, numpy_alone)[0] == 0
    in_result(lambda r: r["audit"]["gate"].update(status="pass", lacking={"age=rare": 5}))(folder)
    code, document = found(folder, numpy_alone)
    places = {difference["where"].partition("/gate/")[2] for difference in document["differs"]}
    assert (code, places) == (1, {"status", "lacking/age=rare"})


PAGE = """<h2>Leaderboard</h2><table><tr><th>#</th><th>accuracy</th></tr><tr><td>1</td><td>0.9
<span class="soft">(0.8 to 1.0)</span></td></tr></table><p>About <b data-json="/n">1,797</b> images, 95 % CI
<i data-json="/low" data-percent>61</i> %, and 7 more<br>lines<style>p { margin: 3px }</style></p>"""


def test_the_report_is_read_as_it_is_printed() -> None:
    report = Report(PAGE)
    assert [(mark[0], mark[2]) for mark in report.marked] == [("/n", "1,797"), ("/low", "61")]
    assert report.loose == ["95", "7"]
    [table] = report.tables
    assert (table.heading, table.plain()[1]) == ("Leaderboard", ["1", "0.9 (0.8 to 1.0)"])


@pytest.mark.parametrize(
    ("text", "value", "right"),
    [
        ("0.862", 0.8619, True), ("0.862", 0.8626, False), ("86 %", 0.8619, True), ("87 %", 0.8619, False),
        ("1,797", 1797, True), ("1,798", 1797, False), ("+4.1", 4.12, True),
        ("\u22120.1", -0.1, True), ("0.1", -0.1, False),
        ("–", None, True), ("0", None, False), ("", 0, True), ("", 3, False),
        ("cat", "cat", True), ("cat", "dog", False),
        ("too wide (95 % interval 8 to 10)", "too wide (95 % interval 8 to 10)", True),
        ("a\n b", "a  b", True),
        ("0.90 (0.80 to 1.00)", {"value": 0.9, "low": 0.8, "high": 1.0}, True),
        ("0.90 (0.80 to 0.99)", {"value": 0.9, "low": 0.8, "high": 1.0}, False),
        ("0.90 (95 % CI 0.80 to 1.00)", {"value": 0.9, "low": 0.8, "high": 1.0}, True),
        ("0.90 (no interval)", {"value": 0.9, "low": None, "high": None}, True),
    ],
)  # fmt: skip
def test_a_number_is_printed_rightly_where_it_is_rounded_rightly(text: str, value: Any, right: bool) -> None:
    assert printed_as(text, value) is right


@pytest.mark.heavy
def test_two_thousand_images_take_less_than_a_minute(
    tmp_path: Path, toy_dataset: Any, plugins: Any, settings: Settings, numpy_alone: Path
) -> None:
    made_run = write_verified_run(tmp_path / "run", toy_dataset, plugins, settings, n=2000, n_classes=10, n_probes=12)
    code, document = found(made_run.folder, numpy_alone)
    assert (code, document["differs"]) == (0, [])
    assert document["seconds"] < 60
    print(f"2,000 images, 15 trials: {document['n_recomputed']} numbers in {document['seconds']} s")


def test_a_folder_that_lacks_evidence_is_not_called_verified(copy: Path, numpy_alone: Path) -> None:
    (copy / "evidence" / "default.npz").unlink()
    done = verify(copy, numpy_alone)
    assert done.returncode == 1
    assert "default.npz" in done.stdout


def test_the_trials_of_a_deleted_folder_are_listed_and_no_difference(copy: Path, numpy_alone: Path) -> None:
    champion = json.loads((copy / "run.json").read_text())["result"]["champion"]["trial"]
    spare = [p for p in sorted((copy / "trials").iterdir()) if int(p.name) not in (1, champion)]
    picked = set(np.load(copy / "evidence" / "choice.npz")["picks"].tolist())
    compared = np.load(copy / "evidence" / "choice.npz")["compared"].tolist()
    lost = next(p for p in spare if int(p.name) not in {compared[k] for k in picked})
    shutil.rmtree(lost)
    code, document = found(copy, numpy_alone)
    assert code == 0, document["differs"]
    assert any("leaderboard.csv" in part["first"][0] for part in document["not_recomputed"])
