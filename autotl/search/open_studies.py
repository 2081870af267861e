"""Whether workers may take trials from a study: told by the study itself, which all of them reach."""

from __future__ import annotations

import importlib.metadata
from enum import Enum

import optuna
from optuna.storages import BaseStorage

from autotl.runs.run import Run
from autotl.runs.storage import opened

WARM_STARTED = "warm_started"
"""The attribute of a study that says that the first trials are queued."""
_ENDED, _VERSION = "autotl_ended", "autotl_version"


class Standing(Enum):
    """Of a study, as a worker sees it: there is none, its first trials are not queued, it is open, it has ended."""

    ABSENT = "absent"
    BEGINNING = "beginning"
    OPEN = "open"
    ENDED = "ended"


def standing(run: Run, storage: BaseStorage) -> Standing:
    """How it stands with the study of a run; raises what its storage raises."""
    try:
        found = optuna.load_study(study_name=run.study_name, storage=storage).user_attrs
    except KeyError:
        return Standing.ABSENT
    if found.get(_ENDED):
        return Standing.ENDED
    return Standing.OPEN if found.get(WARM_STARTED) else Standing.BEGINNING


def own_version() -> str:
    """The version of AutoTL in this process."""
    return importlib.metadata.version("autotl")


def leading_version(run: Run, storage: BaseStorage) -> str:
    """The version of AutoTL that leads the search; empty if it is not known."""
    return str(optuna.load_study(study_name=run.study_name, storage=storage).user_attrs.get(_VERSION, ""))


def set_ended(run: Run, *, ended: bool) -> None:
    """Tell the workers that the search has ended, or that this process leads it; raises what the storage raises."""
    with opened(run.storage) as storage:
        study = optuna.load_study(study_name=run.study_name, storage=storage)
        if not ended:
            study.set_user_attr(_VERSION, own_version())
        study.set_user_attr(_ENDED, ended)
