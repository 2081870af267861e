"""What a worker without the items on its machine leaves to the others: all but probes of features that it has."""

from __future__ import annotations

import time

import optuna
from optuna.trial import FrozenTrial, TrialState

from autotl.search.context import SearchContext
from autotl.trial import FINE_TUNE, parse_size

LOOK_SECONDS = 1.0


def waits_for_others(context: SearchContext, study: optuna.Study) -> bool:
    """Whether a trial is queued that this worker cannot run, and would be given; if so, it waits for a moment."""
    if context.reader.has_items:
        return False
    queued = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if all(_can_run(context, trial) for trial in queued):
        return False
    time.sleep(LOOK_SECONDS)
    return True


def _can_run(context: SearchContext, trial: FrozenTrial) -> bool:
    chosen = trial.system_attrs.get("fixed_params", {})
    backbone = chosen.get("backbone")
    size = chosen.get(f"backbone={backbone}/size")
    if chosen.get("strategy") == FINE_TUNE or backbone is None or size is None:
        return False
    return context.costs.has_features(backbone, parse_size(size))
