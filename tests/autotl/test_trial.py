"""What a trial is, and its way into a record and back."""

from __future__ import annotations

from dataclasses import replace

from autotl.interfaces import ScoreInterval
from autotl.trial import EnsembleMember, Reading, Training, TrialRecord, candidate_of, describe

TRAINING = Training(trainable_stages=1, learning_rate=1e-3, weight_decay=1e-4, augment=False)


def test_the_record_of_a_fine_tuned_trial_gives_its_candidate_back(candidate):
    tuning = candidate("dense", "top", "avg", training=TRAINING)
    begun = describe(tuning, 1, started=0.0)
    details = {"freeze_depth": 2, "epochs": 3, "out_of_time": False}
    done = replace(begun, state="complete", training={**begun.training, **details})
    assert candidate_of(done, backbone=tuning.backbone, head=tuning.head) == tuning


def test_a_record_survives_its_way_through_json():
    reading = Reading("net", (32, 48), "top", "avg")
    first = TrialRecord(
        1, "complete", "probe", reading, "svm", {"svm/C": 0.5}, score=ScoreInterval(0.8), scores={"accuracy": 0.8}
    )
    mixed = TrialRecord(
        2, "complete", "ensemble", replace(reading, stage="", pooling=""), "ensemble",
        members=(EnsembleMember(1.0, first),), score=ScoreInterval(0.8),
    )  # fmt: skip
    for record in (first, mixed, TrialRecord(0, "complete", "majority", score=ScoreInterval(0.3))):
        assert TrialRecord.from_json(record.to_json()) == record


def test_the_fields_of_a_reading_stand_beside_the_others_in_json():
    plain = TrialRecord(1, "pruned", "probe", Reading("net", (32, 48), "top", "avg"), "svm").to_json()
    assert list(plain)[:8] == ["number", "state", "strategy", "backbone", "size", "stage", "pooling", "head"]
    assert (plain["backbone"], plain["size"], plain["stage"], plain["pooling"]) == ("net", "32x48", "top", "avg")
    assert TrialRecord(0, "complete", "majority").to_json()["backbone"] == ""
