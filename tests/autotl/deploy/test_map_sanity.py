"""What maps are worth: on crops of real photographs, read by the real backbone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mapped_models import Mapped, Probe, areas, fit_probe, plant, points_at
from PIL import Image
from scipy.stats import spearmanr
from skimage import data as photographs
from sklearn.datasets import load_sample_images

from autotl.interfaces import Backbone
from autotl.plugins import load_plugins

SIZE, SIDE = 128, 18
N_CROPS, N_TEST = 8, 3


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    shown = (photographs.astronaut, photographs.chelsea, photographs.coffee, photographs.rocket)
    return [show() for show in shown] + list(load_sample_images().images)


@pytest.fixture(scope="module")
def backbone() -> Any:
    return load_plugins(disable=("mlflow", "keras-applications")).all(Backbone)["efficientnet-lite0"]


def crops(photos: list[np.ndarray], n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """n crops of each photo, and which photo each is of."""
    found = []
    for photo in photos:
        for _ in range(n):
            edge = int(rng.integers(130, 250))
            row, column = (int(rng.integers(0, side - edge)) for side in photo.shape[:2])
            crop = Image.fromarray(photo[row : row + edge, column : column + edge])
            found.append(np.asarray(crop.resize((SIZE, SIZE))))
    return np.stack(found), np.repeat(np.arange(len(photos)), n)


@pytest.fixture(scope="module")
def probe(photos: list[np.ndarray], backbone: Any, cache: Path) -> tuple[Probe, np.ndarray]:
    pixels, labels = crops(photos, N_CROPS, np.random.default_rng(0))
    return fit_probe(pixels, labels, backbone, cache), pixels


@pytest.fixture(scope="module")
def explained(probe: tuple[Probe, np.ndarray], photos: list[np.ndarray]) -> tuple[Mapped, np.ndarray]:
    """A model with maps, and images it has not seen."""
    return Mapped.of(probe[0].graph(), probe[1][::3]), crops(photos, N_TEST, np.random.default_rng(1))[0]


def test_the_sum_of_a_map_and_the_offset_is_the_difference_of_the_logits(explained: Any) -> None:
    model, images = explained
    maps, classes = model.maps(images)
    logs = np.log(model.probabilities(images).astype(np.float64))
    rows = np.arange(len(images))
    wanted = logs[rows, classes[:, 0]] - logs[rows, classes[:, 1]]
    offset = model.offset[classes[:, 0]] - model.offset[classes[:, 1]]
    assert maps.sum(axis=(1, 2)) + offset == pytest.approx(wanted, abs=1e-4)
    assert np.abs(wanted).max() > 1


def test_maps_of_random_heads_do_not_follow_the_model_s_on_average(probe: Any, explained: Any) -> None:
    """Only on average: here, at 128 pixels, the size of a single correlation is 0.38 on average and 0.8 at most."""
    model, images = explained
    maps, _ = model.maps(images)
    correlations = []
    for seed in range(3):
        random, _ = Mapped.of(probe[0].graph(probe[0].shuffled(seed)), probe[1][::3]).maps(images)
        correlations += [
            spearmanr(one.ravel(), other.ravel()).statistic for one, other in zip(maps, random, strict=True)
        ]
    assert abs(np.mean(correlations)) < 0.3


def test_covering_what_a_map_names_first_costs_more_than_covering_at_random(explained: Any) -> None:
    model, images = explained[0], explained[1][::2]
    maps, classes = model.maps(images)
    found = np.array([
        areas(model, image, (int(pair[0]), int(pair[1])), one, seed)
        for seed, (image, pair, one) in enumerate(zip(images, classes, maps, strict=True))
    ])  # fmt: skip
    deletion, insertion, random_deletion, random_insertion = found.mean(axis=0)
    assert deletion < random_deletion
    assert insertion > random_insertion


def test_a_planted_patch_is_pointed_at(photos: list[np.ndarray], backbone: Any, cache: Path) -> None:
    rng = np.random.default_rng(2)
    without, _ = crops(photos, N_CROPS, rng)
    planted = np.stack([plant(image, rng, SIDE)[0] for image in crops(photos, N_CROPS, rng)[0]])
    pixels, labels = np.concatenate([without, planted]), np.repeat([0, 1], len(without))
    model = Mapped.of(fit_probe(pixels, labels, backbone, cache, C=0.1).graph(), pixels[::4])
    images, centres = zip(*(plant(image, rng, SIDE) for image in crops(photos, 7, rng)[0]), strict=True)
    maps, classes = model.maps(np.stack(images))
    for_patch = maps * np.where(classes[:, :1] == 1, 1, -1)[..., None]
    hits = [points_at(one, centre, SIDE, SIZE) for one, centre in zip(for_patch, centres, strict=True)]
    assert np.mean(hits) >= 0.9
