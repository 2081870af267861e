"""Cohen's kappa (Cohen 1960): agreement beyond what the frequencies of the classes would give by chance."""

import numpy as np

import autotl
from autotl.interfaces import Evaluator


def kappa(labels, probabilities):
    k = probabilities.shape[1]
    counts = np.bincount(labels * k + probabilities.argmax(axis=1), minlength=k * k).reshape(k, k)
    shares = counts / max(1, counts.sum())
    by_chance = float(shares.sum(axis=0) @ shares.sum(axis=1))
    return (float(np.trace(shares)) - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


@autotl.hookimpl
def register_evaluators():
    yield Evaluator("cohens_kappa", kappa)
