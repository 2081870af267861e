"""A variational autoencoder of real images: its samples look like these, and images that are unlike others are rare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scanning import scan

from autotl.autoencoding.latents import sample
from autotl.autoencoding.small_images import small_images
from autotl.autoencoding.trained import load_autoencoder
from autotl.data.split import split
from autotl.plugins import load_plugins
from autotl.runs.autoencoders import AutoencoderResult, autoencoder_folder
from autotl.runs.config import Config
from autotl.runs.run import Run, create
from autotl.settings import Settings
from autotl.workflows.autoencode import autoencode
from autotl.workflows.autoencode_request import AutoencoderRequest

pytestmark = pytest.mark.heavy
EDGE, N_LATENTS, EPOCHS, N_INVERTED = 16, 16, 40, 20


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Handwritten digits, some of them black on white; split, and not yet searched."""
    sys.path.insert(0, str(Path(__file__).parents[3] / "examples"))
    import datasets

    home = tmp_path_factory.mktemp("digits")
    datasets.lay_out(datasets.DATASETS["digits"](), home / "digits")
    for path in sorted((home / "digits").rglob("*.png"))[:: 1797 // N_INVERTED][:N_INVERTED]:
        with Image.open(path) as image:
            Image.fromarray(255 - np.asarray(image)).save(path)
    dataset = scan(home / "digits")
    return create(Config(home / "digits", home / "run"), dataset, split(dataset, seed=0))


@pytest.fixture(scope="module")
def found(run: Run, settings: Settings) -> AutoencoderResult:
    asked = AutoencoderRequest("vae", EDGE, N_LATENTS, 600.0, EPOCHS)
    return autoencode(run.folder, asked, plugins=load_plugins(), settings=settings)


def test_it_reconstructs_what_it_was_not_trained_on(found: AutoencoderResult) -> None:
    assert found.error.high < 0.5 * found.error_of_mean


def test_samples_are_nearer_to_real_images_than_noise_and_the_mean_image(found: AutoencoderResult) -> None:
    near = found.nearness
    assert near["samples"].high < near["the mean image"].value
    assert near["samples"].high < near["noise"].low
    assert near["samples"].value > 0.5 * near["held-out images"].value  # no copies


def test_a_classifier_of_real_images_is_sure_of_the_class_of_samples(
    run: Run, found: AutoencoderResult, settings: Settings
) -> None:
    from sklearn.linear_model import LogisticRegression

    trained = load_autoencoder(autoencoder_folder(run.folder, "vae"))
    items = run.split.train
    pixels = small_images(run.dataset, items, EDGE, cache=settings.cache, progress=lambda _done, _total: None)

    def flat(images: np.ndarray) -> Any:
        return images.mean(axis=3).reshape(len(images), -1) / 255

    classifier = LogisticRegression(max_iter=300).fit(flat(pixels), run.dataset.labels[items])
    samples = trained.decode(sample(trained.encode(pixels), 256, seed=0))
    probabilities = classifier.predict_proba(flat(samples))
    sure = probabilities.max(axis=1) > 0.5
    counts = np.bincount(probabilities[sure].argmax(axis=1), minlength=10)
    assert (counts >= 3).sum() >= 7
    assert sure.mean() > 0.5


def test_inverted_images_are_among_the_rarest(run: Run, found: AutoencoderResult) -> None:
    table = pd.read_csv(autoencoder_folder(run.folder, "vae") / "rare.csv")
    inverted = []
    for path in table["path"]:
        with Image.open(run.dataset.root / path) as image:
            inverted.append(np.asarray(image).mean() > 128)
    ranks = table["rank"][inverted]
    assert len(ranks) > 10
    assert ranks.median() < 0.1 * len(table)
