"""Optuna's own samplers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Sampler

if TYPE_CHECKING:
    import optuna


def build_tpe(seed: int) -> optuna.samplers.BaseSampler:
    """Tree-structured Parzen estimator; multivariate and grouped, because most parameters depend on others."""
    import warnings

    import optuna

    with warnings.catch_warnings():
        # `group` is marked experimental; without it parameters of different heads would be modelled as unrelated.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, n_startup_trials=10)


def build_random(seed: int) -> optuna.samplers.BaseSampler:
    """Independent random draws: the honest baseline for any other sampler."""
    import optuna

    return optuna.samplers.RandomSampler(seed=seed)


@hookimpl
def register_samplers() -> Iterable[Sampler]:
    yield Sampler("tpe", build_tpe)
    yield Sampler("random", build_random)
