"""Whitened descriptors: what all images of a dataset share counts little, what only two of them share counts much."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

COVARIANCE_ITEMS = 20_000
"""More images than this do not change a covariance noticeably."""
_COMPONENTS = 256
_FEW_ITEMS = 300
_NOISE, _COARSE_NOISE = 0.2, 0.6
"""Fractions of the mean variance of a component: smaller differences come from another compression."""
_FALSE_MATCHES = 0.01
"""How many unrelated images may match an image by chance: one image in 100 has one."""


class Whitening:
    """Principal components of the descriptors, scaled to equal variance; beyond the first 256 all by one factor."""

    def __init__(self, vectors: np.ndarray) -> None:
        sample = vectors[:: -(-len(vectors) // COVARIANCE_ITEMS)]
        sample = sample - sample.mean(0)
        self._n_items = len(sample)
        variance, axes = np.linalg.eigh((sample.T @ sample / len(sample)).astype(np.float64))
        variance, self._axes = variance[::-1].clip(0), axes[:, ::-1]
        # A third of the items: later components describe single images, and would make each one unique.
        kept = int(min(_COMPONENTS, max(1, len(sample) // 3)))
        self._variance = np.where(np.arange(len(variance)) < kept, variance, variance[kept:].mean())
        self._mean_variance = max(float(variance.mean()), 1e-12)
        self._fine, self._coarse = self._matrix(_NOISE, None), self._matrix(_COARSE_NOISE, _COMPONENTS)

    def _matrix(self, noise: float, kept: int | None) -> np.ndarray:
        # With few images the small variances are those within single videos, and must not distinguish images.
        noise *= self._mean_variance * (1 + _FEW_ITEMS / self._n_items)
        scaled = self._axes / np.sqrt(self._variance + noise)
        return scaled[:, :kept].astype(np.float32)

    def fine(self, vectors: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Vectors whose products separate copies from unrelated images.

        They keep the lengths of `vectors`, so that nearly blank images are similar to nothing.
        """
        return np.asarray(unit((vectors - mean) @ self._fine) * np.linalg.norm(vectors, axis=1, keepdims=True))

    def coarse(self, vectors: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Shorter unit vectors that tolerate a small misalignment."""
        return unit((vectors - mean) @ self._coarse)


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors scaled to length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


def chance_similarity(vectors: np.ndarray) -> np.ndarray:
    """The similarity that each unit vector reaches with one of all the others by chance, float (n,).

    Products of two vectors of m independent numbers have a standard deviation of 1 / sqrt(m). The participation ratio
    estimates how many independent numbers describe an image; a blurred one has few.
    """
    share = _FALSE_MATCHES / len(vectors)
    # Makes no second array of this size.
    fourth = np.einsum("ij,ij,ij,ij->i", vectors, vectors, vectors, vectors, dtype=np.float32)
    return np.asarray(-NormalDist().inv_cdf(share) * np.sqrt(np.maximum(fourth, 1e-9)))
