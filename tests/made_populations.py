"""Populations whose shares are known, with the answers of a model that was trained on other shares."""

from __future__ import annotations

import numpy as np

from autotl.evidence.shares.post_stratified import LabelledSample


def population(prevalence: float, seed: int, n: int = 10_000) -> tuple[np.ndarray, np.ndarray]:
    """Labels 0 and 1, and probabilities of a model that is surer than it should be and saw as many of each class."""
    random = np.random.default_rng(seed)
    labels = (random.random(n) < prevalence).astype(int)
    evidence = random.normal(2.5 * labels, 1)
    second = 1 / (1 + np.exp(-3.75 * (evidence - 1.25)))
    return labels, np.column_stack([1 - second, second])


def labelled(labels: np.ndarray, probabilities: np.ndarray, n: int, seed: int) -> LabelledSample:
    """A simple random sample with its labels."""
    rows = np.random.default_rng([seed, n]).choice(len(labels), n, replace=False)
    return LabelledSample(probabilities, rows, labels[rows])


def calibrated(n: int, seed: int, n_classes: int = 3, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from the probabilities themselves."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, sharpness, (n, n_classes))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = (random.random(n)[:, None] > probabilities.cumsum(axis=1)).sum(axis=1)
    return np.minimum(labels, n_classes - 1), probabilities
