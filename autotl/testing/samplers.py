"""Conformance checks for samplers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotl.interfaces import (
    Sampler,
)
from autotl.testing.support import doing, named, new_study, require

if TYPE_CHECKING:
    import optuna


def check_sampler(sampler: Sampler) -> None:
    """Check that a seed fixes the proposals, on a space with a branch."""
    import optuna

    subject = named(sampler, "sampler")

    def proposals() -> list[dict[str, object]]:
        built = sampler.build(3)
        require(
            isinstance(built, optuna.samplers.BaseSampler),
            f"{subject}: build(seed) returned a {type(built).__name__}; expected an optuna sampler",
        )
        study = new_study(built)
        for _ in range(12):
            trial = study.ask()
            study.tell(trial, _branching_objective(trial))
        return [trial.params for trial in study.trials]

    with doing(f"{subject}: a study of 12 trials"):
        first, second = proposals(), proposals()
    require(first == second, f"{subject}: two samplers built with one seed proposed different trials")


def _branching_objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 1e-4, 1.0, log=True)
    if trial.suggest_categorical("kind", ["a", "b"]) == "a":
        return x
    return x + trial.suggest_int("depth", 1, 5)
