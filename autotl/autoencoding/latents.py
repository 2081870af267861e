"""What latents say of images: how rare each is, what lies between two, and what new ones may look like."""

from __future__ import annotations

import numpy as np

N_NEAREST = 10


def rarity(latents: np.ndarray, k: int = N_NEAREST) -> np.ndarray:
    """The mean distance of each image to the k nearest others, float (n,): the larger, the lower the density.

    latents: float (n, n_latents), n at least 2. A distance to neighbours orders images as the density of the latents
    does (Loftsgaarden & Quesenberry 1965), and tells outliers from others (Angiulli & Pizzuti 2002).
    """
    from sklearn.neighbors import NearestNeighbors

    k = min(k, len(latents) - 1)
    distances, _ = NearestNeighbors(n_neighbors=k).fit(latents).kneighbors()  # without the image itself
    return np.asarray(distances.mean(axis=1))


def walk(first: np.ndarray, last: np.ndarray, n_steps: int) -> np.ndarray:
    """Latents at equal distances on the line between two, both included, float (n_steps, n_latents)."""
    return np.linspace(first, last, n_steps)


def sample(n: int, n_latents: int, *, seed: int) -> np.ndarray:
    """Latents drawn from the standard normal distribution, float32 (n, n_latents)."""
    return np.random.default_rng(seed).standard_normal((n, n_latents)).astype(np.float32)
