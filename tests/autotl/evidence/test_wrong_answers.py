"""The items that a model of labels or numbers answers worst come first, and right answers are left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from verified_targets import write_verified_target

from autotl.evidence.run_evidence import read_evidence
from autotl.evidence.wrong_answers import wrong_answers


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory, toy_dataset: Any, plugins: Any, settings: Any) -> Any:
    folder = tmp_path_factory.mktemp("runs") / "labels"
    return read_evidence(write_verified_target(folder, toy_dataset, plugins, settings, unknown=0.2).folder)


@pytest.fixture(scope="module")
def number(tmp_path_factory: pytest.TempPathFactory, toy_dataset: Any, plugins: Any, settings: Any) -> Any:
    folder = tmp_path_factory.mktemp("runs") / "number"
    return read_evidence(write_verified_target(folder, toy_dataset, plugins, settings, kind="number").folder)


def test_numbers_are_sorted_by_how_far_they_are_off(number: Any) -> None:
    for part, found in (("test", number.tested), ("search", number.searched)):
        table = wrong_answers(number, part)
        off = np.sort(np.abs(found.labels - found.probabilities[:, 0]))[::-1]
        assert table["error"].to_numpy() == pytest.approx(off)
        assert float(table["label"][0]) - float(table["predicted"][0]) == pytest.approx(
            table["error"][0] * np.sign(float(table["label"][0]) - float(table["predicted"][0])), rel=0.05
        )


def test_labels_are_sorted_by_how_many_are_wrong_and_unknown_ones_are_not(labels: Any) -> None:
    table = wrong_answers(labels, "test")
    found = labels.tested
    wrong = ((found.probabilities >= 0.5) != (found.labels == 1)) & (found.labels != -1)
    counts = np.sort(wrong.sum(axis=1))[::-1]
    assert table["error"].tolist() == counts[counts > 0].tolist()
    surest = np.where(wrong, np.abs(found.probabilities - 0.5), 0).max(axis=1)
    worst = np.flatnonzero(wrong.sum(axis=1) == counts[0])
    paths = labels.run.dataset.items["path"].to_numpy()[found.items]
    assert table["path"][0] == paths[worst[surest[worst].argmax()]]
    assert set(", ".join(table["label"]).split(", ")) <= {*labels.test.classes, "none"}


def test_answers_of_one_class_each_are_refused_for_other_targets(labels: Any) -> None:
    with pytest.raises(ValueError, match=r"the target of .* is 'labels', not one class each"):
        labels.answers("test")
