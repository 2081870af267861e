"""The champion's network is trained again as often as asked for, each time as if it were the first."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autotl.cache import disk_allowance
from autotl.errors import OutOfTimeError
from autotl.training import fine_tuning
from autotl.trial import FINE_TUNE, Reading, Training, TrialRecord
from autotl.workflows.debias_network import ChampionNetwork, small_images


@pytest.fixture
def network(context, tmp_path, monkeypatch):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 2)
    (tmp_path / "debias").mkdir()
    training = Training(1, 1e-3, 1e-4, augment=False).to_json()
    trial = TrialRecord(3, "complete", FINE_TUNE, Reading("tiny", (32, 32), "top", "avg"), "dense", training=training)
    return ChampionNetwork(context, trial, tmp_path / "debias")


@pytest.fixture
def fine_tune(network):
    """fine_tune(items, seed=0, left=9.0, told=[], draw=...): trains and gives what predicts."""

    def fine_tune(items, *, seed=0, left=math.inf, told=None, **options):
        report = (lambda *event: told.append(event)) if told is not None else (lambda *event: None)
        return network.trainer(seed, seconds_left=lambda: left, progress=report)(items, **options)

    return fine_tune


def test_it_predicts_items_of_every_part_also_when_it_was_trained_again(context, fine_tune):
    split = context.run.split
    first = fine_tune(split.train)
    found = first(split.test)
    assert found.shape == (len(split.test), 3)
    assert found.sum(axis=1) == pytest.approx(1)
    second = fine_tune(split.train, seed=1)
    assert not np.array_equal(second(split.test), found)
    assert np.array_equal(first(split.test), found)


def test_the_same_seed_trains_the_same_network_whatever_was_trained_before(context, fine_tune):
    split = context.run.split
    first = fine_tune(split.train, seed=3)(split.test)
    fine_tune(split.train[::2], seed=4, share=0.5)
    assert np.array_equal(fine_tune(split.train, seed=3)(split.test), first)


def test_what_is_drawn_and_weighed_are_items_of_the_dataset(context, fine_tune):
    split, seen = context.run.split, []
    wanted = split.train[context.labels[split.train] == 1]

    def weigh(items, losses):
        seen.extend(items.tolist())
        assert np.isfinite(losses()).all()
        return np.ones(len(items))

    found = fine_tune(split.train, draw=lambda rng: rng.choice(wanted, len(split.train)), weigh=weigh)
    assert set(seen) <= set(wanted.tolist())
    plain = fine_tune(split.train)(split.test)
    assert found(split.test)[:, 1].mean() > plain[:, 1].mean()


def test_a_share_of_the_epochs_is_trained_and_each_is_reported(context, fine_tune, monkeypatch):
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 6)
    told = []
    fine_tune(context.run.split.train, told=told, share=1 / 3)
    assert told == [("fine-tuning", 1, 2), ("fine-tuning", 2, 2)]


def test_where_no_activations_can_be_cached_it_trains_from_pixels(context, fine_tune, monkeypatch, tmp_path):
    monkeypatch.setattr(disk_allowance, "MAX_BYTES", 1000)
    split = context.run.split
    assert fine_tune(split.train)(split.test).shape == (len(split.test), 3)
    assert not list((tmp_path / "debias").rglob("*.npy"))


def test_no_time_for_an_epoch_is_an_error(context, fine_tune):
    with pytest.raises(OutOfTimeError):
        fine_tune(context.run.split.train, left=0.0)


def test_small_images_are_those_of_the_dataset(context, tmp_path):
    found = small_images(context, tmp_path)(16)
    assert found.shape == (len(context.run.dataset.items), 16, 16, 3)
    assert found.dtype == np.uint8
    assert (found.std(axis=(1, 2, 3)) > 0).all()
