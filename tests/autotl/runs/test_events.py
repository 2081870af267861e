"""Events as plain values."""

from __future__ import annotations

from autotl.runs.events import Progress, TrialEnded


def test_an_event_names_its_kind_and_time_and_says_nothing_of_what_is_unknown() -> None:
    assert Progress("scan", 1, 2, time=5.0).to_json() == {
        "time": 5.0, "event": "progress", "stage": "scan", "done": 1, "total": 2,
    }  # fmt: skip


def test_progress_is_complete_once_everything_is_done() -> None:
    assert Progress("scan", 2, 2).is_complete
    assert not Progress("scan", 1, 2).is_complete
    assert not Progress("scan", 0, 0).is_complete


def test_a_trial_without_a_value_has_an_undefined_score() -> None:
    assert not TrialEnded(3, "svm", "failed", reason="boom").score.is_defined
    assert TrialEnded(3, "svm", value=0.5).score.value == 0.5
    assert TrialEnded(3, "svm", best_trial=3).is_best
    assert not TrialEnded(3, "svm").is_best
