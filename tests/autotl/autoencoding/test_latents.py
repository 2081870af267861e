"""An image far from the others is rare, a walk goes from one end to the other, and a seed fixes the samples."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.autoencoding.latents import rarity, sample, walk


def test_what_lies_apart_is_rarer_than_what_lies_among_others():
    rng = np.random.default_rng(0)
    latents = np.concatenate([rng.normal(0, 1, (200, 8)), rng.normal(6, 1, (5, 8))])
    order = np.argsort(-rarity(latents))
    assert set(order[:5]) == set(range(200, 205))


def test_a_copy_of_a_rare_image_does_not_make_it_common():
    rng = np.random.default_rng(0)
    latents = np.concatenate([rng.normal(0, 1, (200, 8)), np.full((2, 8), 9.0)])
    assert set(np.argsort(-rarity(latents))[:2]) == {200, 201}


@pytest.mark.parametrize("n", [2, 5])
def test_few_images_are_compared_with_all_others(n: int):
    assert np.isfinite(rarity(np.arange(n, dtype=float)[:, None])).all()


def test_a_walk_begins_and_ends_at_its_ends_in_equal_steps():
    steps = walk(np.zeros(3), np.ones(3), 5)
    assert steps[:, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_samples_follow_from_the_seed_and_are_distributed_as_the_known_ones():
    rng = np.random.default_rng(0)
    known = np.concatenate([rng.normal(-4, 1, (300, 4)), rng.normal(4, 1, (100, 4))])
    found = sample(known, 4000, seed=1)
    assert (found == sample(known, 4000, seed=1)).all()
    assert (found != sample(known, 4000, seed=2)).any()
    assert (found[:, 0] < 0).mean() == pytest.approx(0.75, abs=0.03)
    assert (np.abs(found) < 1.5).mean() < 0.05  # where there is none
    assert (found[:2000, 0] < 0).mean() == pytest.approx(0.75, abs=0.04)  # in random order


@pytest.mark.parametrize("n", [2, 30])
def test_few_images_with_many_latents_can_be_sampled_too(n: int):
    known = np.random.default_rng(0).normal(0, 1, (n, 64))
    assert np.isfinite(sample(known, 10, seed=0)).all()
    assert np.isfinite(sample(np.zeros((n, 64)), 10, seed=0)).all()
