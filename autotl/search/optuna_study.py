"""The one Optuna study of a run: every trial's choices, score and record; `trial_files` holds the rest."""

from __future__ import annotations

import logging
import time
import warnings

import optuna
import sqlalchemy.exc
from optuna.trial import FrozenTrial, TrialState

from autotl.errors import ConfigError, in_one_line
from autotl.interfaces import Sampler
from autotl.runs.run import Run
from autotl.runtime.addresses import hide_secrets, without_secrets
from autotl.trial import Params, TrialRecord

_RECORD = "autotl_record"
_DEFAULT = "autotl_default"


def open_study(run: Run, *, sampler: Sampler, maximise: bool, worker: int = 0) -> optuna.Study:
    """Create or load the study; which trials to prune is not left to it (see `pruning.py`).

    worker: 0 for the main process. Each worker, and each resumed search, draws from a seed of its own, for the same
    seed would propose the same random trials again.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    study = optuna.create_study(
        study_name=run.study_name,
        storage=run.storage,
        direction="maximize" if maximise else "minimize",
        pruner=optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
    study.sampler = sampler.build(run.config.seed + len(study.get_trials(deepcopy=False)) + 1000 * worker)
    return study


def require_storage(address: str) -> None:
    """Raise ConfigError where Optuna cannot keep trials at an address, such as for a slip in it."""
    try:
        optuna.storages.RDBStorage(address).remove_session()
    except Exception as error:
        shown, reason = hide_secrets(address), without_secrets(in_one_line(error))
        raise ConfigError(
            f"the storage {shown} cannot be used: {reason}. Correct --storage; an address looks like "
            "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, and its package, here psycopg, has to be installed"
        ) from None


def pinned(sampler: optuna.samplers.BaseSampler, fixed: Params) -> optuna.samplers.BaseSampler:
    """A sampler that gives fixed values to some parameters, by Optuna's key, and samples the rest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.PartialFixedSampler(dict(fixed), sampler)


def finish(study: optuna.Study, trial: optuna.Trial, record: TrialRecord) -> None:
    """Store a trial's record and tell Optuna its value."""
    trial.set_user_attr(_RECORD, record.to_json())
    if record.state == "complete":
        study.tell(trial, record.score.value)
    else:
        study.tell(trial, state=TrialState.PRUNED if record.state == "pruned" else TrialState.FAIL)


def records(study: optuna.Study) -> list[TrialRecord]:
    """The records of all trials that have ended, in their order."""
    return [_read(trial) for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]


def read_records(run: Run) -> list[TrialRecord]:
    """The records of another run's study, which is only read; none where it has no study any more."""
    try:
        study = optuna.load_study(study_name=run.study_name, storage=run.storage)
    except (KeyError, sqlalchemy.exc.SQLAlchemyError):
        return []
    return records(study)


def mark_default(trial: optuna.Trial) -> None:
    """Say that a trial is the untuned default."""
    trial.set_user_attr(_DEFAULT, True)


def default_number(study: optuna.Study) -> int | None:
    """The number of the untuned default's completed trial, None before there is one."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return next((trial.number for trial in done if trial.user_attrs.get(_DEFAULT)), None)


def requeue_lost(study: optuna.Study) -> list[str]:
    """Give up trials that a killed process left running; queue their parameters again, once; say what was given up.

    The same choices, or a head of which no trial has completed, are not tried a third time: they may be what ended it.
    Call it only while no other process works on the study.
    """
    given_up = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        others, head = study.get_trials(deepcopy=False), _asked(trial, "head")
        same_head = [t for t in others if head and _asked(t, "head") == head]
        proven = any(t.state == TrialState.COMPLETE for t in same_head)
        before = [t for t in same_head if _lost(t) and (t.params == trial.params or not proven)]
        again = bool(before)
        reason = "interrupted; its parameters are tried again"
        if again:
            reason = f"the process ended while it ran, as in trial {before[-1].number}: it is not tried again"
            given_up.append(f"trial {trial.number}: {reason}")
        started = trial.datetime_start.timestamp() if trial.datetime_start else time.time()
        record = TrialRecord(
            trial.number, "failed", "", head=str(head or ""), started=started, reason=reason, cause="lost"
        )
        study._storage.set_trial_user_attr(trial._trial_id, _RECORD, record.to_json())
        study.tell(trial.number, state=TrialState.FAIL)
        if trial.params and not again:
            study.enqueue_trial(trial.params)
    return given_up


def _lost(trial: FrozenTrial) -> bool:
    return bool(trial.user_attrs.get(_RECORD, {}).get("cause") == "lost")


def _asked(trial: FrozenTrial, name: str) -> object:
    """A choice of a trial by its plain name; None where it was not made."""
    return next((value for key, value in trial.params.items() if key.rpartition("/")[2] == name), None)


def _read(trial: FrozenTrial) -> TrialRecord:
    stored = trial.user_attrs.get(_RECORD)
    if stored is None:
        return TrialRecord(trial.number, "failed", "", reason="no record: another program ran this trial")
    return TrialRecord.from_json(stored)
