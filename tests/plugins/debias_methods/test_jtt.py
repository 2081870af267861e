"""Just train twice: what a first model gets wrong counts for more, also where no subgroup is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from biased_tasks import biased_task, worst_recall

from autotl.testing import check_plugin
from autotl_plugins.debias_methods import jtt
from autotl_plugins.debias_methods.jtt import UPWEIGHTS_OF_NETWORK, fit


def test_a_head_does_better_on_the_worst_subgroup_than_a_plain_fit():
    task = biased_task()
    plain = worst_recall(task, task.fit_head(np.concatenate([task.train, task.validation]), None))
    assert worst_recall(task, fit(task)) > plain + 0.1


def test_it_keeps_its_promises():
    check_plugin(jtt)


def test_it_learns_where_no_subgroup_is_known():
    found = fit(biased_task(known=False))(np.arange(50))
    assert found.shape == (50, 2)
    assert found.sum(axis=1) == pytest.approx(1)


def test_the_error_set_is_what_heads_got_wrong_that_were_not_fitted_on_it():
    task, fits = biased_task(), []

    def fit_head(items, weights):
        fits.append((items, weights))
        right = np.zeros(len(task.labels), dtype=bool)
        right[items] = True  # a head that knows its own items, and nothing else
        return lambda wanted: np.eye(2)[np.where(right[wanted], task.labels[wanted], 1 - task.labels[wanted])]

    fit(replace(task, fit_head=fit_head))
    weights = [given for items, given in fits if given is not None]
    assert weights
    assert np.concatenate(weights) == pytest.approx(1)


def test_a_network_is_shown_the_error_set_as_often_as_each_weight_says():
    task, drawn = biased_task(), []

    def fine_tune(items, *, draw=None, share=1.0):
        if draw is None:
            assert share < 1
            return lambda wanted: np.eye(2)[np.where(wanted % 10 == 0, 1 - task.labels[wanted], task.labels[wanted])]
        drawn.append(draw(np.random.default_rng(0)))
        return lambda wanted: np.full((len(wanted), 2), 0.5)

    fit(replace(task, fine_tune=fine_tune))
    shares = [(items % 10 == 0).mean() for items in drawn]
    expected = [times * 0.1 / (times * 0.1 + 0.9) for times in UPWEIGHTS_OF_NETWORK]
    assert shares == pytest.approx(expected, abs=0.06)
    assert all(len(items) == len(task.train) for items in drawn)


def test_where_the_time_ends_the_networks_trained_so_far_are_chosen_from():
    task, trained = biased_task(), []

    def fine_tune(items, *, draw=None, share=1.0):
        trained.append(draw)
        return lambda wanted: np.full((len(wanted), 2), 0.5)

    found = fit(replace(task, fine_tune=fine_tune, seconds_left=lambda: 0.0))
    assert len([draw for draw in trained if draw]) == 1
    assert found(np.arange(3)).shape == (3, 2)
