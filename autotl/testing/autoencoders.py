"""Conformance checks for autoencoders."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.interfaces import Autoencoder
from autotl.testing.support import doing, named, prepare_keras, require

if TYPE_CHECKING:
    import numpy as np

    from autotl.autoencoding.trained import TrainedAutoencoder

EDGES = (16, 24, 64)
"""Powers of two and others."""
N_LATENTS, N_IMAGES, EPOCHS = 8, 64, 100
LEAST_GAIN = 0.2
"""Share of the error of the mean image that has to be gone after a short training on easy images."""


def check_autoencoder(autoencoder: Autoencoder) -> None:
    """Check that an autoencoder builds for every edge, learns, and comes back from its files.

    Raises
    ------
    AssertionError
        Where the autoencoder breaks its contract.
    """
    prepare_keras()
    subject = named(autoencoder, "autoencoder")
    for edge in EDGES:
        _check_networks(subject, autoencoder, edge)
    images = _easy_images(EDGES[0])
    with doing(f"{subject}: training on {N_IMAGES} images"):
        trained, again = (_train(autoencoder, images) for _ in range(2))
    _check_learning(subject, trained, images)
    require(
        (trained.reconstruct(images) == again.reconstruct(images)).all(),
        f"{subject}: two trainings with one seed gave different networks; draw nothing at random but by Keras",
    )
    _check_files(subject, trained, images)


def _check_networks(subject: str, autoencoder: Autoencoder, edge: int) -> None:
    """The shapes of what `build` returns."""
    import keras

    where = f"{subject}: build({edge}, {N_LATENTS})"
    with doing(where):
        built: Any = autoencoder.build(edge, N_LATENTS)
    pair = isinstance(built, tuple) and len(built) == 2 and all(isinstance(one, keras.Model) for one in built)
    require(pair, f"{where} returned {built!r:.100}; expected a pair of keras models, the encoder and the decoder")
    encoder, decoder = built
    outputs = 2 if autoencoder.variational else 1
    _require_shapes(f"{where}, encoder", encoder, [(edge, edge, 3)], [(N_LATENTS,)] * outputs)
    _require_shapes(f"{where}, decoder", decoder, [(N_LATENTS,)], [(edge, edge, 3)])


def _require_shapes(where: str, model: Any, inputs: list[tuple[int, ...]], outputs: list[tuple[int, ...]]) -> None:
    found = [[tuple(one.shape[1:]) for one in side] for side in (model.inputs, model.outputs)]
    require(found == [inputs, outputs], f"{where} goes from {found[0]} to {found[1]}; expected {inputs} to {outputs}")


def _check_learning(subject: str, trained: TrainedAutoencoder, images: np.ndarray) -> None:
    """Latents are finite, pixels are in their range, and something was learned."""
    import numpy as np

    from autotl.autoencoding.trained import mean_image, squared_errors

    latents = trained.encode(images)
    require(np.isfinite(latents).all(), f"{subject}: latents are not finite")
    fractions = trained.decoder.predict_on_batch(latents)
    in_range = bool(np.isfinite(fractions).all()) and fractions.min() >= 0 and fractions.max() <= 1
    require(in_range, f"{subject}: decoded pixels are not all from 0 to 1; end the decoder with a sigmoid")
    of_mean = squared_errors(images, np.broadcast_to(mean_image(images), images.shape)).mean()
    error = squared_errors(images, trained.reconstruct(images)).mean()
    require(
        error < (1 - LEAST_GAIN) * of_mean,
        f"{subject}: after {EPOCHS} epochs on {N_IMAGES} images of two kinds its error is {error:.4f}, and that "
        f"of the mean image {of_mean:.4f}; it does not learn",
    )


def _check_files(subject: str, trained: TrainedAutoencoder, images: np.ndarray) -> None:
    """What is saved is what is read again, without running code from the file."""
    import numpy as np

    from autotl.autoencoding.trained import load_autoencoder

    with tempfile.TemporaryDirectory() as folder:
        with doing(f"{subject}: saving it, and reading it again in safe mode; use layers of Keras, and no Lambda"):
            trained.save(Path(folder))
            again = load_autoencoder(Path(folder))
        same = np.allclose(again.encode(images), trained.encode(images), atol=1e-5)
        require(same, f"{subject}: read again from its file, it gives other latents")


def _train(autoencoder: Autoencoder, images: np.ndarray) -> TrainedAutoencoder:
    import math

    from autotl.autoencoding.training import train
    from autotl.runtime import keras_backend

    with keras_backend.session(0):
        return train(autoencoder, images, n_latents=N_LATENTS, seconds=math.inf, epochs=EPOCHS)[0]


def _easy_images(edge: int) -> np.ndarray:
    """Dark and bright halves, left or right, of any brightness: uint8 (n, edge, edge, 3)."""
    import numpy as np

    rng = np.random.default_rng(0)
    images = np.zeros((N_IMAGES, edge, edge, 3))
    for place, image in enumerate(images):
        half = slice(edge // 2) if place % 2 else slice(edge // 2, edge)
        image[:, half] = rng.uniform(100, 255)
    return np.asarray(images, dtype=np.uint8)
