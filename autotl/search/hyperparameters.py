"""A `keras_tuner.HyperParameters` whose every answer comes from an Optuna trial."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

from keras_tuner import HyperParameters
from keras_tuner.engine import hyperparameters as kinds
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from autotl.errors import ConfigError, PluginError
from autotl.trial import Params


@dataclass(frozen=True)
class _Question:
    """One hyperparameter as Optuna is asked for it, with the way from Optuna's value to ours and back."""

    key: str
    distribution: BaseDistribution
    decode: Callable[[Any], Any]
    encode: Callable[[Any], Any]


class OptunaHyperParameters(HyperParameters):  # type: ignore[misc]  # keras-tuner carries no types
    """Answers `hp.Int`, `hp.Float`, `hp.Choice`, `hp.Boolean` and `hp.Fixed` from an Optuna trial.

    fixed: values by full name (with name scopes) that are used without asking; ConfigError if out of the space.
    values: what was answered, by full name; `replay` gives the same answers again.
    optuna_params: what Optuna was asked for, by Optuna's key and in Optuna's encoding.
    """

    def __init__(self, trial: BaseTrial | None, *, fixed: Params | None = None) -> None:
        super().__init__()
        self.optuna_params: dict[str, float | int | str | bool] = {}
        self._trial = trial
        self._fixed = dict(fixed or {})
        self._overrides: Params = {}

    def _register(self, hyperparameter: kinds.HyperParameter, overwrite: bool = False) -> Any:
        # Every public method of keras-tuner ends here: the one private name that has to stay as it is.
        hp = hyperparameter
        if self.is_active(hp) and (overwrite or hp.name not in self.values):
            self.values[hp.name] = self._answer(hp)
        return super()._register(hp)

    def _answer(self, hp: kinds.HyperParameter) -> Any:
        if hp.name in self._fixed:
            return _inside(hp, self._fixed[hp.name])
        if isinstance(hp, kinds.Fixed):
            return hp.value
        question = _question(hp)
        if self._trial is None:
            answer = question.encode(_inside(hp, self._overrides.get(hp.name, hp.default)))
        else:
            answer = _ask(self._trial, question)
        self.optuna_params[question.key] = answer
        return question.decode(answer)


def defaults(
    space: Callable[[HyperParameters], object],
    *,
    values: Params | None = None,
    fixed: Params | None = None,
) -> Params:
    """Return the parameters of the default trial, ready for `study.enqueue_trial`.

    values: in place of a parameter's default, by full name; a value between two steps moves to the nearest step.
    fixed: as in `OptunaHyperParameters`. Raises ConfigError if either is not in the space.
    """
    hp = OptunaHyperParameters(None, fixed=fixed)
    hp._overrides = dict(values or {})
    space(hp)
    unknown = sorted({*hp._overrides, *hp._fixed} - set(hp.values))
    if unknown:
        raise ConfigError(f"the search has no parameter {unknown[0]!r} here; it has {', '.join(hp.values)}")
    return hp.optuna_params


def fixed_hyperparameters(values: Params) -> HyperParameters:
    """Return plain hyperparameters that give exactly these values, and defaults for what is missing."""
    hp = HyperParameters()
    hp.values = dict(values)
    return hp


def _ask(trial: BaseTrial, question: _Question) -> Any:
    match question.distribution:
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(question.key, choices)
        case IntDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_int(question.key, low, high, step=step, log=log)
        case FloatDistribution(low=low, high=high, log=log):
            return trial.suggest_float(question.key, low, high, log=log)
    raise TypeError(question.distribution)


def _question(hp: kinds.HyperParameter) -> _Question:
    # The same name in two branches may have two ranges, which Optuna refuses under one key.
    conditions = [f"{c.name}={'|'.join(map(str, c.values))}" for c in hp.conditions]
    key = "/".join([*conditions, hp.name])
    if isinstance(hp, kinds.Boolean):
        return _Question(key, CategoricalDistribution([False, True]), bool, bool)
    if isinstance(hp, kinds.Choice):
        return _Question(key, CategoricalDistribution(hp.values), _same, _same)
    if not isinstance(hp, kinds.Int | kinds.Float):
        raise PluginError(f"hyperparameter {hp.name!r} is a {type(hp).__name__}, which AutoTL cannot search")
    low, high, number = hp.min_value, hp.max_value, int if isinstance(hp, kinds.Int) else float
    if hp.step is not None and not (number is int and hp.sampling == "linear" and hp.step == 1):
        return _grid(hp, key, number)
    distribution = IntDistribution if number is int else FloatDistribution
    if hp.sampling == "reverse_log":
        # Mirrored, a reverse_log range is a log range, which Optuna knows.
        def mirror(value: Any) -> Any:
            return min(max(low + high - value, low), high)

        return _Question(f"{key}#mirrored", distribution(low, high, log=True), mirror, mirror)
    return _Question(key, distribution(low, high, log=hp.sampling == "log"), number, number)


def _grid(hp: kinds.HyperParameter, key: str, number: Callable[[Any], Any]) -> _Question:
    """Ask for the index of a step: Optuna has no steps on a log range, and its float steps drift."""
    low, high, step = (Decimal(str(end)) for end in (hp.min_value, hp.max_value, hp.step))
    if hp.sampling == "linear":
        grid = [low + index * step for index in range(int((high - low) / step) + 1)]
    else:
        # 1e-9: the logarithm of an exact power may fall a hair short of a whole number.
        grid = [low * step**index for index in range(int(math.log(high / low, step) + 1e-9) + 1)]
    if hp.sampling == "reverse_log":
        grid = [low + high - value for value in reversed(grid)]
    points = [number(value) for value in grid]

    def nearest_index(value: Any) -> int:
        return min(range(len(points)), key=lambda index: abs(points[index] - value))

    return _Question(f"{key}#index", IntDistribution(0, len(points) - 1), points.__getitem__, nearest_index)


def _inside(hp: kinds.HyperParameter, value: Any) -> Any:
    if isinstance(hp, kinds.Int | kinds.Float):
        good = isinstance(value, Real) and hp.min_value <= value <= hp.max_value
        expected = f"a number from {hp.min_value} to {hp.max_value}"
    else:
        options = [False, True] if isinstance(hp, kinds.Boolean) else getattr(hp, "values", [hp.default])
        good, expected = value in options, f"one of {', '.join(map(str, options))}"
    if not good:
        raise ConfigError(f"{hp.name!r} is {value!r}; expected {expected}")
    return value


def _same(value: Any) -> Any:
    return value
