"""Fine-tune trials: the network of the first fold is left, and the items of every fold measured are predicted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autotl.cache import disk_allowance
from autotl.features import decoded_images
from autotl.predictions import Predictions
from autotl.search import fine_tune_trials as module
from autotl.search.fine_tune_trials import Options, fine_tune
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.pruning import Judge
from autotl.search.trial_files import FIRST_CYCLE_FILE
from autotl.training import fine_tuning
from autotl.trial import Training


@pytest.fixture
def tune(context, candidate, monkeypatch):
    """tune(3, trainable=2, augment=True, n_epochs=1, folds=3): runs that trial and gives its outcome."""

    def tune(number, trainable=1, *, n_epochs=2, folds=1, head="dense", options=None, **training):
        monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", n_epochs)
        choices = {"learning_rate": 1e-3, "weight_decay": 1e-4, "augment": False, **training}
        training = Training(trainable_stages=trainable, **choices)
        chosen, folder = candidate(head, "top", "avg", training=training), context.run.trial_folder(number)
        judge = Judge(after_fold=lambda fold, so_far: "enough" if fold + 1 == folds else "")
        return fine_tune(context, chosen, fixed_hyperparameters({}), folder, replace(options or Options(), judge=judge))

    return tune


def test_a_fine_tuned_trial_leaves_its_network_and_predicts_the_validation_split(context, tune, events):
    outcome = tune(3, n_epochs=1)
    assert outcome.predictions.items.tolist() == context.run.split.validation.tolist()
    folder = context.run.trial_folder(3)
    assert sorted(p.name for p in folder.iterdir()) == [
        "first_cycle.npz",
        "network.keras",
        "network.onnx",
        "replay.npz",
    ]
    emitted = events(context, "progress")[-1]
    assert (emitted["stage"], emitted["done"], emitted["total"], emitted["eta_seconds"]) == ("fine-tuning", 1, 1, 0)
    how, speed = outcome.training["how"], outcome.training["products_per_second"]
    assert how.startswith("from cached activations (1 view, ")
    assert speed > 0
    assert outcome.training == {
        "trainable_stages": 1, "learning_rate": 1e-3, "weight_decay": 1e-4, "augment": False,
        "dropout": 0.0, "label_smoothing": 0.0,
        "folds": 1, "why_not_all_folds": "enough", "fold_seconds": outcome.training["fold_seconds"],
        "freeze_depth": 2, "epochs": 1, "out_of_time": False,
        "start": "the fitted probe", "how": how, "fill_seconds": outcome.training["fill_seconds"],
        "epoch_seconds": outcome.training["epoch_seconds"], "products_per_second": speed,
    }  # fmt: skip
    assert {name.split("/")[0] for name in outcome.params} == {"dense"}


def test_images_of_the_test_split_are_never_read(context, tune, monkeypatch):
    read, real = set(), decoded_images.read_pixels
    monkeypatch.setattr(decoded_images, "read_pixels", lambda d, i, *how: read.add(int(i)) or real(d, i, *how))
    tune(3, augment=True)
    assert read == set(context.run.split.development.tolist())


def test_a_trial_trains_plainly_and_says_why_where_space_is_short(context, tune, monkeypatch):
    monkeypatch.setattr(disk_allowance, "MAX_BYTES", 1000)
    found = tune(3).training
    assert found["how"] == "plain: the activations would need 0.1 MB, 0.0 MB allowed"
    assert found["epochs"] == 2
    assert not (context.run.folder / "pixels").exists()


def test_trials_at_one_depth_share_what_was_kept(tune):
    first, second = tune(3).training, tune(4, learning_rate=1e-4, dropout=0.5, label_smoothing=0.1, folds=2).training
    assert first["fill_seconds"] > 0
    assert second["fill_seconds"] == 0


def test_a_deeper_trial_may_start_from_a_shallower_one(tune):
    tune(3)
    assert tune(4, 2, options=Options(start_from=3)).training["start"] == "trial 3"
    assert tune(5, 2, options=Options(start_from=77)).training["start"] == "the fitted probe"


@pytest.mark.parametrize("head", ["dense", "logistic"])
def test_measured_on_all_folds_it_predicts_every_development_item_with_networks_that_have_not_seen_it(
    context, tune, monkeypatch, head
):
    seen = []

    def spy(model, training, inputs, labels, *, train_items, validation_items, **options):
        seen.append((train_items.tolist(), validation_items.tolist()))
        return fine_tuning.train(
            model, training, inputs, labels, train_items=train_items, validation_items=validation_items, **options
        )

    monkeypatch.setattr(module, "train", spy)
    split = context.run.split
    outcome = tune(3, n_epochs=1, folds=99, head=head)
    assert sorted(outcome.predictions.items) == split.development.tolist()
    assert outcome.training["folds"] == split.n_folds == len(seen)
    assert "why_not_all_folds" not in outcome.training
    for fold, (trained, predicted) in enumerate(seen):
        assert split.development[predicted].tolist() == np.flatnonzero(split.fold == fold).tolist()
        assert sorted(trained + predicted) == list(range(len(split.development)))
    correct = outcome.predictions.probabilities.argmax(axis=1) == outcome.predictions.labels
    assert correct.mean() > 0.6


def test_a_deeper_trial_starts_in_every_fold_from_what_was_trained_there(context, tune, monkeypatch):
    tune(3, folds=2)
    begun, real = [], module.continue_from
    monkeypatch.setattr(module, "continue_from", lambda model, file: begun.append((file.name, real(model, file))))
    tune(4, 2, folds=3, options=Options(start_from=3))
    assert begun == [("network.keras", True), ("fold1.weights.h5", True), ("fold2.weights.h5", False)]


def test_a_trial_trains_in_two_cycles_and_keeps_what_it_said_after_the_first(context, tune, monkeypatch):
    rates = []

    class Watched(fine_tuning._LearningRate):
        def next(self):
            rates.append(super().next())
            return rates[-1]

    monkeypatch.setattr(fine_tuning, "_LearningRate", Watched)
    outcome = tune(3, n_epochs=12)
    assert outcome.training["epochs"] == 12
    assert [i for i in range(1, len(rates)) if rates[i] > rates[i - 1]] == [2]  # it rises again, and has fallen
    kept = Predictions.load(context.run.trial_folder(3) / FIRST_CYCLE_FILE)
    assert kept.items.tolist() == context.run.split.validation.tolist()


def test_a_fold_is_only_begun_where_the_time_suffices(context, tune, monkeypatch):
    monkeypatch.setattr(context.seconds_left, "hard", lambda: 0.5)
    monkeypatch.setattr(module, "FOLDS_SHARE_OF_STEP", 1e-6)
    found = tune(3, n_epochs=1, folds=99).training
    assert found["folds"] == 1
    assert found["why_not_all_folds"].startswith("each takes about ")


def test_a_trial_whose_deadline_is_lifted_is_still_measured_on_further_folds_only_within_the_budget(
    context, tune, monkeypatch
):
    monkeypatch.setattr(context.seconds_left, "hard", lambda: 0.0)
    with context.seconds_left.lifted():
        found = tune(3, n_epochs=1, folds=99).training
    assert found["folds"] == 1
    assert found["why_not_all_folds"].endswith("0 s are left")


def test_it_is_measured_on_no_more_folds_than_it_may_and_says_why(tune, context, events):
    found = tune(3, n_epochs=1, folds=99, options=Options(most_folds=2)).training
    assert found["folds"] == 2
    assert found["why_not_all_folds"] == (
        "without a budget, further folds may take only a share of the work of all trials so far"
    )
    assert [(told["done"], told["total"]) for told in events(context, "progress")[-2:]] == [(1, 1), (2, 2)]
