"""How good decoded images are: by their distance to training images of any class, and by what the champion says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import made_runs
import numpy as np
import pytest

from autotl.runs.run import Run, open_run
from autotl.settings import Settings
from autotl.workflows.autoencode_quality import N_REFERENCE, FeatureDistances, mean_with_interval, sampled_classes

RNG = np.random.default_rng(0)
FIRST, LAST = RNG.integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("made") / "run"
    made_runs.write_finished(folder)
    return open_run(folder)


def test_training_images_of_all_classes_are_compared_with(run: Run, plugins: Any, settings: Settings) -> None:
    by_class = np.stack([FIRST] * 2 * N_REFERENCE + [LAST] * 2 * N_REFERENCE)
    distances = FeatureDistances(run, by_class, plugins=plugins, cache=settings.cache)
    other = RNG.integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    near_first, near_last, far = distances.nearest(np.concatenate([FIRST[None], LAST[None], other]))
    assert max(near_first, near_last) < 1e-5 < far


def test_the_champion_counts_the_classes_that_it_is_sure_of(run: Run) -> None:
    black, white = np.zeros((3, 8, 8, 3), np.uint8), np.full((2, 8, 8, 3), 255, np.uint8)
    grey = np.full((4, 8, 8, 3), 128, np.uint8)  # it cannot tell
    first, last = made_runs.CLASSES[0], made_runs.CLASSES[-1]
    assert sampled_classes(run, np.concatenate([black, grey, white])) == {first: 3, last: 2}
    assert sampled_classes(run, grey) == {}


def test_a_champion_that_has_not_been_chosen_yet_is_not_asked(tmp_path: Path) -> None:
    made_runs.write_finished(tmp_path / "run")
    run = open_run(tmp_path / "run")
    run.update(result=None)
    assert sampled_classes(run, np.zeros((1, 8, 8, 3), np.uint8)) is None


def test_a_mean_has_an_interval_that_is_wider_where_images_are_alike() -> None:
    values = np.repeat(RNG.normal(1, 1, 20), 5)
    alone, alike = mean_with_interval(values), mean_with_interval(values, np.repeat(np.arange(20), 5))
    assert alone.value == alike.value == pytest.approx(values.mean())
    assert alike.low < alone.low < alone.value < alone.high < alike.high
    assert not mean_with_interval(values[:0]).is_defined
