"""The audit as run.json holds it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from autotl.runs.audit import AuditSummary, Deviation, Forced, Gap, Gate, GroupRates, rate_in_words
from autotl.scores import ScoreInterval

GAP = Gap("recall[cat]", "age=old", "age=young", ScoreInterval(0.2, 0.12, 0.28), 0.03, 0.06)
SUMMARY = AuditSummary(
    ("age",), {"search": 80, "test": 20}, {"error": ScoreInterval(0.1, 0.05, 0.2)},
    (GroupRates("age=old", 40, {"error": ScoreInterval(0.2, 0.1, 0.3)}),), {"age=new": 3}, {"serial": 90}, 12,
    (Deviation("age=old", "error", ScoreInterval(0.1, 0.02, 0.18), 0.01),), GAP,
    Gate("fail", 0.1, GAP, {"age=old": 30}), Forced("a pilot", 1.5),
)  # fmt: skip


@pytest.mark.parametrize(
    "summary", [SUMMARY, AuditSummary((), {}), replace(SUMMARY, gate=Gate("undecided", 0.1, lacking={"a": 7}))]
)
def test_it_is_read_as_it_was_written(summary):
    assert AuditSummary.from_json(json.loads(json.dumps(summary.to_json(), allow_nan=False))) == summary


def test_a_gate_that_says_something_else_is_damaged():
    with pytest.raises(ValueError, match="expected pass, fail or undecided"):
        Gate.from_json({"status": "open", "max_gap": 0.1})


def test_each_answer_of_the_gate_is_a_sentence():
    assert Gate("fail", 0.1, GAP).sentence == (
        "The gap in recall of cat between age=old and age=young exceeds the tolerance of 10 points: 20.0 points (95 % "
        "interval 12.0 to 28.0)"
    )
    assert "at most 28.0 points" in Gate("pass", 0.3, GAP).sentence
    needed = {f"g{number}": 200_000 if number == 0 else 50 for number in range(6)}
    assert "over 200,000 of g0, 50 of g1, 50 of g2, 50 of g3 and 2 more groups" in (
        Gate("undecided", 0.2, GAP, needed).sentence
    )


@pytest.mark.parametrize(
    ("rate", "words"),
    [("error", "error"), ("recall[c[a]t]", "recall of c[a]t"), ("selection rate[a, b]", "selection rate of a, b")],
)
def test_a_rate_is_named_as_people_say_it(rate, words):
    assert rate_in_words(rate) == words


def test_only_an_interval_without_zero_is_claimed():
    claim = SUMMARY.claims[0]
    assert claim.is_claimed
    assert not replace(claim, value=ScoreInterval(0.1, -0.01, 0.2)).is_claimed
