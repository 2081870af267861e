"""Quasi-random trials (Bergstra and Bengio 2012): they cover the search space more evenly than random ones."""

import warnings

import autotl
from autotl.interfaces import Sampler


def build(seed):
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)


@autotl.hookimpl
def register_samplers():
    yield Sampler("quasi-random", build)
