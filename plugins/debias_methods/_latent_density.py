"""How often an item is drawn: the more, the rarer its latent variables are in its class."""

from __future__ import annotations

import numpy as np

N_BINS = 10


def sampling_probabilities(latents: np.ndarray, labels: np.ndarray, alpha: float) -> np.ndarray:
    """Probability of each item by the inverse density of its latents, float (n,), sums to 1.

    latents: float (n, n_latents), the means of the encoder; labels: int (n,). alpha: added to the share of items in a
    bin, above 0; the larger, the more even the probabilities. The density of a latent is a histogram of its class; of
    the latents the one counts in which the item is rarest, as in the authors' published code. Each class keeps its
    share of the items. Amini et al. 2019, adaptive resampling.
    """
    found = np.zeros(len(labels))
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        rarity = 1 / (_bin_shares(latents[own]) + alpha)
        rarest = (rarity / rarity.sum(axis=0)).max(axis=1)
        found[own] = len(own) / len(labels) * rarest / rarest.sum()
    return found


def _bin_shares(values: np.ndarray) -> np.ndarray:
    """The share of rows in the bin of each value, by column; bins are of one width from the least to the largest."""
    low, width = values.min(axis=0), np.ptp(values, axis=0) / N_BINS
    bins = ((values - low) / np.where(width > 0, width, 1)).astype(int).clip(0, N_BINS - 1)
    shares = np.empty(values.shape)
    for column in range(values.shape[1]):
        shares[:, column] = np.bincount(bins[:, column], minlength=N_BINS)[bins[:, column]] / len(values)
    return shares
