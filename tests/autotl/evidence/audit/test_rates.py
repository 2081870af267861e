"""Rates of a group, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.evidence.audit.rates import group_rates
from autotl.evidence.audit.sums import gather_answers, metrics
from autotl.evidence.intervals import clustered_wilson, wilson

LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 0])
PREDICTED = np.array([0, 0, 1, 1, 1, 0, 1, 1])
PROBABILITIES = np.where(np.arange(2) == PREDICTED[:, None], 0.8, 0.2)
GROUP = np.array([True, True, True, True, True, True, False, False])
CLASSES = ("cat", "dog")


def test_rates_are_those_that_one_counts_by_hand():
    found = group_rates(LABELS, PROBABILITIES, GROUP, CLASSES, None)
    # Of the group: cats 0, 1, 2, of which two are found; answers "cat" 0, 1, 5, of which two are cats.
    expected = {
        "recall[cat]": (2, 3), "precision[cat]": (2, 3), "selection rate[cat]": (3, 6),
        "recall[dog]": (2, 3), "precision[dog]": (2, 3), "selection rate[dog]": (3, 6), "error": (2, 6),
    }  # fmt: skip
    for name, (k, n) in expected.items():
        assert found[name] == wilson(k, n), name
    assert found["calibration"].value == pytest.approx(0.8 - 4 / 6)
    assert set(found) == {*expected, "calibration"}


def test_a_rate_of_no_images_is_left_out():
    found = group_rates(LABELS, PROBABILITIES, np.arange(8) < 2, CLASSES, None)
    assert "recall[dog]" not in found
    assert found["selection rate[dog]"] == wilson(0, 2)


def test_images_that_are_alike_count_as_fewer():
    clusters = np.arange(8) // 2
    found = group_rates(LABELS, PROBABILITIES, np.ones(8, dtype=bool), CLASSES, clusters)["error"]
    wrong = (LABELS != PREDICTED).astype(int)
    assert found == clustered_wilson(wrong.reshape(4, 2).sum(axis=1), np.full(4, 2))
    assert found.high - found.low > wilson(3, 8).high - wilson(3, 8).low


def test_the_sums_give_the_same_rates():
    sums, everything = gather_answers(LABELS, PROBABILITIES, [GROUP], None).sums()
    for members, counted in ((GROUP, sums), (np.ones(8, dtype=bool), everything)):
        found = group_rates(LABELS, PROBABILITIES, members, CLASSES, None)
        names = [f"{name}[{CLASSES[k]}]" if k >= 0 else name for name, k in metrics(2)]
        assert counted.values[0] == pytest.approx([found[name].value for name in names])


def test_standard_errors_are_those_of_one_more_right_and_one_more_wrong_item():
    sums, _ = gather_answers(LABELS, PROBABILITIES, [GROUP], None).sums()
    variances = dict(zip(metrics(2), sums.variances[0], strict=True))
    assert variances["recall", 0] == pytest.approx(3 / 5 * 2 / 5)
    # With one confidence for all, calibration varies as the error does.
    assert variances["calibration", -1] == pytest.approx(variances["error", -1])
