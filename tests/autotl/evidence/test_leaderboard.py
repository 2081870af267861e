"""Who is first, and what may be claimed."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from autotl.evidence.leaderboard import is_default, rank, read_leaderboard
from autotl.evidence.verdicts import in_words, judge_default, judge_fine_tuning
from autotl.interfaces import ScoreInterval
from autotl.trial import Reading, TrialRecord


def trial(number, value=None, state="complete", strategy="probe", **more):
    return TrialRecord(
        number,
        state,
        strategy,
        Reading("lite0", (224, 224), "top", "avg"),
        "svm",
        score=ScoreInterval(math.nan if value is None else value),
        **more,
    )


def board(*trials, larger_is_better=True, default=None):
    return rank(trials, objective="accuracy", larger_is_better=larger_is_better, default=default)


def numbers(trials):
    return [t.number for t in trials]


def test_the_best_comes_first_then_what_was_stopped_then_what_failed():
    found = board(trial(0, 0.5), trial(1, state="failed"), trial(2, 0.9), trial(3, state="pruned"), trial(4, 0.7))
    assert numbers(found.trials) == [2, 4, 0, 3, 1]
    assert numbers(found.completed) == [2, 4, 0]


def test_where_smaller_is_better_the_smallest_comes_first():
    found = board(trial(0, 0.5), trial(1, 0.2), trial(2, 0.9), larger_is_better=False)
    assert numbers(found.trials) == [1, 0, 2]


def test_of_equals_the_earlier_one_is_first():
    assert numbers(board(trial(2, 0.5), trial(0, 0.5), trial(1, 0.5)).trials) == [0, 1, 2]


@pytest.mark.parametrize("larger_is_better", [True, False])
def test_an_undefined_value_is_behind_every_other(larger_is_better):
    trials = [trial(0, 0.9), trial(1, math.nan), trial(2, 0.8), trial(3, math.nan), trial(4, 0.95)]
    found = board(*trials, larger_is_better=larger_is_better)
    assert numbers(found.trials)[3:] == [1, 3]
    assert found.best().number == (4 if larger_is_better else 2)


def test_the_majority_row_is_never_the_best():
    found = board(trial(0, 0.9, strategy="majority"), trial(1, 0.5), trial(2, 0.4, strategy="fine-tune"))
    assert found.best().number == 1
    assert found.best("fine-tune").number == 2
    assert board(trial(0, 0.9, strategy="majority")).best() is None
    assert board(trial(0, 0.9)).best("fine-tune") is None


def test_rows_say_what_they_are():
    found = board(trial(0, 0.3, strategy="majority"), trial(1, 0.5), trial(2, 0.6), default=1)
    assert [found.title(t) for t in found.trials] == [
        "svm on lite0",
        "svm on lite0 (untuned default)",
        "majority class",
    ]


def test_the_table_holds_every_trial_and_survives_csv(tmp_path):
    done = trial(1, 0.5, params={"svm/C": 0.123456789, "svm/kernel": "rbf"}, training={"learning_rate": 1e-4})
    board(done, trial(2, state="failed", reason='ValueError: "a, b"\nand more')).write(tmp_path / "board.csv")
    table = pd.read_csv(tmp_path / "board.csv")
    assert table["rank"].tolist()[0] == 1
    assert math.isnan(table["rank"][1])
    assert table["params"][0] == "C=0.1235; kernel=rbf; learning_rate=0.0001"
    assert table["reason"][1] == 'ValueError: "a, b"\nand more'


def test_what_was_written_is_read_and_the_default_is_known(tmp_path):
    found = board(trial(0, 0.3, strategy="majority"), trial(1, 0.5), trial(2, 0.6), default=1)
    found.write(tmp_path / "leaderboard.csv")
    table = read_leaderboard(tmp_path)
    assert list(table.columns) == list(found.table().columns)
    assert table["trial"].tolist() == [2, 1, 0]
    assert is_default(table).tolist() == [False, True, False]


def test_only_the_mark_at_the_end_of_a_name_makes_a_row_the_default():
    names = ["my untuned default on net", "svm on net", "logistic on net (untuned default)", math.nan]
    assert is_default(pd.DataFrame({"name": names})).tolist() == [False, False, True, False]


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"rank,trial,name\n1,2,svm\n", b'a,"b\n1,2,3\n'])
def test_a_missing_or_damaged_leaderboard_is_none(tmp_path, content):
    if content is not None:
        (tmp_path / "leaderboard.csv").write_bytes(content)
    assert read_leaderboard(tmp_path) is None


def judged(low, high, *, larger_is_better=True, seconds=660.0):
    return judge_fine_tuning(
        ScoreInterval((low + high) / 2, low, high), trial(7, 0.9, strategy="fine-tune", seconds=seconds),
        objective="accuracy", larger_is_better=larger_is_better, reason="",
    )  # fmt: skip


def test_fine_tuning_pays_where_the_whole_interval_is_above_zero():
    verdict = judged(0.02, 0.06)
    assert verdict.claim == "fine-tuning buys +4.0 points of accuracy (95 % CI +2.0 to +6.0) for 11m00s"
    assert (verdict.tried, verdict.pays, verdict.trial, verdict.seconds) == (True, True, 7, 660.0)


def test_fine_tuning_that_hurts_is_called_so():
    verdict = judged(-0.06, -0.02, seconds=42)
    assert verdict.claim == (
        "fine-tuning costs 42s and is worse: -4.0 points of accuracy (95 % CI -6.0 to -2.0); "
        "the frozen backbone is enough here"
    )
    assert not verdict.pays


@pytest.mark.parametrize(("low", "high"), [(-0.02, 0.06), (0.0, 0.05), (-0.05, 0.0), (math.nan, math.nan)])
def test_an_interval_that_holds_zero_or_is_unknown_claims_nothing(low, high):
    verdict = judged(low, high)
    assert "made no statistically significant difference" in verdict.claim
    assert not verdict.pays


@pytest.mark.parametrize(("low", "high", "pays"), [(-0.3, -0.1, True), (0.1, 0.3, False), (-0.1, 0.1, False)])
def test_where_smaller_is_better_a_negative_difference_pays(low, high, pays):
    assert judged(low, high, larger_is_better=False).pays == pays


def test_what_was_not_tried_says_why():
    verdict = judge_fine_tuning(None, None, objective="accuracy", larger_is_better=True, reason="no time was left")
    assert verdict.to_json() == {"tried": False, "claim": "fine-tuning was not tried: no time was left"}


@pytest.mark.parametrize(
    ("low", "high", "larger_is_better", "claim"),
    [
        (0.01, 0.05, True, "beats the untuned default by"),
        (-0.01, 0.05, True, "is statistically indistinguishable from the untuned default"),
        (-0.05, -0.01, True, "is worse than the untuned default"),
        (-0.05, -0.01, False, "beats the untuned default by"),
        (-0.05, 0.01, False, "is statistically indistinguishable from the untuned default"),
        (0.01, 0.05, False, "is worse than the untuned default"),
    ],
)
def test_the_champion_beats_the_default_only_where_the_interval_excludes_zero(low, high, larger_is_better, claim):
    verdict = judge_default(
        ScoreInterval(0.02, low, high), objective="accuracy", larger_is_better=larger_is_better, n_others=3
    )
    assert verdict.better == claim.startswith("beats")
    assert verdict.to_json()["measured_on"] == "test"
    assert claim in verdict.claim


@pytest.mark.parametrize(
    ("n_others", "why"), [(0, "nothing else was tried"), (4, "nothing that was tried did clearly better")]
)
def test_a_default_that_is_the_champion_is_called_so(n_others, why):
    verdict = judge_default(None, objective="accuracy", larger_is_better=True, n_others=n_others)
    assert not verdict.better
    assert verdict.claim == f"the untuned default is the champion: {why}"


def test_two_models_that_are_right_about_the_same_images_have_no_interval_of_no_width():
    told = in_words(ScoreInterval(0.0, 0.0, 0.0), "accuracy", larger_is_better=True)
    assert told == "+0.0 points of accuracy (both are right about the same images)"


def test_log_loss_is_not_told_in_points():
    told = in_words(ScoreInterval(-0.1, -0.2, -0.05), "log_loss", larger_is_better=False)
    assert told == "-0.100 log_loss (95 % CI -0.200 to -0.050)"


def test_a_difference_without_an_interval_says_so_and_is_null_in_json():
    nan = float("nan")
    verdict = judge_default(ScoreInterval(0.1, nan, nan), objective="accuracy", larger_is_better=True, n_others=1)
    assert "no interval" in verdict.claim
    assert verdict.to_json()["low"] is None
    assert verdict.better is False
