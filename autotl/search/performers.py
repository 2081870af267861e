"""Trials that are performed in another process than the one that asked the study for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from autotl.errors import OutOfTimeError, WorkerLostError
from autotl.runtime.conditions import is_condition
from autotl.search.context import SearchContext
from autotl.search.heads import head_params
from autotl.search.pruning import Reporter
from autotl.search.run_trial import ended, failed
from autotl.search.trial_task import TrialTask
from autotl.trial import PROBE, Candidate, TrialRecord

if TYPE_CHECKING:
    import keras_tuner


class Performer(Protocol):
    """Performs trials in another process."""

    @property
    def tells_costs(self) -> bool:
        """Whether the context learns from it what each fold of a probe took."""

    def prepare(self) -> None:
        """Make ready for a trial that will be given soon; this waits for nothing."""

    def takes(self, candidate: Candidate) -> bool:
        """Whether it performs trials of this kind; the others are performed where they are asked for."""

    def perform(self, task: TrialTask, seconds_left: float, reporter: Reporter) -> TrialRecord:
        """Perform a trial and return its record.

        Raises HeadError if its process ends before it does, or takes too long or too much memory, OutOfTimeError if it
        goes on after the end of the search, and WorkerLostError if the process or its machine is gone for reasons of
        their own.
        """


def perform_elsewhere(
    performer: Performer, context: SearchContext, task: TrialTask, candidate: Candidate,
    hp: keras_tuner.HyperParameters, reporter: Reporter,
) -> TrialRecord:  # fmt: skip
    """Let the head ask for its parameters here, where the study is known, and the trial be performed elsewhere.

    Raises WorkerLostError, KeyboardInterrupt, and what no other trial would escape.
    """
    begun = task.begun
    try:
        context.processes.declare(candidate.head, hp)
        begun = replace(begun, params=head_params(hp, candidate.head.name))
        record = performer.perform(replace(task, begun=begun), context.seconds_left.hard(), reporter)
    except WorkerLostError:
        raise
    except OutOfTimeError as late:
        return ended(begun, "pruned", str(late), cause="time")
    except Exception as error:
        if is_condition(error):  # of the machine: the next trial would meet it too
            raise
        return failed(context, begun, candidate, error)
    if record.state == "complete" and record.strategy == PROBE and not performer.tells_costs:
        context.costs.learn(candidate.head.name, record.seconds / context.run.split.n_folds)
    return record
