"""An audit of numbers and of labels: what is planted is named, and groups that only differ by chance are not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autotl.evidence.audit.audit import Audit, audit
from autotl.evidence.audit.comparisons import compare
from autotl.evidence.audit.measures import label_measures, number_measures
from autotl.evidence.audit.tables import parts
from autotl.evidence.audit.words import describe
from autotl.evidence.panels import sound_parts
from autotl.interfaces import Panel
from autotl.predictions import Predictions
from autotl.runs.audit import ABSOLUTE_ERROR, BIAS, AuditSummary

N, TAGS = 600, ("cat", "dog", "owl")
SITE = np.array(["north", "south", "west"], dtype=object)[np.arange(N) % 3]
NORTH = SITE == "north"


def of_numbers(errors: np.ndarray, clusters: np.ndarray | None = None) -> Audit:
    true = np.random.default_rng(1).normal(50, 10, N)
    return audit(Predictions(np.arange(N), true, (true + errors)[:, None]), {"site": SITE}, (), clusters=clusters)


def of_labels(missed: np.ndarray) -> Audit:
    """Answers that miss labels, bool (n, 3), and find the others; of some labels it is unknown whether they apply."""
    rng = np.random.default_rng(2)
    applies = rng.random((N, 3)) < 0.5
    labels = np.where(rng.random((N, 3)) < 0.1, -1, applies.astype(np.int8))
    answers = Predictions(np.arange(N), labels, np.where(applies & ~missed, 0.4, 0.2))
    return audit(answers, {"site": SITE}, TAGS, least=np.full(3, 0.3))


def test_a_group_whose_numbers_are_off_by_two_is_named() -> None:
    found = of_numbers(np.random.default_rng(0).normal(0, 1, N) + 2 * NORTH)
    first, second, *_ = describe(found.summary)
    assert first.startswith("It works worse for site=north: mean absolute error is ")
    assert "points" not in first
    assert second.startswith("It errs to one side for site=north: bias, the mean of predicted less true, is +1.9")
    assert "site=south" not in first + second  # whose bias differs from that of all images, and is nearer to 0
    north = found.summary.groups[0].rates[BIAS]
    assert north.low < 2 < north.high
    worst = found.summary.worst
    assert worst is not None
    assert (worst.rate, worst.worse) == (ABSOLUTE_ERROR, "site=north")
    assert worst.value.low > worst.if_equal_high > worst.if_equal > 0


def test_the_measures_of_numbers_are_the_means_of_their_errors() -> None:
    errors = np.random.default_rng(3).normal(0, 2, N)
    found = of_numbers(errors).summary
    assert found.overall[ABSOLUTE_ERROR].value == pytest.approx(np.abs(errors).mean())
    assert found.groups[0].rates[BIAS].value == pytest.approx(errors[NORTH].mean())
    assert not found.claims
    assert "it is not shown to work worse for any group" in describe(found)[0]


def test_a_label_that_is_missed_in_a_group_is_named() -> None:
    rng = np.random.default_rng(4)
    missed = rng.random((N, 3)) < np.where(NORTH[:, None] & (np.arange(3) == 1), 0.5, 0.05)
    found = of_labels(missed)
    claims = {(claim.group, claim.rate) for claim in found.summary.claims if claim.value.high < 0}
    assert ("site=north", "recall[dog]") in claims
    assert ("site=north", "recall[cat]") not in claims
    assert "It works worse for site=north" in describe(found.summary)[0]
    assert "recall of dog is 2" in describe(found.summary)[0]


def test_unknown_labels_count_nowhere() -> None:
    found = of_labels(np.zeros((N, 3), dtype=bool)).summary
    assert found.overall["error"].value == 0
    assert found.overall["recall"].value == found.overall["recall[owl]"].value == 1
    assert found.overall["error"].high > 0
    assert not found.claims


def test_equal_groups_are_told_apart_in_about_one_audit_of_twenty() -> None:
    alarms = {"number": 0, "labels": 0}
    groups = [name == SITE for name in ("north", "south", "west")]
    for seed in range(100):
        rng = np.random.default_rng(seed)
        numbers = Predictions(np.arange(N), np.zeros(N), rng.standard_t(5, (N, 1)))
        applies = rng.random((N, 3)) < 0.4
        found = np.where(rng.random((N, 3)) < 0.85, applies, ~applies).astype(float)
        labels = label_measures(Predictions(np.arange(N), applies, found), TAGS, np.full(3, 0.5), None)
        for kind, measures in (("number", number_measures(numbers, None)), ("labels", labels)):
            family = compare(measures.gather(groups), [range(3)], seed=seed, resamples=200).deviations
            alarms[kind] += bool((family.low > 0).any() or (family.high < 0).any())
    # 5 expected of 100: more than 12 come about in 1 of 1,000 such tests, and 0 in 1 of 170.
    assert all(1 <= n <= 12 for n in alarms.values())


def test_items_that_err_alike_make_intervals_wider() -> None:
    person = np.arange(N) % 3 + 3 * (np.arange(N) // 18)  # six images of one site each
    errors = np.random.default_rng(5).normal(0, 2, N)[person]
    alone, together = (of_numbers(errors, clusters) for clusters in (None, person))
    widths = [max(one.value.high - one.value.low for one in found.deviations) for found in (alone, together)]
    assert widths[1] > 1.5 * widths[0]


def test_answers_without_any_error_leave_intervals_of_some_width() -> None:
    found = of_numbers(np.zeros(N))
    assert not found.summary.claims
    assert all(one.value.low < one.value.high for one in found.deviations)


@pytest.mark.parametrize("kind", ["number", "labels"])
def test_what_is_shown_can_be_stored_and_drawn(kind: str) -> None:
    rng = np.random.default_rng(6)
    found = of_numbers(rng.normal(0, 1, N) + 2 * NORTH) if kind == "number" else of_labels(rng.random((N, 3)) < 0.2)
    shown = sound_parts(Panel("subgroups", lambda *_: ()), parts(found))
    titles = [part.title for part in shown]
    assert titles[0] == "Error by group"
    assert ("Bias by group" if kind == "number" else "Labels found by group") in titles
    assert ("Recall by group and label" in titles) == (kind == "labels")
    assert AuditSummary.from_json(json.loads(json.dumps(found.summary.to_json(), allow_nan=False))) == found.summary
