"""What speaks against replacing a champion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autotl.deploy.replacement import reason_against_replacing
from autotl.interfaces import Evaluator, ModelVersion, ScoreInterval, VersionEvidence

NEW = VersionEvidence(objective="accuracy", test=ScoreInterval(0.85, 0.8, 0.9), fingerprint="f", test_fingerprint="t")


def score(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return 0.0


def reason(test: ScoreInterval, *, classes: str = "ab", larger_is_better: bool = True, **changes: str) -> str:
    champion = ModelVersion("pets", 4, 0.0, ("champion",), replace(NEW, test=test, **changes), None)  # type: ignore[arg-type]
    objective = Evaluator("accuracy", score, larger_is_better=larger_is_better)
    return reason_against_replacing(
        champion, NEW, champion_classes=tuple(classes), new_classes=("b", "a"), objective=objective
    )


def test_other_classes_are_named() -> None:
    said = reason(ScoreInterval(0.1, 0.0, 0.2), classes="0123456789")
    assert "Version 4, the current champion of pets, has different classes: 0, 1, 2, 3, 4, 5 and 4 more." in said
    assert "This run has b, a." in said


def test_a_better_score_on_the_same_test_images_is_a_reason() -> None:
    said = reason(ScoreInterval(0.9, 0.8, 0.95))
    assert "did better on the same test items: accuracy 0.900 (0.800 to 0.950), against 0.850 (0.800 to 0.900)" in said
    assert reason(ScoreInterval(0.8, 0.7, 0.9)) == reason(ScoreInterval(0.85, 0.8, 0.9)) == ""


def test_scores_on_other_test_images_are_no_reason() -> None:
    assert reason(ScoreInterval(0.9, 0.8, 0.95), test_fingerprint="other") == ""


def test_where_smaller_is_better_the_smaller_score_is_better() -> None:
    assert "did better" in reason(ScoreInterval(0.3, 0.2, 0.4), larger_is_better=False)
    assert reason(ScoreInterval(0.9, 0.8, 1.0), larger_is_better=False) == ""


def test_unknown_classes_and_scores_are_no_reason() -> None:
    assert reason(ScoreInterval(), classes="") == ""
