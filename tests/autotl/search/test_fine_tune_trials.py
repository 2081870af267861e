"""Fine-tune trials: a network is left, and the validation split is predicted."""

from __future__ import annotations

import pytest

from autotl.cache import disk_allowance
from autotl.features import decoded_images
from autotl.search.fine_tune_trials import fine_tune
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.training import fine_tuning
from autotl.trial import Training


@pytest.fixture
def tune(context, candidate, monkeypatch):
    """tune(3, trainable=2, augment=True, n_epochs=1): runs that trial and gives its outcome."""

    def tune(number, trainable=1, *, augment=False, n_epochs=2, after_epoch=lambda epoch, found: None, **options):
        monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", n_epochs)
        chosen = candidate("dense", "top", "avg", training=Training(trainable, 1e-3, 1e-4, augment=augment))
        folder = context.run.trial_folder(number)
        return fine_tune(context, chosen, fixed_hyperparameters({}), after_epoch, folder, **options)

    return tune


def test_a_fine_tuned_trial_leaves_its_network_and_predicts_the_validation_split(context, tune, events):
    epochs = []
    outcome = tune(3, n_epochs=1, after_epoch=lambda epoch, found: epochs.append(epoch))
    assert outcome.predictions.items.tolist() == context.run.split.validation.tolist()
    folder = context.run.trial_folder(3)
    assert sorted(p.name for p in folder.iterdir()) == ["network.keras", "network.onnx", "replay.npz"]
    assert epochs == [1]
    emitted = events(context, "progress")[-1]
    assert (emitted["stage"], emitted["done"], emitted["total"], emitted["eta_seconds"]) == ("fine-tuning", 1, 1, 0)
    how, speed = outcome.training["how"], outcome.training["products_per_second"]
    assert how.startswith("from cached activations (1 view, ")
    assert speed > 0
    assert outcome.training == {
        "trainable_stages": 1, "learning_rate": 1e-3, "weight_decay": 1e-4, "augment": False,
        "freeze_depth": 2, "epochs": 1, "out_of_time": False,
        "start": "the fitted probe", "how": how, "fill_seconds": outcome.training["fill_seconds"],
        "epoch_seconds": outcome.training["epoch_seconds"], "products_per_second": speed,
    }  # fmt: skip
    assert {name.split("/")[0] for name in outcome.params} == {"dense"}


def test_images_of_the_test_split_are_never_read(context, tune, monkeypatch):
    read, real = set(), decoded_images.read_pixels
    monkeypatch.setattr(decoded_images, "read_pixels", lambda d, i, size: read.add(int(i)) or real(d, i, size))
    tune(3, augment=True)
    assert read == set(context.run.split.development.tolist())


def test_a_trial_trains_plainly_and_says_why_where_space_is_short(context, tune, monkeypatch):
    monkeypatch.setattr(disk_allowance, "MAX_BYTES", 1000)
    found = tune(3).training
    assert found["how"] == "plain: the activations would need 0.1 MB, 0.0 MB allowed"
    assert found["epochs"] == 2
    assert not (context.run.folder / "pixels").exists()


def test_trials_at_one_depth_share_what_was_kept(tune):
    first, second = tune(3).training, tune(4).training
    assert first["fill_seconds"] > 0
    assert second["fill_seconds"] == 0


def test_a_deeper_trial_may_start_from_a_shallower_one(tune):
    tune(3)
    assert tune(4, 2, start_from=3).training["start"] == "trial 3"
    assert tune(5, 2, start_from=77).training["start"] == "the fitted probe"
