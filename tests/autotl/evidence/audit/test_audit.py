"""An audit as a whole: what is planted is found, what is noise is not claimed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autotl.evidence.audit.audit import audit, gap_if_equal, unseen_answers
from autotl.evidence.audit.tables import parts
from autotl.evidence.audit.words import describe
from autotl.evidence.panels import sound_parts
from autotl.interfaces import Panel
from autotl.predictions import Predictions
from autotl.runs.audit import AuditSummary

N, CLASSES = 800, ("cat", "dog")


@pytest.fixture(scope="module")
def attributes():
    rng = np.random.default_rng(1)
    values = {"age": ["old", "young"], "skin": ["dark", "light", "medium"]}
    columns = {name: np.array(own, dtype=object)[rng.integers(len(own), size=N)] for name, own in values.items()}
    return columns | {"serial": np.arange(N).astype(str).astype(object)}


def answers(share, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=N)
    predicted = np.where(rng.random(N) < share, labels, 1 - labels)
    return Predictions(np.arange(N), labels, np.where(np.arange(2) == predicted[:, None], 0.9, 0.1))


@pytest.fixture(scope="module")
def unequal(attributes):
    return audit(answers(np.where(attributes["age"] == "old", 0.7, 0.95)), attributes, CLASSES, max_gap=0.1)


def test_a_group_that_is_answered_worse_is_named_first(unequal):
    gate, claim, *_ = describe(unequal.summary)
    assert unequal.summary.gate.status == "fail"
    assert "age=old" in gate
    assert claim.startswith("It works worse for age=old")
    assert (unequal.summary.worst.worse, unequal.summary.worst.better) == ("age=old", "age=young")
    assert unequal.summary.worst.value.low > unequal.summary.worst.if_equal_high


def test_a_gap_that_is_noise_is_not_claimed(attributes):
    found = audit(answers(0.9, seed=4), attributes, CLASSES)
    said = describe(found.summary)
    assert not found.summary.claims
    assert "it is not shown to work worse for any group" in said[0]
    assert found.summary.gate is None


def test_chance_makes_larger_gaps_where_images_are_alike():
    apart = answers(0.8, seed=3)
    place = np.repeat(np.arange(0, N, 8), 8)  # eight images of one person each, with one answer
    site = {"site": np.array(["north", "south"], dtype=object)[(place // 8) % 2]}
    alike = Predictions(apart.items, apart.labels[place], apart.probabilities[place])
    worst = [audit(alike, site, CLASSES, clusters=clusters).summary.worst for clusters in (None, place)]
    assert worst[1].if_equal > 2 * worst[0].if_equal


def test_of_groups_without_errors_no_gap_is_told(attributes):
    found = audit(answers(1.0), attributes, CLASSES)
    assert found.summary.worst.value.value == 0
    assert not any("largest gap" in sentence for sentence in describe(found.summary))


def test_what_cannot_be_audited_is_said(unequal):
    assert unequal.summary.not_auditable == {"serial": N}
    assert "serial (800 values)" in describe(unequal.summary)[-1]


def test_intersections_are_groups_too(unequal):
    names = {group.group for group in unequal.summary.groups}
    assert "age=old, skin=dark" in names
    assert any(claim.group == "age=old, skin=light" for claim in unequal.summary.claims)


def test_the_summary_outlives_json(unequal):
    assert AuditSummary.from_json(json.loads(json.dumps(unequal.summary.to_json(), allow_nan=False))) == unequal.summary


def test_what_is_shown_can_be_stored_and_drawn(unequal):
    shown = sound_parts(Panel("subgroups", lambda *_: ()), parts(unequal))
    assert [part.title for part in shown] == [
        "Error by group", "Error and calibration by group", "Recall, precision and selection rate by group and class",
        "Where groups differ from all images",
    ]  # fmt: skip
    for table in shown[1:]:
        assert len(set(table.columns)) == len(table.columns)


def test_an_image_with_two_answers_counts_once_with_its_test_answer():
    first, second = answers(0.9), answers(0.5, seed=1)
    some = first.restrict(np.arange(500))
    both = unseen_answers(some, second.restrict(np.arange(400, N)))
    assert sorted(both.items) == list(range(N))
    assert np.array_equal(both.restrict(np.arange(400, 500)).labels, second.labels[400:500])


def test_groups_without_answers_to_compare_leave_nothing_to_say():
    few = {"age": np.array(["old"] * 5 + ["young"] * (N - 5), dtype=object)}
    found = audit(answers(0.9), few, CLASSES, max_gap=0.1)
    assert found.summary.worst is None
    assert found.summary.gate.status == "undecided"
    assert found.summary.too_small == found.summary.gate.lacking == {"age=old": 5}


def with_few_of(attributes, name: str, n: int) -> dict[str, np.ndarray]:
    """The attributes with n images of a further age group."""
    age = attributes["age"].copy()
    age[:n] = name
    return {"age": age, "skin": attributes["skin"]}


def test_a_gate_does_not_pass_as_long_as_a_group_is_too_small_to_compare(attributes):
    everyone = audit(answers(1.0), with_few_of(attributes, "middle", 0), CLASSES, max_gap=0.3).summary
    assert everyone.gate.status == "pass"
    found = audit(answers(1.0), with_few_of(attributes, "middle", 3), CLASSES, max_gap=0.3).summary
    assert (found.gate.status, found.gate.lacking) == ("undecided", {"age=middle": 7})
    assert "is undecided: every gap that could be measured is, and the largest is at most " in found.gate.sentence
    assert "age=middle needs at least 7 more labelled images" in found.gate.sentence
    assert AuditSummary.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_gap_beyond_doubt_fails_whatever_the_small_groups_are(attributes):
    share = np.where(attributes["age"] == "old", 0.6, 0.95)
    found = audit(answers(share), with_few_of(attributes, "middle", 3), CLASSES, max_gap=0.1).summary
    assert (found.gate.status, found.gate.lacking) == ("fail", {"age=middle": 7})


def test_a_small_intersection_is_listed_and_does_not_hold_up_the_gate(attributes):
    """The tool forms intersections; the images in one are also in the two groups that are compared."""
    skin = np.where(attributes["age"] == "old", "dark", "light").astype(object)
    skin[:5] = np.where(skin[:5] == "dark", "light", "dark")
    found = audit(answers(1.0), {"age": attributes["age"], "skin": skin}, CLASSES, max_gap=0.3).summary
    assert len(found.too_small) == 2
    assert all(", " in name for name in found.too_small)
    assert (found.gate.status, found.gate.lacking) == ("pass", {})
    assert "could be compared" in found.gate.sentence


def test_six_equal_groups_of_fifty_differ_by_ten_points_by_chance():
    mean, high = gap_if_equal(np.full(6, 50), 0.9)
    assert mean == pytest.approx(0.107, abs=0.003)
    assert high > mean
