"""Proposing a fine-tune trial: the study's sampler, asked on a copy of the study in which probes and networks compare.

The values of a fine-tuned network and of a probe differ by more than any choice within either makes of a difference, so
that a sampler would take all of one kind for good and all of the other for bad. In the copy a trial's value is its rank
among those of its own strategy: choices that both make are learned from both, and the others from networks alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from autotl.search.hyperparameters import OptunaHyperParameters
from autotl.search.optuna_study import pinned
from autotl.search.space import Space
from autotl.trial import FINE_TUNE, PROBE, Candidate, Params

if TYPE_CHECKING:
    import keras_tuner

    from autotl.interfaces import Head

MAX_PROPOSALS = 12
"""So many are drawn until one can be afforded; each takes a tenth of a second after some dozens of trials."""


def propose(
    study: optuna.Study,
    *,
    sampler: Callable[[], optuna.samplers.BaseSampler],
    space: Space,
    fixed: Params,
    accepts: Callable[[Candidate], bool],
    declare: Callable[[Head, keras_tuner.HyperParameters], object],
) -> Params | None:
    """The parameters of a trial, ready for `study.enqueue_trial`; None if none was accepted.

    sampler(): a fresh one. fixed: values by Optuna's key. declare(head, hp): let the head ask for its parameters.
    """
    alone = comparable(study)
    alone.sampler = pinned(sampler(), fixed)
    for _ in range(MAX_PROPOSALS):
        trial = alone.ask()
        hp = OptunaHyperParameters(trial)
        candidate = space.sample(hp)
        if accepts(candidate):
            with suppress(Exception):  # it fails again in its trial, whose record says why
                declare(candidate.head, hp)
            return dict(hp.optuna_params)
        alone.tell(trial, state=TrialState.FAIL)
    return None


def comparable(study: optuna.Study) -> optuna.Study:
    """A copy in memory of the probes and networks of a study, to be minimised.

    A completed trial's value is the share of those of its strategy that are better, or as good and earlier: no two are
    equal, so that the best of both strategies are among the best. Pruned ones keep what they reported.
    """
    sign = -1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else 1
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    copy = optuna.create_study(direction="minimize")
    for strategy in (PROBE, FINE_TUNE):
        own = [trial for trial in trials if trial.params.get("strategy") == strategy]
        done = sorted((sign * trial.value, trial.number) for trial in own if trial.value is not None)
        places = {number: place / len(done) for place, (_, number) in enumerate(done)}
        copy.add_trials([_copied(trial, places.get(trial.number), sign) for trial in own])
    return copy


def _copied(trial: FrozenTrial, value: float | None, sign: int) -> FrozenTrial:
    pruned = trial.state == TrialState.PRUNED
    reported = {step: sign * told for step, told in trial.intermediate_values.items()} if pruned else {}
    return create_trial(
        state=trial.state, value=None if pruned else value, params=trial.params, distributions=trial.distributions,
        intermediate_values=reported,
    )  # fmt: skip
