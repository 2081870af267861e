"""The evidence of a version, and whether two versions can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autotl.versions import Measured, ModelVersion, VersionEvidence, caveats, essence, evidence_of

METADATA = {
    "objective": "accuracy",
    "test": {"accuracy": {"value": 0.9, "low": 0.8, "high": None}, "log_loss": {"value": 0.3}},
    "search": {"accuracy": {"value": 1, "low": 0.9, "high": 1}},
    "verdict": {"fine_tuning": {"claim": "not tried", "tried": False}},
    "fingerprint": "f00d",
    "test_fingerprint": "7e57",
    "n_items": {"train": 7, "test": 2},
    "run": "r",
    "head": "svm",
    "versions": {"python": "3"},
}


def version(number: int = 1, **changes: Any) -> ModelVersion:
    evidence = evidence_of({**METADATA, **changes})
    return ModelVersion("pets", number, 0.0, (), evidence, Path("x"))


def test_the_essence_is_all_that_is_read_and_small() -> None:
    assert evidence_of(essence(METADATA)) == evidence_of(METADATA)
    assert set(essence(METADATA)["test"]) == {"accuracy"}
    assert "versions" not in essence(METADATA)
    assert evidence_of(METADATA).test == Measured(0.9, 0.8, None)


@pytest.mark.parametrize(
    "odd", [None, [], 3, {}, {"test": 3}, {"objective": "a", "test": {"a": 3}}, {"n_items": [1], "verdict": ["x"]},
            {"verdict": {"a": 3}, "run": 7, "objective": ["x"]}],
)  # fmt: skip
def test_whatever_stands_there_instead_is_no_evidence_and_no_error(odd: object) -> None:
    assert evidence_of(odd) == VersionEvidence(
        objective="a" if isinstance(odd, dict) and odd.get("objective") == "a" else ""
    )
    if isinstance(odd, dict):
        essence(odd)


def test_two_versions_that_took_the_same_test_can_be_compared() -> None:
    assert caveats(version(1), version(2)) == ()
    assert caveats(version(1), version(2, fingerprint="other")) == ()  # learned from more, tested on the same


def test_what_makes_a_comparison_unfair_is_said() -> None:
    [why] = caveats(version(1), version(2, test_fingerprint="other"))
    assert "tested on different images" in why
    [why] = caveats(version(1, test_fingerprint=""), version(2, fingerprint="other"))
    assert "their data differ" in why
    [why] = caveats(version(1, test_fingerprint=""), version(2))
    assert "was not written down" in why
    [why] = caveats(version(1), version(2, objective="log_loss"))
    assert "version 1 at accuracy, version 2 at log_loss" in why
    assert caveats(version(1), version(2, test={})) == ("there is no test score of version 2",)
