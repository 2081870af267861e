"""Whether workers may take trials from a study: told by the study itself, which all of them reach."""

from __future__ import annotations

from enum import Enum

import optuna
from optuna.storages import BaseStorage

from autotl.runs.run import Run
from autotl.runs.storage import opened

WARM_STARTED = "warm_started"
"""The attribute of a study that says that the first trials are queued."""
_ENDED = "autotl_ended"


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


def set_ended(run: Run, *, ended: bool) -> None:
    """Tell the workers that the search has ended, or that it goes on; raises what the storage raises."""
    with opened(run.storage) as storage:
        optuna.load_study(study_name=run.study_name, storage=storage).set_user_attr(_ENDED, ended)
