"""The one Optuna study of a run: every trial's choices, score and record; `trial_files` holds the rest."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace

import optuna
import sqlalchemy.exc
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from autotl.interfaces import Sampler
from autotl.runs.run import Run
from autotl.runs.storage import close_storage, open_storage, opened
from autotl.search import lost_trials
from autotl.search.trial_files import send_trial_files
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
        storage=open_storage(run.storage),
        direction="maximize" if maximise else "minimize",
        pruner=optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
    study.sampler = sampler.build(run.config.seed + len(study.get_trials(deepcopy=False)) + 1000 * worker)
    return study


def close_study(study: optuna.Study) -> None:
    """Close the connections of a study that `open_study` returned."""
    cached = study._storage  # Optuna puts a cache before a database
    close_storage(getattr(cached, "_backend", cached))


def pinned(sampler: optuna.samplers.BaseSampler, fixed: Params) -> optuna.samplers.BaseSampler:
    """A sampler that gives fixed values to some parameters, by Optuna's key, and samples the rest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.PartialFixedSampler(dict(fixed), sampler)


def finish(study: optuna.Study, trial: optuna.Trial, record: TrialRecord, *, run: Run) -> TrialRecord:
    """Store a trial's record and tell Optuna its value; returns the record as it is kept.

    What comes of a trial that was given up meanwhile is kept as a new trial, with another number.
    """
    if record.state == "complete":  # who hears of a trial may look for its files at once
        send_trial_files(run, trial.number)
    try:
        _tell(study, trial, record)
    except (UpdateFinishedTrialError, ValueError):
        found = study._storage.get_trial(trial._trial_id)
        if not found.state.is_finished():
            raise
        # It was told, and the answer was lost with the connection.
        if not lost_trials.was_lost(found) and json.dumps(found.user_attrs.get(_RECORD)) == json.dumps(
            record.to_json()
        ):
            return record
        if record.state == "failed":  # it is tried again anyway
            return record
        later = lost_trials.keep_late(study, trial, run)
        record = replace(record, number=later.number)
        send_trial_files(run, later.number)
        _tell(study, later, record)
    return record


def _tell(study: optuna.Study, trial: optuna.Trial | FrozenTrial, record: TrialRecord) -> None:
    """Raises UpdateFinishedTrialError or ValueError if the trial has ended."""
    study._storage.set_trial_user_attr(trial._trial_id, _RECORD, record.to_json())
    if record.state == "complete":
        study.tell(trial.number, record.score.value)
    else:
        study.tell(trial.number, state=TrialState.PRUNED if record.state == "pruned" else TrialState.FAIL)


def records(study: optuna.Study) -> list[TrialRecord]:
    """The records of all trials that have ended, in their order."""
    return records_of(study.get_trials(deepcopy=False), {})


def records_of(trials: Sequence[FrozenTrial], known: dict[int, TrialRecord]) -> list[TrialRecord]:
    """The records of those trials of a study that have ended.

    known: by number, what was read before; a trial that has ended changes no more. The others are added.
    """
    ended = [trial for trial in trials if trial.state.is_finished()]
    for trial in ended:
        if trial.number not in known:
            known[trial.number] = _read(trial)
    return [known[trial.number] for trial in ended]


def read_records(run: Run) -> list[TrialRecord]:
    """The records of another run's study, which is only read; none where it has no study any more."""
    try:
        with opened(run.storage) as storage:
            return records(optuna.load_study(study_name=run.study_name, storage=storage))
    except (KeyError, ConnectionError, optuna.exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError):
        return []


def mark_default(trial: optuna.Trial) -> None:
    """Say that a trial is the untuned default."""
    trial.set_user_attr(_DEFAULT, True)


def default_number(study: optuna.Study) -> int | None:
    """The number of the untuned default's completed trial, None before there is one."""
    return default_of(study.get_trials(deepcopy=False))


def default_of(trials: Sequence[FrozenTrial]) -> int | None:
    """The same, among the trials of a study."""
    done = (trial for trial in trials if trial.state == TrialState.COMPLETE)
    return next((trial.number for trial in done if trial.user_attrs.get(_DEFAULT)), None)


def _read(trial: FrozenTrial) -> TrialRecord:
    stored = trial.user_attrs.get(lost_trials.LOST if lost_trials.was_lost(trial) else _RECORD)
    if stored is None:
        return TrialRecord(trial.number, "failed", "", reason="no record: another program ran this trial")
    return TrialRecord.from_json(stored)
