"""What a search is doing and why, and what it has done, in sentences."""

from __future__ import annotations

from autotl.runs.events import (
    DatasetRead,
    FeaturesRead,
    FineTuningProposed,
    FirstModelSaved,
    Progress,
    RankedReading,
    ReadingsRanked,
    StageBegun,
    TrialBegun,
    TrialEnded,
)
from autotl_ui.widgets.progress_text import describe_past, describe_present

GUESS = "fine-tuning may change accuracy by +0.027 (80 %: -0.03 to +0.08) for about 19 s"
DATASET = DatasetRead(90, ("a", "b"), train=58, validation=14, test=18)
READING = StageBegun("features", "net", "224x224")
RANKING = ReadingsRanked((RankedReading("net", (320, 320), "joined", "avg+max", 0.3),))


def begin(number: int, head: str, *, strategy: str = "probe", size: str = "224x224") -> TrialBegun:
    return TrialBegun(number, strategy, "net", size, head=head)


def end(number: int, best: int, value: float | None = 0.8, *, state: str = "complete", reason: str = "") -> TrialEnded:
    return TrialEnded(
        number, f"n{number}", state, "probe", value=value, low=0.7, high=0.9, seconds=1.25, best_trial=best,
        reason=reason, time=5.0,
    )  # fmt: skip


def test_the_reason_for_computing_features_depends_on_what_came_before() -> None:
    assert "for the untuned default" in describe_present([DATASET, READING])
    assert "on a sample, to find" in describe_present([DATASET, begin(1, "logistic"), end(1, 1), READING])
    assert "because they did better on a sample" in describe_present([DATASET, end(1, 1), RANKING, READING])


def test_progress_says_how_long_is_left() -> None:
    progress = Progress("features", 64, 90, eta_seconds=3.4)
    assert describe_present([DATASET, progress]).startswith("Computing features: 64 of 90 images (about 3 s left), for")
    assert describe_present([DATASET, progress, FeaturesRead("net", "224x224", 90)]).startswith("Found 90 images")


def test_every_trial_is_begun_for_a_reason() -> None:
    events = [begin(1, "logistic"), end(1, 1)]
    assert describe_present(events[:1]) == "Fitting the untuned default, the baseline for all other trials."
    assert "did better on a sample" in describe_present([*events, begin(2, "logistic", size="320x320")])
    assert "each head is tried at least once" in describe_present([*events, begin(3, "svm")])
    assert "as the trials so far suggest" in describe_present([*events, begin(3, "svm"), begin(4, "svm")])


def test_fine_tuning_says_its_expected_gain_and_cost() -> None:
    events = [begin(1, "logistic"), FineTuningProposed(GUESS), begin(9, "logistic", strategy="fine-tune")]
    expected = GUESS.replace("fine-tuning", "Fine-tuning", 1)
    assert describe_present(events).endswith(f"(trial 9). {expected}.")
    epoch = Progress("fine-tuning", 2, 6)
    assert describe_present([*events, epoch]) == f"Fine-tuning: epoch 2 of 6. {expected}."
    assert describe_past(events)[-1][1] == f"Decided to fine-tune: {GUESS}."


def test_the_history_names_each_new_best_once_and_what_failed() -> None:
    majority = TrialEnded(0, "majority class", strategy="majority", value=0.5, best_trial=1)
    events = [
        DATASET, majority, end(1, 1), end(2, 1), end(3, 3, 0.85),
        end(4, 3, None, state="failed", reason="boom"),
    ]  # fmt: skip
    assert [text for _, text in describe_past(events)] == [
        "Found 90 images in 2 classes: 58 for training, 14 for validation, 18 held out for the test.",
        "Trial 1, n1, became the best: 0.800 (0.700 to 0.900), in 1.2 s.",
        "Trial 3, n3, became the best: 0.850 (0.700 to 0.900), in 1.2 s.",
        "Trial 4, n4, failed: boom.",
    ]


def test_no_folder_of_the_machine_is_shown() -> None:
    message = FirstModelSaved("a first model is saved in /home/me/run/champion")
    assert describe_present([message]) == "A first model is saved."
    assert [text for _, text in describe_past([message])] == ["A first model is saved."]
