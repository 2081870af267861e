"""What fine-tuning costs is told before it starts."""

from __future__ import annotations

import pytest

from autotl.search.fine_tune_cost import estimate_seconds, stage_work, training_products

WORK = {"shallow": 600.0, "middle": 300.0, "deep": 100.0}
SPLIT = {"n_train": 320, "n_validation": 80, "images_per_second": 100.0}


def test_the_work_of_a_stage_is_counted_from_the_shapes_of_its_layers(tiny):
    work = stage_work(tiny.build(32, 32))
    assert work == {"shallow": 16 * 16 * 9 * 3 * 8, "middle": 8 * 8 * 9 * 8 * 12, "deep": 4 * 4 * 9 * 12 * 16}


def test_filling_is_the_frozen_share_of_a_pass_over_both_splits():
    found = estimate_seconds(WORK, stage="top", trainable_stages=1, **SPLIT)
    assert found.fill_seconds == pytest.approx(400 / 100 * 0.9)
    assert found.view_seconds == pytest.approx(320 / 100 * 0.9)


def test_an_epoch_costs_more_the_deeper_and_most_from_pixels():
    epochs = [estimate_seconds(WORK, stage="top", trainable_stages=n, **SPLIT).epoch_seconds for n in (1, 2, 3)]
    assert epochs == sorted(epochs)
    plain = estimate_seconds(WORK, stage="top", trainable_stages=1, cached=False, **SPLIT)
    assert plain.fill_seconds == plain.view_seconds == 0
    assert plain.epoch_seconds > 5 * epochs[0]


def test_stages_above_the_one_that_is_read_cost_nothing():
    found = estimate_seconds(WORK, stage="top-1", trainable_stages=1, **SPLIT)
    assert found.fill_seconds == pytest.approx(400 / 100 * 0.6)


def test_a_measured_epoch_gives_itself_back():
    products = training_products(100.0, 320, 80)
    measured = [{"products_per_second": products / 7.0}, {"how": "plain: no room"}]
    found = estimate_seconds(WORK, stage="top", trainable_stages=1, measured=measured, **SPLIT)
    assert found.epoch_seconds == pytest.approx(7.0)
