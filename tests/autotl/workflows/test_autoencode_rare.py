"""Who is rare, and whether the champion fails on rare images: claimed only beyond chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import made_runs
import numpy as np
import pytest

from autotl.evidence.run_evidence import read_evidence
from autotl.predictions import Predictions
from autotl.runs.run import Run, open_run
from autotl.workflows.autoencode_rare import Rarity, rare_errors, rare_groups


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """90 images in three classes, of which 72 are not the test split, each its own cluster."""
    folder = tmp_path_factory.mktemp("made") / "run"
    made_runs.write_finished(folder)
    opened = open_run(folder)
    return replace(opened, split=replace(opened.split, cluster=np.arange(len(opened.dataset.items))))


def many(run: Run, n: int = 20) -> np.ndarray:
    """The items outside of the test split, several times over, as of a larger run."""
    return np.tile(run.split.development, n)


def found_of(run: Run, items: np.ndarray, distance: np.ndarray) -> Rarity:
    return Rarity(run, items, distance, np.zeros(len(items)))


def test_a_class_that_is_far_from_the_others_is_named_and_no_other(run: Run) -> None:
    items = many(run)
    rng = np.random.default_rng(0)
    is_first = run.dataset.labels[items] == 0
    distance = rng.normal(0, 1, len(items)) + 2.5 * (is_first & (rng.random(len(items)) < 0.3))
    groups = rare_groups(found_of(run, items, distance))
    over = [one for one in groups if one.share.value > one.of_all]
    assert [(one.column, one.value) for one in over] == [("class", run.dataset.classes[0])]
    assert over[0].share.low > over[0].of_all
    assert groups[0] == over[0]


def test_chance_names_no_class_in_most_of_many_draws(run: Run) -> None:
    items = many(run)
    named = 0
    for seed in range(60):
        distance = np.random.default_rng(seed).normal(0, 1, len(items))
        named += bool(rare_groups(found_of(run, items, distance)))
    assert named <= 7  # 3 of 60 are expected


def test_too_few_rare_images_are_not_compared(run: Run) -> None:
    items = run.split.development[:60]
    assert rare_groups(found_of(run, items, np.arange(60.0))) == ()


def test_the_champion_is_compared_on_rare_images_and_others(run: Run) -> None:
    items = run.split.development
    found = found_of(run, items, np.arange(len(items), dtype=float))
    evidence = read_evidence(run.folder)
    assert evidence
    assert rare_errors(found, evidence.searched) is None  # 8 are too few
    large = found_of(run, many(run), np.arange(20.0 * len(items)))
    labels = run.dataset.labels[items]
    wrong = np.zeros((len(items), 3))
    wrong[np.arange(len(items)), np.where(np.arange(len(items)) >= 40, (labels + 1) % 3, labels)] = 1
    rates = rare_errors(large, Predictions(items, labels, wrong))
    assert rates
    rare, others, gap = rates
    assert gap.value == pytest.approx(rare.value - others.value)
    assert gap.low < gap.value < gap.high
    assert rare_errors(large, None) is None


def test_the_table_lists_each_image_with_its_split(run: Run) -> None:
    items = run.split.development
    table = found_of(run, items, np.arange(len(items), dtype=float)).table()
    assert table["path"].iloc[0] == run.dataset.items["path"].iloc[items[-1]]
    assert table["rank"].tolist() == list(range(1, len(items) + 1))
    assert Path(table["path"].iloc[0]).suffix == ".png"
