"""A trained autoencoder encodes, decodes, and comes back from its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotl.autoencoding.trained import TrainedAutoencoder, load_autoencoder, mean_image, squared_errors
from autotl.errors import RunError
from autotl_plugins.autoencoders import autoencoder, vae

[PLAIN], [VAE] = autoencoder.register_autoencoders(), vae.register_autoencoders()
IMAGES = np.random.default_rng(0).integers(0, 256, (300, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=[PLAIN, VAE], ids=lambda one: one.name)
def trained(request: pytest.FixtureRequest) -> TrainedAutoencoder:
    return TrainedAutoencoder(*request.param.build(16, 5))


def test_it_knows_its_sizes(trained: TrainedAutoencoder):
    assert (trained.edge, trained.n_latents) == (16, 5)


def test_pixels_go_to_latents_and_back_in_parts_of_any_number(trained: TrainedAutoencoder):
    latents = trained.encode(IMAGES)
    assert latents.shape == (300, 5)
    assert np.allclose(latents[290:], trained.encode(IMAGES[290:]), atol=1e-5)
    pixels = trained.decode(latents)
    assert (pixels.shape, pixels.dtype) == (IMAGES.shape, np.uint8)
    assert (trained.reconstruct(IMAGES[:3]) == pixels[:3]).mean() > 0.99  # but for rounding
    assert trained.encode(IMAGES[:0]).shape == (0, 5)
    assert trained.decode(latents[:0]).shape == (0, 16, 16, 3)


def test_it_comes_back_from_its_files(trained: TrainedAutoencoder, tmp_path: Path):
    trained.save(tmp_path)
    again = load_autoencoder(tmp_path)
    assert again.is_variational == trained.is_variational
    assert np.allclose(again.encode(IMAGES[:9]), trained.encode(IMAGES[:9]), atol=1e-5)


def test_a_damaged_or_missing_file_is_named(trained: TrainedAutoencoder, tmp_path: Path):
    with pytest.raises(RunError, match="autotl autoencode"):
        load_autoencoder(tmp_path)
    trained.save(tmp_path)
    (tmp_path / "decoder.keras").write_bytes(b"PK")
    with pytest.raises(RunError, match=str(tmp_path)):
        load_autoencoder(tmp_path)


def test_a_file_that_holds_code_is_refused(tmp_path: Path):
    import keras

    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Flatten()(keras.layers.Lambda(lambda pixels: pixels * 2)(inputs))
    for name in ("encoder", "decoder"):
        keras.Model(inputs, outputs).save(tmp_path / f"{name}.keras")
    with pytest.raises(RunError):
        load_autoencoder(tmp_path)


def test_errors_and_means_are_of_pixels_from_0_to_1():
    black, white = np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4, 3), 255, np.uint8)
    assert squared_errors(black, white).tolist() == [1.0]
    assert squared_errors(white, white).tolist() == [0.0]
    assert (mean_image(np.concatenate([black, white])) == 128).all()
