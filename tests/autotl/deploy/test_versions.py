"""The evidence of a version, and whether two versions can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from autotl.deploy.versions import caveats, evidence_of, learned_from_different_data, registry_summary
from autotl.interfaces import ScoreInterval, VersionEvidence

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


def test_the_summary_is_all_that_is_read_and_small() -> None:
    assert evidence_of(registry_summary(METADATA)) == evidence_of(METADATA)
    assert set(registry_summary(METADATA)["test"]) == {"accuracy"}
    assert "versions" not in registry_summary(METADATA)
    assert evidence_of(METADATA).test == ScoreInterval(0.9, 0.8)


def test_images_for_training_and_validation_are_counted_together() -> None:
    assert evidence_of(METADATA | {"n_items": {"train": 7, "validation": 3, "test": 2}}).n_development == 10
    assert evidence_of({}).n_development == 0


def test_a_model_of_several_targets_has_the_evidence_of_each() -> None:
    joint = {"run": "study", "fingerprint": "f00d", "targets": {"pet": METADATA, "place": METADATA | {"head": "knn"}}}
    found = evidence_of(registry_summary(joint))
    assert found == evidence_of(joint)
    assert not found.test.is_defined
    assert (found.run, list(found.targets)) == ("study", ["pet", "place"])
    assert found.targets["pet"] == evidence_of(METADATA)
    assert found.targets["place"].head == "knn"
    assert "versions" not in str(registry_summary(joint))
    assert evidence_of({"targets": {"pet": 3}}).targets == evidence_of({"targets": 3}).targets == {}


@pytest.mark.parametrize(
    "odd", [None, [], 3, {}, {"test": 3}, {"objective": "a", "test": {"a": 3}}, {"n_items": [1], "verdict": ["x"]},
            {"verdict": {"a": 3}, "run": 7, "objective": ["x"]}, {"n_items": "12"}],
)  # fmt: skip
def test_whatever_stands_there_instead_is_no_evidence_and_no_error(odd: object) -> None:
    assert evidence_of(odd) == VersionEvidence(
        objective="a" if isinstance(odd, dict) and odd.get("objective") == "a" else ""
    )
    if isinstance(odd, dict):
        registry_summary(odd)


def unfair(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    return caveats({"version 1": evidence_of({**METADATA, **one}), "version 2": evidence_of({**METADATA, **other})})


def test_models_that_took_the_same_test_can_be_compared_whatever_they_learned_from() -> None:
    assert unfair({}, {}) == ()
    assert unfair({}, {"fingerprint": "other"}) == ()
    both = {"a": evidence_of(METADATA), "b": evidence_of({**METADATA, "fingerprint": "other"})}
    assert learned_from_different_data(both)


def test_what_makes_a_comparison_unfair_is_said() -> None:
    [why] = unfair({}, {"test_fingerprint": "other"})
    assert "not tested on the same items and labels" in why
    [why] = unfair({"test_fingerprint": ""}, {"fingerprint": "other"})
    assert "their data differ" in why
    [why] = unfair({"test_fingerprint": ""}, {})
    assert "was not written down" in why
    [why] = unfair({}, {"objective": "log_loss", "test": {"log_loss": {"value": 0.3}}})
    assert "version 1 at accuracy, version 2 at log_loss" in why
    assert unfair({}, {"test": {}}) == ("there is no test score of version 2",)
