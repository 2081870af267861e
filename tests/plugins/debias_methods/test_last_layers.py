"""Methods that fit the last layer again: class-balanced, group-balanced, DFR and error-weighted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from biased_tasks import biased_task, worst_recall

from autotl.features.frozen_network import open_session
from autotl.interfaces import DebiasTask
from autotl.testing import check_debias_method
from autotl_plugins.debias_methods import dfr, error_weighted, reweighted
from autotl_plugins.debias_methods._balancing import balanced_subset, balancing_weights
from autotl_plugins.debias_methods._held_out import best_on_held_out

METHODS = {
    method.name: method
    for module in (reweighted, dfr, error_weighted)
    for method in module.register_debias_methods()
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_it_keeps_the_contract(name: str) -> None:
    check_debias_method(METHODS[name])


def champion(task: DebiasTask) -> float:
    return worst_recall(task, task.fit_head(np.concatenate([task.train, task.validation]), None))


@pytest.mark.parametrize("name", ["group-balanced", "dfr", "error-weighted"])
def test_it_does_better_on_the_worst_subgroup(name: str) -> None:
    task = biased_task()
    task = replace(task, folds=np.where(np.arange(len(task.labels)) < 800, np.arange(len(task.labels)) % 5, -1))
    assert worst_recall(task, METHODS[name].fit(task)) > champion(task) + 0.1


def test_without_known_subgroups_error_weights_are_chosen_by_the_worst_class() -> None:
    unknown, classes = biased_task(known=False), biased_task()
    classes = replace(classes, groups=classes.labels)
    items = np.arange(len(unknown.labels))
    one, other = (METHODS["error-weighted"].fit(task)(items) for task in (unknown, classes))
    assert np.array_equal(one, other)


def test_dfr_is_exported_as_it_predicts() -> None:
    task = biased_task()
    layer = dfr.fit(task)
    session = open_session(layer.to_onnx().SerializeToString())
    [found] = session.run(["probabilities"], {"features": task.features})
    assert np.allclose(found, layer(np.arange(len(task.labels))), atol=1e-5)


def test_dfr_never_answers_a_class_of_which_no_subgroup_is_known() -> None:
    task = biased_task()
    three = replace(task, n_classes=3)
    answers = dfr.fit(three)(np.arange(len(task.labels)))
    assert answers.shape == (len(task.labels), 3)
    assert answers[:, 2].max() < 1e-6


def test_dfr_differs_from_seed_to_seed() -> None:
    task = biased_task()
    one, other = (dfr.fit(replace(task, seed=seed))(np.arange(50)) for seed in (0, 1))
    assert not np.array_equal(one, other)


def test_a_balanced_subset_repeats_what_is_rare() -> None:
    of = np.array([0] * 100 + [1] * 3 + [2] * 50)
    found = of[balanced_subset(of, np.random.default_rng(0), fewest=10, most=1000)]
    assert np.bincount(found).tolist() == [10, 10, 10]
    small = balanced_subset(of, np.random.default_rng(0), fewest=10, most=15)
    assert np.bincount(of[small]).tolist() == [5, 5, 5]
    as_rarest = balanced_subset(of, np.random.default_rng(0), fewest=1, most=1000)
    assert len(set(as_rarest.tolist())) == 9


def test_weights_give_everyone_the_same_total() -> None:
    of = np.array([0] * 9 + [1])
    weights = balancing_weights(of)
    assert weights.mean() == pytest.approx(1)
    assert np.bincount(of, weights).tolist() == pytest.approx([5, 5])


def test_every_fold_is_held_out_in_turn_where_there_are_folds() -> None:
    task = biased_task()
    fold = np.where(np.arange(len(task.labels)) < 800, np.arange(len(task.labels)) % 4, -1)
    fitted: list[np.ndarray] = []

    def fit(items: np.ndarray, strength: float):
        fitted.append(items)
        right = task.labels if strength == 2 else 1 - task.labels
        return lambda wanted: np.eye(2)[right[wanted]]

    assert best_on_held_out(replace(task, folds=fold), (1.0, 2.0, 3.0), fit) == 2
    assert len(fitted) == 12
    fitted.clear()
    assert best_on_held_out(task, (1.0, 2.0), fit) == 2
    assert [len(items) for items in fitted] == [600, 600]
