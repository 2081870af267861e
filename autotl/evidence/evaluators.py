"""Which evaluators score a target, and how they are asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autotl.errors import ConfigError
from autotl.interfaces import Evaluator
from autotl.plugins import Plugins
from autotl.targets import NUMBER, Kind


def evaluators_of(plugins: Plugins, kind: Kind) -> dict[str, Evaluator]:
    """The evaluators that score a kind of target, by name; all take answers as models give them, (n, n_outputs)."""
    return {name: _asked(one, kind) for name, one in plugins.all(Evaluator).items() if kind in one.targets}


def objective_of(plugins: Plugins, name: str, kind: Kind) -> Evaluator:
    """The evaluator of this name, as `evaluators_of` has it; ConfigError if it scores other kinds of target."""
    found = plugins.pick(Evaluator, name)
    if kind not in found.targets:
        others = ", ".join(evaluators_of(plugins, kind)) or "none"
        raise ConfigError(
            f"the objective {name!r} scores {' and '.join(map(repr, found.targets))}, and the target is {kind!r}; "
            f"choose another one with --objective: {others}"
        )
    return _asked(found, kind)


def _asked(evaluator: Evaluator, kind: Kind) -> Evaluator:
    """An evaluator of numbers is given the values themselves, float (n,)."""
    if kind != NUMBER:
        return evaluator
    score: Any = evaluator.score

    def of_values(labels: np.ndarray, answers: np.ndarray) -> Any:
        return score(labels, answers[:, 0])

    return replace(evaluator, score=of_values)
