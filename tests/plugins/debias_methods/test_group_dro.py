"""Group DRO helps the worst subgroup, on features and through the champion's network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from biased_tasks import biased_task, worst_recall

from autotl.testing import check_plugin
from autotl_plugins.debias_methods import _last_layer, group_dro
from autotl_plugins.debias_methods._even_draws import subgroups_of
from autotl_plugins.debias_methods.group_dro import GroupWeights, fit


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    monkeypatch.setattr(_last_layer, "N_STEPS", 300)


@pytest.mark.parametrize("seed", range(3))
def test_a_last_layer_does_better_on_the_worst_subgroup_than_a_plain_fit(seed):
    task = biased_task(seed=seed)
    plain = worst_recall(task, task.fit_head(np.concatenate([task.train, task.validation]), None))
    assert plain < 0.6
    assert worst_recall(task, fit(task)) > plain + 0.15


def test_it_keeps_its_promises():
    check_plugin(group_dro)


def test_another_seed_gives_other_answers():
    first, second = (fit(biased_task(seed=seed))(np.arange(50)) for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_the_subgroup_with_the_largest_loss_gains_weight():
    task = biased_task()
    found = subgroups_of(task, task.train)
    weights, batch = GroupWeights(found), np.concatenate([members[:8] for members in found.members])
    losses = (found.number[batch] == 2).astype(float)
    for _ in range(100):
        given = weights.of_batch(batch, losses)
    assert given.mean() == pytest.approx(1)
    assert given[found.number[batch] == 2] == pytest.approx(given.max())
    assert given.max() > 2 * given.min()


def test_with_an_adjustment_a_small_subgroup_gains_weight_at_equal_losses():
    found = subgroups_of(biased_task(), biased_task().train)
    batch = np.concatenate([members[:8] for members in found.members])
    smallest = min(range(4), key=lambda number: len(found.members[number]))
    weights = {adjustment: GroupWeights(found, adjustment) for adjustment in (0.0, 1.0)}
    for _ in range(200):
        given = {adjustment: each.of_batch(batch, np.ones(32)) for adjustment, each in weights.items()}
    assert given[0.0] == pytest.approx(1)
    assert given[1.0][found.number[batch] == smallest] == pytest.approx(given[1.0].max())
    assert given[1.0].max() > 1.1


def test_a_last_layer_can_be_exported():
    from autotl.features.frozen_network import open_session

    task, items = biased_task(), np.arange(20)
    layer = fit(task)
    session = open_session(layer.to_onnx().SerializeToString())
    [exported] = session.run(["probabilities"], {"features": task.features[items]})
    assert exported == pytest.approx(layer(items), abs=1e-5)


def test_a_network_is_trained_on_evenly_drawn_subgroups_with_growing_weights():
    task, asked = biased_task(), {}

    def fine_tune(items, *, draw, weigh):
        drawn = draw(np.random.default_rng(0))
        asked.update(items=items, drawn=drawn, weights=[weigh(drawn, lambda: losses(drawn)) for _ in range(50)])
        return lambda wanted: np.full((len(wanted), 2), 0.5)

    def losses(drawn):
        return (task.groups[drawn] == 1).astype(float)

    fit(replace(task, fine_tune=fine_tune))
    assert asked["items"].tolist() == task.train.tolist()
    assert len(asked["drawn"]) == len(task.train)
    assert np.bincount(task.groups[asked["drawn"]]) / len(task.train) == pytest.approx(0.25, abs=0.06)
    rare = task.groups[asked["drawn"]] == 1
    assert asked["weights"][-1][rare].sum() > asked["weights"][0][rare].sum()


def test_items_whose_subgroup_is_not_known_are_left_out():
    task, asked = biased_task(), []
    groups = task.groups.copy()
    groups[::2] = -1

    def fine_tune(items, *, draw, weigh):
        asked.extend([items, draw(np.random.default_rng(0))])
        return lambda wanted: np.full((len(wanted), 2), 0.5)

    fit(replace(task, groups=groups, fine_tune=fine_tune))
    assert asked
    assert all((items % 2 == 1).all() for items in asked)
