"""What tells golden runs apart; the runs themselves take minutes and are started by hand."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from golden.golden import NAMES, RECORDS, compare, pack, plain, unpack


def a_trial(number: int, strategy: str, **changes: Any) -> dict[str, Any]:
    """A trial of a small record."""
    choices = {"strategy": strategy, "head": "logistic", "params": {"logistic/C": 0.1}} | changes
    return {"number": number, "state": "complete", "choices": choices, "measures": {"value": 0.5, "scores": {}}}


@pytest.fixture
def record() -> dict[str, Any]:
    """A small record of a search that a probe won."""
    finding = {"check": "copies", "severity": "info", "items": ["a/1.png"], "pairs": [], "fixes": [], "proposals": []}
    return {
        "data": {"fingerprint": "f", "leaks": {"pairs": 1}},
        "findings": [finding, finding | {"check": "tiny"}],
        "trials": [a_trial(1, "probe"), a_trial(2, "fine-tune")],
        "champion": {"trial": 1, "strategy": "probe"},
        "scores": {"test": {"accuracy": {"value": 0.9, "low": 0.8}}},
        "predictions": {
            "items": ["a/1.png", "b/2.png"],
            "labels": [0, 1],
            "probabilities": pack(np.array([[1 / 3, 2 / 3], [0.25, 0.75]])),
        },
    }


def moved(record: dict[str, Any], by: float) -> dict[str, Any]:
    """The record with one probability changed."""
    changed = copy.deepcopy(record)
    changed["predictions"]["probabilities"] = pack(np.array([[1 / 3 + by, 2 / 3], [0.25, 0.75]]))
    return changed


def test_the_same_record_has_no_differences(record: dict[str, Any]) -> None:
    assert compare(record, json.loads(json.dumps(record))) == []


@pytest.mark.parametrize(("trial", "by", "differs"), [(0, 1e-10, 0), (0, 1e-8, 1), (1, 1e-8, 0), (1, 1e-5, 1)])
def test_a_fine_tuned_value_may_be_further_off(record: dict[str, Any], trial: int, by: float, differs: int) -> None:
    changed = copy.deepcopy(record)
    changed["trials"][trial]["measures"]["value"] += by
    assert len(compare(record, changed)) == differs


@pytest.mark.parametrize(
    ("champion", "by", "differs"), [("probe", 1e-10, 0), ("probe", 1e-8, 1), ("fine-tune", 1e-8, 0)]
)
def test_predictions_are_held_to_what_the_champion_is(
    record: dict[str, Any], champion: str, by: float, differs: int
) -> None:
    record["champion"]["strategy"] = champion
    assert len(compare(record, moved(record, by))) == differs


def test_choices_have_to_be_the_same(record: dict[str, Any]) -> None:
    changed = copy.deepcopy(record)
    changed["trials"][0]["choices"]["params"]["logistic/C"] += 1e-12
    changed["trials"][1]["state"] = "pruned"
    told = compare(record, changed)
    assert len(told) == 2
    assert "trial 1 (probe logistic) choices.params.logistic/C" in told[0]
    assert "trial 2 (fine-tune logistic) state: 'complete' expected, 'pruned' found" in told[1]


def test_a_missing_trial_and_a_new_key_are_told(record: dict[str, Any]) -> None:
    changed = copy.deepcopy(record)
    del changed["trials"][1]
    changed["scores"]["test"]["f1"] = 1.0
    assert compare(record, changed) == ["trials: 2 expected, 1 found", "scores.test.f1: new"]


def test_findings_are_put_side_by_side(record: dict[str, Any]) -> None:
    changed = copy.deepcopy(record)
    changed["findings"].reverse()
    assert compare(record, changed) == ["findings: the same ones in another order"]
    changed["findings"][0]["items"] = []
    assert len(compare(record, changed)) == 2


def test_undefined_probabilities_are_a_difference(record: dict[str, Any]) -> None:
    assert len(compare(record, moved(record, float("nan")))) == 1


def test_time_and_wording_are_left_out_at_any_depth() -> None:
    value = {"members": [{"trial": {"seconds": 3.0, "value": 0.5, "reason": "late"}}], "low": float("nan")}
    assert plain(value) == {"members": [{"trial": {"value": 0.5}}], "low": "nan"}


def test_packing_keeps_every_bit() -> None:
    numbers = np.random.default_rng(0).random((3, 4))
    assert np.array_equal(unpack(json.loads(json.dumps(pack(numbers)))), numbers)


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_like_itself(name: str) -> None:
    record = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))
    assert compare(record, record) == []
