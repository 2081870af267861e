"""The program in the run folder on runs of several labels, of numbers and of ordered classes."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from verified_targets import write_verified_target
from verifying import Change, found, in_arrays, in_json, in_result, verify

from autotl.hookspecs import hookimpl
from autotl.interfaces import Evaluator
from autotl.plugins import load_plugins
from autotl.runs.run import Run
from autotl.settings import Settings

RECOMPUTED = {"choices, not measurements", "measured by a clock, or counted during the run"}
"""The only reasons for which a number of such a run may not be recomputed."""
MADE: dict[str, dict[str, Any]] = {
    "labels that are always right": {"skill": 15.0, "n": 60},
    "labels of items that are alike, some of which are unknown": {"per_group": 2, "unknown": 0.2, "n": 200},
    "a number of items that are alike": {"kind": "number", "per_group": 2, "n": 400},
    "a number of few items": {"kind": "number", "n": 24},
    "labels of groups": {"n": 160, "attributes": True, "unknown": 0.1},
    "a number of groups, and items that are alike": {"kind": "number", "n": 300, "attributes": True, "per_group": 2},
}
MORE: dict[str, dict[str, Any]] = {
    "labels": {},
    "labels, some of which are unknown": {"unknown": 0.2},
    "labels by exact matches": {"objective": "exact_match", "per_group": 2},
    "labels by a loss": {"objective": "hamming", "seed": 3},
    "labels of many items": {"n": 1200, "seed": 4},
    "a number by its error": {"kind": "number", "objective": "mae", "seed": 2},
    "a number of many items": {"kind": "number", "n": 3600},
}
Write = Callable[..., Run]


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory, toy_dataset: Any, plugins: Any, settings: Settings) -> Write:
    def write(**made: Any) -> Run:
        return write_verified_target(tmp_path_factory.mktemp("runs") / "run", toy_dataset, plugins, settings, **made)

    return write


@pytest.fixture(scope="module")
def runs(write: Write) -> dict[str, Run]:
    """A run of labels and one of a number."""
    return {"labels": write(n=120), "number": write(kind="number", n=240)}


@pytest.mark.parametrize(
    "made", [*MADE.values(), *(pytest.param(one, marks=pytest.mark.heavy) for one in MORE.values())],
    ids=[*MADE, *MORE],
)  # fmt: skip
def test_it_reproduces_runs_of_labels_and_of_numbers_with_numpy_alone(
    made: dict[str, Any], write: Write, numpy_alone: Path
) -> None:
    done = verify(write(**made).folder, numpy_alone, "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr.strip(), document["differs"]) == (0, "", [])
    assert {part["why"] for part in document["not_recomputed"]} <= RECOMPUTED


def _score(part: str, name: str, **changed: float) -> Change:
    return in_result(lambda result: (result["default"] if part == "default" else result)[
        "test" if part == "default" else part
    ][name].update(changed))  # fmt: skip


def _on_the_board(place: int, column: str, text: str) -> Change:
    """Change a cell of leaderboard.csv."""

    def apply(folder: Path) -> None:
        with (folder / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        rows[place][column] = text
        with (folder / "leaderboard.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    return apply


def _in_panel(title: str, change: Callable[[Any], None]) -> Change:
    """Change the part of this title in evidence/panels.json."""
    return in_json(
        "evidence/panels.json",
        lambda panels: change(next(part for one in panels for part in one["parts"] if part["title"] == title)),
    )


def _cell(title: str, row: int, column: int, value: float) -> Change:
    return _in_panel(title, lambda part: part["rows"][row].__setitem__(column, value))


def _everywhere(old: str, new: str) -> Change:
    """Change words in the panels, the result and the report alike."""

    def apply(folder: Path) -> None:
        for name in ("evidence/panels.json", "run.json", "report.html"):
            text = (folder / name).read_text(encoding="utf-8")
            assert old in text, name
            (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return apply


def _metadata(change: Callable[[Any], None]) -> Change:
    return in_json("champion/metadata.json", lambda document: change(document["target"]))


def _answer(name: str) -> Change:
    """Answer the first item the other way."""
    return in_arrays(name, lambda arrays: arrays["probabilities"].__setitem__(0, 1 - arrays["probabilities"][0]))


EACH, WITH_THRESHOLDS, HELD = (
    "Each label on the test split",
    "What the exported model answers",
    "Intervals on the test split",
)
PANEL = "evidence/panels.json#/0"
Changes = dict[str, tuple[Change, str]]
"""By what is changed, how, and a part of the address that is to be listed."""
LABELS: Changes = {
    "mAP": (_score("test", "mean_average_precision", value=0.99), "/test/mean_average_precision/value"),
    "an end of its interval": (_score("test", "mean_average_precision", low=0.99), "/test/mean_average_precision/low"),
    "micro F1": (_score("test", "micro_f1", value=0.5), "/test/micro_f1/value"),
    "macro F1 of the default": (_score("default", "macro_f1", high=0.5), "/default/test/macro_f1/high"),
    "exact match": (_score("test", "exact_match", low=0.0), "/test/exact_match/low"),
    "hamming": (_score("default", "hamming", value=0.0), "/default/test/hamming/value"),
    "a score in the search": (_score("search", "mean_average_precision", value=0.99), "/search/mean_average_precision"),
    "the leaderboard": (_on_the_board(1, "value", "0.99"), "leaderboard.csv#/1/value"),
    "the row that learned nothing": (_on_the_board(3, "value", "0.1"), "leaderboard.csv#/3/value"),
    "a threshold": (_metadata(lambda t: t["thresholds"].__setitem__(1, 0.5)), "metadata.json#/target/thresholds/1"),
    "an average precision": (_cell(EACH, 0, 2, 0.5), f"{PANEL}/parts/0/rows/0/2"),
    "a threshold that is shown": (_cell(EACH, 1, 5, 0.5), f"{PANEL}/parts/0/rows/1/5"),
    "a recall": (_cell(EACH, 1, 6, 0.5), f"{PANEL}/parts/0/rows/1/6"),
    "a number of items": (_cell(EACH, 2, 1, 500), f"{PANEL}/parts/0/rows/2/1"),
    "a score with thresholds": (_cell(WITH_THRESHOLDS, 2, 2, 0.0), f"{PANEL}/parts/1/rows/2/2"),
    "a row that is missing": (_in_panel(EACH, lambda part: part["rows"].pop()), f"{PANEL}/parts/0/rows"),
    "a sentence": (_everywhere("(average precision 0.", "(average precision 1."), f"{PANEL}/sentences/0"),
}
NUMBER: Changes = {
    "R2": (_score("test", "r2", value=0.99), "/test/r2/value"),
    "the mean error": (_score("test", "mae", high=1.0), "/test/mae/high"),
    "the squared error": (_score("default", "rmse", value=1.0), "/default/test/rmse/value"),
    "a score in the search": (_score("search", "mae", value=1.0), "/search/mae/value"),
    "the leaderboard": (_on_the_board(0, "low", "0.1"), "leaderboard.csv#/0/low"),
    "the row of the mean": (_on_the_board(3, "value", "0.1"), "leaderboard.csv#/3/value"),
    "the model's interval": (_metadata(lambda t: t["interval"].update(half_width=1.0)), "target/interval/half_width"),
    "the width of an interval": (_cell(HELD, 2, 2, 1.0), f"{PANEL}/parts/1/rows/2/2"),
    "how often one holds": (_cell(HELD, 2, 3, 1.0), f"{PANEL}/parts/1/rows/2/3"),
    "how often one holds large numbers": (_cell(HELD, 6, 3, 0.5), f"{PANEL}/parts/1/rows/6/3"),
    "a point of the plot": (
        _in_panel("Predicted and true numbers", lambda p: p["spec"]["layer"][0]["data"]["values"][3].update(true=0.0)),
        f"{PANEL}/parts/0/spec/layer/0/data/values/3/true",
    ),
    "a sentence": (_everywhere(" to both sides", "1 to both sides"), f"{PANEL}/sentences/0"),
}  # fmt: skip
PREDICTED: dict[str, Changes] = {
    "labels": {
        "a label": (
            in_arrays("evidence/items.npz", lambda a: a["label"].__setitem__(0, "beach;snow;night")),
            "fingerprint",
        ),
        "an answer in the test": (_answer("evidence/test.npz"), "/test/mean_average_precision"),
        "an answer of the default": (_answer("evidence/default.npz"), "/default/test/mean_average_precision"),
        "an answer of a trial": (_answer("trials/0002/predictions.npz"), "leaderboard.csv#"),
    },
    "number": {
        "an answer": (_answer("evidence/test.npz"), "/test/r2/value"),
        "a true number": (in_arrays("evidence/items.npz", lambda a: a["label"].__setitem__(0, "3.5")), "fingerprint"),
    },
}
ALONE = [pytest.param(kind, *change, id=what) for kind, of in PREDICTED.items() for what, change in of.items()]


def places(folder: Path, packages: Path) -> list[str]:
    """Where something differs."""
    code, document = found(folder, packages)
    assert code == 1
    return [difference["where"] for difference in document["differs"]]


@pytest.mark.parametrize(("of", "changes"), [("labels", LABELS), ("number", NUMBER)])
def test_it_finds_each_number_and_sentence_that_was_changed(
    of: str, changes: Changes, runs: dict[str, Run], tmp_path: Path, numpy_alone: Path
) -> None:
    copy = shutil.copytree(runs[of].folder, tmp_path / "copy")
    for change, _ in changes.values():
        change(copy)
    listed = places(copy, numpy_alone)
    assert [what for what, (_, where) in changes.items() if not any(where in place for place in listed)] == []
    unchanged = {"labels": "/result/test/hamming", "number": "/result/test/rmse"}[of]
    assert not any(unchanged in place for place in listed)


@pytest.mark.parametrize(("of", "change", "where"), ALONE)
def test_it_finds_a_changed_answer_and_a_changed_label(
    of: str, change: Change, where: str, runs: dict[str, Run], tmp_path: Path, numpy_alone: Path
) -> None:
    copy = shutil.copytree(runs[of].folder, tmp_path / "copy")
    change(copy)
    assert any(where in place for place in places(copy, numpy_alone))


def test_a_text_that_is_no_number_is_named(runs: dict[str, Run], tmp_path: Path, numpy_alone: Path) -> None:
    copy = shutil.copytree(runs["number"].folder, tmp_path / "copy")
    in_arrays("evidence/items.npz", lambda arrays: arrays["label"].__setitem__(0, "many"))(copy)
    done = verify(copy, numpy_alone)
    assert done.returncode == 1
    assert "DIFFERS evidence/items.npz, label: found 'many', expected 'a number'" in done.stdout


class MedianError:
    """A plugin with a score of its own."""

    __name__ = "median-error"

    @hookimpl
    def register_evaluators(self) -> list[Evaluator]:
        def median_error(numbers: np.ndarray, values: np.ndarray) -> float:
            return float(np.median(np.abs(numbers - values.reshape(-1))))

        return [Evaluator("median_error", median_error, larger_is_better=False, targets=("number",))]


def test_the_score_of_a_plugin_is_listed_as_not_recomputed_and_the_others_are_compared(
    tmp_path: Path, toy_dataset: Any, tiny: Any, settings: Settings, numpy_alone: Path
) -> None:
    class Tiny:
        __name__ = "tiny-backbone"

        @hookimpl
        def register_backbones(self) -> list[Any]:
            return [tiny]

    with_it = load_plugins(
        disable=("mlflow", "keras-applications", "efficientnet-lite"), extra=[Tiny(), MedianError()]
    )  # fmt: skip
    folder = write_verified_target(
        tmp_path / "run", toy_dataset, with_it, settings, kind="number", objective="median_error"
    ).folder
    code, document = found(folder, numpy_alone)
    assert (code, document["differs"]) == (0, [])
    reasons = " ".join(part["why"] for part in document["not_recomputed"])
    assert "a plugin's score, whose formula verify.py does not know" in reasons
    _score("test", "mae", value=1.0)(folder)
    assert "run.json#/result/test/mae/value" in places(folder, numpy_alone)
