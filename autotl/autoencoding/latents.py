"""What latents say of images: how rare each is, what lies between two, and what new ones may look like."""

from __future__ import annotations

import numpy as np

N_NEAREST = 10
MOST_COMPONENTS = 10
_IMAGES_PER_LATENT = 10
"""So many for each latent and component, whose covariances are estimated."""
_LEAST_VARIANCE = 1e-2
"""Of a latent within a component, as a share of the mean variance."""


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


def sample(latents: np.ndarray, n: int, *, seed: int) -> np.ndarray:
    """New latents, float32 (n, n_latents), from a mixture of normal distributions that is fitted to known ones.

    latents: float (n_images, n_latents), n_images at least 2. A density fitted after the training makes better images
    than the standard normal distribution, from which the latents of a variational autoencoder always differ, and
    serves others, too (Ghosh et al. 2020, arXiv:1903.12436).
    """
    from sklearn.mixture import GaussianMixture

    known = latents.astype(np.float64)
    n_components = int(np.clip(len(known) // (_IMAGES_PER_LATENT * known.shape[1]), 1, MOST_COMPONENTS))
    spread = max(float(known.var(axis=0).mean()), 1e-12)
    mixture = GaussianMixture(n_components, reg_covar=_LEAST_VARIANCE * spread, random_state=seed)
    drawn, _ = mixture.fit(known).sample(n)
    return np.random.default_rng(seed).permutation(drawn).astype(np.float32)  # they come component by component
