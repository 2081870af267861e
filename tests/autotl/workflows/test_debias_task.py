"""What methods against bias are given: the features of the champion's head, its folds, and heads of its kind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotl.deploy.champion import fit_champion
from autotl.deploy.last_layer import LastLayer, last_layer
from autotl.features.frozen_network import open_session
from autotl.images.decoder import decode
from autotl.search.context import SearchContext
from autotl.trial import FINE_TUNE, PROBE
from autotl.workflows.debias_groups import find_grouping
from autotl.workflows.debias_task import FittedHead, TaskMaker


def layer_of(context: SearchContext, trial: Any, cache: Path, told: list[tuple[int, int]] | None = None) -> LastLayer:
    return last_layer(context, trial, cache=cache, progress=lambda *n: told.append(n) if told is not None else None)


def maker(context: SearchContext, layer: LastLayer) -> TaskMaker:
    return TaskMaker(context, layer, find_grouping(context.run, None, None))


def task_of(context: SearchContext, layer: LastLayer, number: int) -> Any:
    return maker(context, layer).task(number, seconds_left=lambda: math.inf, progress=lambda *_: None)


@pytest.mark.parametrize(
    ("head", "stage", "strategy"),
    [
        ("logistic", "joined", PROBE),
        ("linear-svm", "top", PROBE),
        ("random-forest", "top", PROBE),
        ("dense", "joined", PROBE),
        ("dense", "top", FINE_TUNE),
        ("logistic", "joined", FINE_TUNE),
    ],
)
def test_a_champion_with_another_head_predicts_what_the_head_does(
    context: SearchContext, attempt: Any, tmp_path: Path, head: str, stage: str, strategy: str
) -> None:
    layer = layer_of(context, attempt(head, stage, "avg", strategy), tmp_path)
    task = task_of(context, layer, 0)
    found = task.fit_head(task.train, np.where(context.labels[task.train] == 0, 3.0, 1.0))
    every = np.zeros((len(context.labels), context.n_classes))
    every[context.reader.used] = found(context.reader.used)
    champion = layer.champion(context, found.to_onnx(), every)
    items = context.run.split.test
    pixels = np.stack([decode(context.run.dataset.path(int(i)), 32, 32) for i in items])
    [said] = open_session(champion.graph.SerializeToString()).run(["probabilities"], {"images": pixels})
    assert said == pytest.approx(found(items), abs=1e-3)
    assert champion.test().probabilities == pytest.approx(found(items))


def test_the_head_on_everything_is_the_champions(context: SearchContext, attempt: Any, tmp_path: Path) -> None:
    trial = attempt("logistic", "joined", "avg+max")
    layer, split = layer_of(context, trial, tmp_path), context.run.split
    found = FittedHead(context, layer, split.development, None, seed=context.seed)
    assert np.array_equal(
        found(split.test).argmax(axis=1), fit_champion(context, trial).test().probabilities.argmax(axis=1)
    )


def test_weights_change_what_the_head_says(context: SearchContext, attempt: Any, tmp_path: Path) -> None:
    layer = layer_of(context, attempt("logistic", "top", "avg"), tmp_path)
    task = task_of(context, layer, 0)
    plain = task.fit_head(task.train, None)(task.validation)
    heavy = task.fit_head(task.train, np.where(context.labels[task.train] == 1, 20.0, 1.0))(task.validation)
    assert heavy[:, 1].mean() > plain[:, 1].mean()


def test_each_seed_validates_on_another_fold_and_none_sees_the_test(
    context: SearchContext, attempt: Any, tmp_path: Path
) -> None:
    layer, split = layer_of(context, attempt("logistic", "top", "avg"), tmp_path), context.run.split
    tasks = [task_of(context, layer, number) for number in range(split.n_folds + 1)]
    for task in tasks:
        assert not np.isin(split.test, [*task.train, *task.validation]).any()
        assert not np.isin(task.train, task.validation).any()
        assert (task.folds[split.test] == -1).all()
    validated = np.concatenate([task.validation for task in tasks[:-1]])
    assert sorted(validated) == split.development.tolist()
    assert np.array_equal(tasks[0].validation, tasks[-1].validation)
    assert [task.seed for task in tasks[:2]] == [context.seed, context.seed + 1]


def test_a_fold_that_is_left_out_is_in_no_part_of_the_task(
    context: SearchContext, attempt: Any, tmp_path: Path
) -> None:  # fmt: skip
    made, split = maker(context, layer_of(context, attempt("logistic", "top", "avg"), tmp_path)), context.run.split
    assert list(made.spare_folds) == list(range(split.n_folds))
    for fold in made.spare_folds:
        task = made.task(0, seconds_left=lambda: math.inf, progress=lambda *_: None, without=fold)
        left = made.items_of(fold)
        assert (task.folds[left] == -1).all()
        assert sorted([*task.train, *task.validation, *left]) == split.development.tolist()


def test_a_fine_tuned_champion_is_always_validated_on_what_its_network_has_not_seen(
    context: SearchContext, attempt: Any, tmp_path: Path
) -> None:
    layer = layer_of(context, attempt("dense", "top", "avg", FINE_TUNE), tmp_path)
    for number in range(2):
        task = task_of(context, layer, number)
        assert np.array_equal(task.validation, context.run.split.validation)
        assert task.folds is None
    assert not maker(context, layer).spare_folds


def test_the_features_of_a_network_are_read_once_and_with_progress(
    context: SearchContext, attempt: Any, tmp_path: Path
) -> None:
    trial, told = attempt("dense", "top", "avg", FINE_TUNE), []
    first = layer_of(context, trial, tmp_path, told)
    assert told[-1] == (len(context.reader.used), len(context.reader.used))
    n_told = len(told)
    again = layer_of(context, trial, tmp_path, told)
    assert len(told) == n_told
    assert np.array_equal(first.vectors, again.vectors)
    assert np.abs(first.vectors[context.run.split.test]).sum() > 0
