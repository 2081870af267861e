"""One sentence of advice: it says what to use, with numbers and cost, and never more than search and test both show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotl.evidence.advice import Findings, advise
from autotl.evidence.verdicts import judge_default, judge_fine_tuning
from autotl.interfaces import ScoreInterval
from autotl.runs.summaries import RefitSummary
from autotl.runs.verdicts import FineTuningVerdict
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, TrialRecord

BETTER, UNCLEAR, SLIGHTLY_WORSE, WORSE = (
    ScoreInterval(value, value - 0.02, value + 0.02) for value in (0.03, 0.01, -0.01, -0.03)
)
NOT_TRIED = FineTuningVerdict("fine-tuning was not tried: no time was left")


def tuned(difference, tested=None, *, clear=True, n_items=400):
    trial = TrialRecord(7, "complete", FINE_TUNE, seconds=360.0)
    return judge_fine_tuning(
        difference, trial, objective="accuracy", larger_is_better=True, reason="", clear=clear, tested=tested,
        n_items=n_items,
    )  # fmt: skip


def advice(strategy=PROBE, *, test=None, search=None, fine_tuning=NOT_TRIED, n_others=9, **more):
    over_default = judge_default(test, objective="accuracy", larger_is_better=True, n_others=n_others, searched=search)
    is_default = test is None and strategy == PROBE
    found = Findings(
        "accuracy", True, strategy, is_default, fine_tuning, over_default, n_others=n_others, n_development=400,
        n_tested=100,
    )  # fmt: skip
    return advise(replace(found, **more))


def test_fine_tuning_that_pays_is_advised_with_its_gain_and_its_cost():
    assert advice(FINE_TUNE, test=BETTER, search=BETTER, fine_tuning=tuned(BETTER, UNCLEAR)) == (
        "Use the fine-tuned network: it beats the best frozen backbone (search +3.0 points of accuracy, 95 % CI "
        "+1.0 to +5.0; test +1.0, -1.0 to +3.0), for 6m00s of training"
    )


def test_what_the_test_contradicts_is_not_advised():
    said = advice(FINE_TUNE, test=SLIGHTLY_WORSE, fine_tuning=tuned(BETTER, SLIGHTLY_WORSE))
    assert said.startswith("Do not rely on the fine-tuned network: it looked better")
    assert "test -1.0, -3.0 to +1.0" in said


@pytest.mark.parametrize(("difference", "beginning"), [
    (UNCLEAR, "A frozen backbone would do as well: fine-tuning for 6m00s made no clear difference"),
    (WORSE, "Use a frozen backbone instead of the champion: fine-tuning for 6m00s is worse"),
])  # fmt: skip
def test_a_fine_tuned_network_that_was_asked_for_and_does_not_pay_is_not_advised(difference, beginning):
    assert advice(FINE_TUNE, test=UNCLEAR, fine_tuning=tuned(difference)).startswith(beginning)


def test_fine_tuning_on_one_fold_is_said_to_rest_on_few_images():
    said = advice(test=BETTER, search=BETTER, fine_tuning=tuned(UNCLEAR, n_items=80))
    assert said.endswith("fine-tuning for 6m00s did not pay beyond doubt (search, 80 images only: +1.0, -1.0 to +3.0)")
    assert "images only" not in advice(test=BETTER, search=BETTER, fine_tuning=tuned(UNCLEAR))


def test_the_best_of_several_attempts_at_fine_tuning_is_not_claimed_where_it_is_not_clear():
    verdict = tuned(BETTER, clear=False)
    assert not verdict.pays
    assert "did not pay beyond doubt" in advice(test=BETTER, search=BETTER, fine_tuning=verdict)


def test_a_fine_tuned_network_that_could_not_be_used_is_named():
    said = advice(test=BETTER, search=BETTER, fine_tuning=tuned(BETTER), n_passed_over=1)
    assert "a fine-tuned network was better, and could not be used (search +3.0, +1.0 to +5.0)" in said


def test_a_champion_that_is_better_on_the_test_split_is_advised():
    assert advice(ENSEMBLE, test=BETTER, search=UNCLEAR) == (
        "Use the ensemble of probes: it beats the untuned default on the test split (search +1.0 points of accuracy, "
        "95 % CI -1.0 to +3.0; test +3.0, +1.0 to +5.0); fine-tuning was not tried: no time was left"
    )


@pytest.mark.parametrize(("test", "search", "beginning"), [
    (UNCLEAR, BETTER, "Use the tuned probe: it beats the untuned default in the search, and 100 test images do not"),
    (UNCLEAR, UNCLEAR, "The untuned default would do as well: the tuned probe is not better beyond chance"),
    (SLIGHTLY_WORSE, BETTER, "Do not count on more than the untuned default gives: the tuned probe was better in the"),
    (WORSE, BETTER, "Use the untuned default instead of the champion: the tuned probe is worse on the test split"),
])  # fmt: skip
def test_search_and_test_together_decide_what_is_advised(test, search, beginning):
    assert advice(test=test, search=search).startswith(beginning)


def test_the_default_is_enough_where_nothing_was_better():
    assert advice(search=UNCLEAR, fine_tuning=tuned(WORSE)) == (
        "The untuned default is enough: nothing that was tried was better beyond chance (best of the others in the "
        "search: +1.0 points of accuracy, 95 % CI -1.0 to +3.0); fine-tuning for 6m00s was worse than a frozen "
        "backbone (search -3.0, -5.0 to -1.0)"
    )


def test_the_default_is_the_only_choice_where_nothing_else_was_tried_or_could_leave():
    assert advice(n_others=0) == "Use the untuned default: nothing else was tried"
    assert advice(n_passed_over=2).startswith("Use the untuned default: 2 better trials could not be exported")


@pytest.mark.parametrize(("n_tested", "test"), [(12, UNCLEAR), (100, ScoreInterval(0.1))])
def test_too_few_test_images_are_said_to_be_too_few(n_tested, test):
    said = advice(test=test, search=BETTER, n_tested=n_tested)
    assert said.startswith("Label more images before relying on a choice: ")


def test_where_smaller_is_better_a_fall_is_better():
    found = Findings(
        "log_loss", False, PROBE, False, NOT_TRIED,
        judge_default(ScoreInterval(-0.1, -0.2, -0.05), objective="log_loss", larger_is_better=False, n_others=3),
        n_others=3, n_development=400, n_tested=100,
    )  # fmt: skip
    assert advise(found).startswith(
        "Use the tuned probe: it beats the untuned default on the test split (test -0.100 log_loss, 95 % CI -0.200 to"
    )


@pytest.mark.parametrize(("difference", "beginning"), [
    (BETTER, "Use the refitted model"), (WORSE, "Keep the model before"), (UNCLEAR, "Use either model"),
    (None, "Use the refitted model, though nothing tells"),
])  # fmt: skip
def test_a_refit_is_compared_with_the_model_before(difference, beginning):
    refit = RefitSummary("before", 1, 0, 0, 0, difference, "")
    assert advice(test=UNCLEAR, refit=refit).startswith(beginning)
