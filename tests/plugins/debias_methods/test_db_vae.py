"""DB-VAE draws items with rare latents more often, and classifies images and features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from biased_tasks import N_TEST, biased_task

from autotl.errors import OutOfTimeError
from autotl.testing import check_plugin
from autotl_plugins.debias_methods import db_vae
from autotl_plugins.debias_methods._latent_density import sampling_probabilities


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(db_vae, "MIN_STEPS", 60)
    monkeypatch.setattr(db_vae, "MIN_EPOCHS", 2)


def accuracy(task, predict):
    items = np.arange(len(task.labels) - N_TEST, len(task.labels))
    found = predict(items)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)
    return (found.argmax(axis=1) == task.labels[items]).mean()


@pytest.fixture
def latents():
    """Latents of two classes; in the first one ten items of a hundred are far from the others."""
    rng = np.random.default_rng(0)
    found, labels = rng.uniform(-1, 1, (300, 4)), np.repeat([0, 1], [100, 200])
    found[:10, 2] += 8
    return found, labels


def test_rare_items_are_drawn_more_often_and_each_class_as_often_as_before(latents):
    found = sampling_probabilities(*latents, alpha=0.001)
    assert found.sum() == pytest.approx(1)
    assert found[:100].sum() == pytest.approx(1 / 3)
    assert found[:10].mean() > 2 * found[10:100].mean()


def test_a_large_alpha_draws_all_items_of_a_class_alike(latents):
    strong, weak = (sampling_probabilities(*latents, alpha=alpha)[:100] for alpha in (0.001, 100.0))
    assert weak == pytest.approx(1 / 300, rel=0.02)
    assert strong.std() > 20 * weak.std()


def test_latents_that_do_not_vary_give_equal_probabilities():
    assert sampling_probabilities(np.zeros((8, 3)), np.zeros(8, int), 0.01) == pytest.approx(1 / 8)


@pytest.mark.usefixtures("brief")
def test_features_are_classified():
    task = biased_task()
    assert accuracy(task, db_vae.fit_features(task)) > 0.55


@pytest.mark.heavy
@pytest.mark.usefixtures("brief")
def test_it_keeps_its_promises():
    check_plugin(db_vae)


@pytest.mark.heavy
@pytest.mark.usefixtures("brief")
def test_images_are_classified_and_progress_is_reported():
    told, task = [], biased_task(with_images=True)
    task = replace(task, progress=lambda *event: told.append(event))
    assert accuracy(task, db_vae.fit_images(task)) > 0.7
    assert told[0] == ("training the autoencoder", 1, len(told))


def test_no_time_for_an_epoch_is_an_error():
    with pytest.raises(OutOfTimeError):
        db_vae.fit_features(replace(biased_task(), seconds_left=lambda: 0.0))
