"""A trained autoencoder: pixels to latents and back, and its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.errors import RunError

if TYPE_CHECKING:
    import keras

ENCODER_FILE, DECODER_FILE = "encoder.keras", "decoder.keras"
_AT_ONCE = 256


def as_fractions(pixels: np.ndarray) -> np.ndarray:
    """Pixels uint8 as the network reads them, float32 in 0..1."""
    return np.asarray(pixels, dtype=np.float32) / np.float32(255)


def mean_image(pixels: np.ndarray) -> np.ndarray:
    """The mean of images, uint8 (n, edge, edge, 3) -> uint8 (edge, edge, 3)."""
    return np.asarray(np.rint(pixels.mean(axis=0)), dtype=np.uint8)


def squared_errors(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The mean squared difference of each of two images, uint8 (n, edge, edge, 3), of pixels in 0..1; float (n,)."""
    return np.asarray(np.square(as_fractions(first) - as_fractions(second)).mean(axis=(1, 2, 3)))


@dataclass(frozen=True, eq=False)
class TrainedAutoencoder:
    """An encoder and a decoder for images of edge x edge pixels."""

    encoder: keras.Model
    decoder: keras.Model

    @property
    def edge(self) -> int:
        """Height and width of the images, in pixels."""
        return int(self.encoder.input_shape[1])

    @property
    def n_latents(self) -> int:
        """Length of a vector of latents."""
        return int(self.decoder.input_shape[1])

    @property
    def is_variational(self) -> bool:
        """Whether the encoder also returns the logarithm of the variance of the latents."""
        return len(self.encoder.outputs) > 1

    def encode(self, pixels: np.ndarray) -> np.ndarray:
        """The latents of pixels, uint8 (n, edge, edge, 3) -> float32 (n, n_latents); where variational, their means."""
        parts = [self.encoder.predict_on_batch(as_fractions(part)) for part in _parts(pixels)]
        means = [part[0] if self.is_variational else part for part in parts]
        return np.concatenate(means) if means else np.zeros((0, self.n_latents), np.float32)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """The pixels of latents, float (n, n_latents) -> uint8 (n, edge, edge, 3)."""
        parts = [self.decoder.predict_on_batch(part.astype(np.float32)) for part in _parts(latents)]
        fractions = np.concatenate(parts) if parts else np.zeros((0, self.edge, self.edge, 3))
        return np.asarray(np.rint(255 * np.clip(fractions, 0, 1)), dtype=np.uint8)

    def reconstruct(self, pixels: np.ndarray) -> np.ndarray:
        """What is left of pixels after encoding and decoding, uint8 (n, edge, edge, 3)."""
        return self.decode(self.encode(pixels))

    def save(self, folder: Path) -> None:
        """Write `encoder.keras` and `decoder.keras`."""
        self.encoder.save(folder / ENCODER_FILE)
        self.decoder.save(folder / DECODER_FILE)


def load_autoencoder(folder: Path) -> TrainedAutoencoder:
    """Read what `save` wrote; no code in the files is run. RunError where they are missing or damaged."""
    import keras

    try:
        return TrainedAutoencoder(
            *(
                keras.saving.load_model(folder / name, compile=False, safe_mode=True)
                for name in (ENCODER_FILE, DECODER_FILE)
            )
        )
    except Exception as error:  # a damaged archive meets Keras with almost any
        raise RunError(
            f"the autoencoder in {folder} cannot be read ({type(error).__name__}: {error}). Train it again with "
            "`autotl autoencode`."
        ) from error


def _parts(values: np.ndarray) -> list[np.ndarray]:
    return [values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE)]
