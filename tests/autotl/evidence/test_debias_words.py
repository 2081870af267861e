"""The verdict on a method follows from its intervals, and the sentence says the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotl.evidence.debias import ACCURACY, GAP, PRECISION, WORST
from autotl.evidence.debias_words import judge, notes, parts, sentence_of, sentences
from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.runs.debias import DebiasOutcome, GroupCounts, MethodOutcome

STILL = ScoreInterval(0.0, -0.01, 0.01)


def differences(worst: tuple[float, float, float], accuracy: ScoreInterval = STILL) -> dict[str, ScoreInterval]:
    return {WORST: ScoreInterval(*worst), GAP: STILL, PRECISION: STILL, ACCURACY: accuracy}


def said(worst: tuple[float, float, float], accuracy: ScoreInterval = STILL, *, n_seeds: int = 5) -> str:
    groups = {"cat, site=north": ScoreInterval(-0.2, -0.3, -0.1), "cat, site=south": STILL}
    return sentence_of("dfr", differences(worst, accuracy), groups, n_seeds=n_seeds, seconds=12.0)


@pytest.mark.parametrize(
    ("worst", "accuracy", "verdict"),
    [
        ((0.3, 0.1, 0.5), STILL, "better"),
        ((0.3, 0.1, 0.5), ScoreInterval(-0.05, -0.08, -0.02), "better"),
        ((-0.3, -0.5, -0.1), STILL, "worse"),
        ((0.1, -0.1, 0.3), ScoreInterval(-0.05, -0.08, -0.02), "worse"),
        ((0.0, -0.015, 0.1), STILL, "no worse"),
        ((0.2, -0.05, 0.45), STILL, "undecided"),
    ],
)
def test_the_verdict_follows_from_the_intervals(
    worst: tuple[float, float, float], accuracy: ScoreInterval, verdict: str
) -> None:
    assert judge(differences(worst, accuracy)) == verdict
    assert f"dfr is {verdict}" in said(worst, accuracy)


def test_a_gain_that_costs_accuracy_is_said_to() -> None:
    assert "at a cost in accuracy" in said((0.3, 0.1, 0.5), ScoreInterval(-0.05, -0.08, -0.02))
    assert "at a cost" not in said((0.3, 0.1, 0.5))


def test_the_figures_are_in_the_sentence_and_a_group_that_got_worse_is_named() -> None:
    sentence = said((0.3, 0.1, 0.5))
    assert "worst-group recall +30.0 points (+10.0 to +50.0)" in sentence
    assert "lower recall of cat, site=north -20.0 points (-30.0 to -10.0)" in sentence
    assert "site=south" not in sentence
    assert sentence.endswith("5 seeds, 12s each")


def test_one_seed_proves_nothing() -> None:
    alone = {name: ScoreInterval(score.value) for name, score in differences((0.3, 0.1, 0.5)).items()}
    assert judge(alone) == "undecided"
    assert "one seed proves nothing" in sentence_of("dfr", alone, {}, n_seeds=1, seconds=1.0)


def method(name: str, worst: tuple[float, float, float]) -> MethodOutcome:
    found = differences(worst)
    values = {WORST: 0.7, GAP: 0.1, PRECISION: 0.9, ACCURACY: 0.9}
    groups = {"cat, site=north": ScoreInterval(*worst)}
    return MethodOutcome(name, "", (), values, found, groups, 2.0, judge(found), f"{name} is {judge(found)}")


def outcome(*methods: MethodOutcome) -> DebiasOutcome:
    champion = {WORST: ScoreInterval(0.4, 0.3, 0.5), GAP: STILL, PRECISION: STILL, ACCURACY: STILL}
    groups = (GroupCounts("cat, site=north", 10, 3, 40, True), GroupCounts("cat, site=south", 90, 20, 4, False))
    recalls = {"cat, site=north": ScoreInterval(0.4, 0.3, 0.5)}
    return DebiasOutcome("run", "site", groups, 44, champion, recalls, methods, 0.975)


def test_the_best_verdict_comes_first() -> None:
    found = outcome(method("slow", (-0.3, -0.5, -0.1)), method("dfr", (0.3, 0.1, 0.5)))
    measures, by_group = parts(found)
    assert [row[0] for row in measures.rows] == ["champion", "dfr", "slow"]
    assert measures.rows[1][1] == "better"
    assert measures.rows[1][2] == "70.0 % (+30.0; +10.0 to +50.0)"
    assert by_group.columns[-2:] == ("dfr", "slow")
    assert by_group.rows[1][:5] == ("cat, site=south", 90, 20, 4, "too few items")
    said = sentences(found.champion_groups, found.methods)
    assert [sentence.split(" is ")[0] for sentence in said[1:]] == ["dfr", "slow"]


def test_a_gap_that_does_not_exist_is_left_out() -> None:
    found = differences((0.3, 0.1, 0.5)) | {GAP: UNDEFINED}
    assert "gap" not in sentence_of("dfr", found, {}, n_seeds=5, seconds=12.0)
    one = replace(method("dfr", (0.3, 0.1, 0.5)), differences=found)
    by_class = outcome(one)
    by_class = replace(by_class, by=None, champion={**by_class.champion, GAP: UNDEFINED})
    measures, _by_group = parts(by_class)
    assert measures.columns == ("model", "verdict", WORST, PRECISION, ACCURACY, "time of a fit")
    assert {len(row) for row in measures.rows} == {6}


def test_a_table_of_many_methods_is_divided() -> None:
    names = [f"method-{number}" for number in range(6)]
    _measures, *by_group = parts(outcome(*(method(name, (0.3, 0.1, 0.5)) for name in names)))
    assert [table.columns[5:] for table in by_group] == [tuple(names[:4]), tuple(names[4:])]
    assert [table.title for table in by_group] == ["Recall by site", "Recall by site, other methods"]
    assert {len(row) for table in by_group for row in table.rows} == {9, 7}


def test_that_no_method_is_better_is_said_first() -> None:
    found = outcome(method("slow", (0.2, -0.05, 0.45)), method("dfr", (0.1, -0.05, 0.35)))
    assert "Of 2 methods none is shown to be better" in sentences(found.champion_groups, found.methods)[1]
    alone = outcome(method("slow", (0.2, -0.05, 0.45)))
    assert sentences(alone.champion_groups, alone.methods)[1:] == ("slow is undecided",)


def test_what_could_not_be_judged_is_noted() -> None:
    found = outcome(method("dfr", (0.3, 0.1, 0.5)), method("slow", (0.2, -0.05, 0.45)))
    said = " ".join(
        notes(found.groups, found.methods, level=0.975, n_tested=44, n_unknown=3, cut={"dfr": 2}, of_ensemble=True)
    )
    for part in (
        "cat, site=south (4)", "97.5 %", "3 test items without a value", "judged 2 methods", "ended 2 fits of the "
        "method dfr", "largest weight",
    ):  # fmt: skip
        assert part in said
