"""Networks are trained in a process of their own, with a deadline and a limit of memory.

A network that hangs, crashes or uses too much memory costs its trial only. The files of a trial are written there, to
the same places; events, values for the study and costs are told as they come, and kept here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from autotl.errors import HeadError, OutOfTimeError
from autotl.interfaces import Head
from autotl.runs.events import EngineChosen, Event, FeaturesRead, Message, Progress, StageBegun
from autotl.runtime import keras_backend
from autotl.runtime.guarded_process import ChildEndedError, GuardedProcess
from autotl.search.context import SearchContext
from autotl.search.pruning import Reporter
from autotl.search.run_process import RunProcess, advice, answer_of, loads_again, opening
from autotl.search.run_trial import ended
from autotl.search.trial_deadlines import TrialDeadlines
from autotl.search.trial_task import TrialTask
from autotl.trial import FINE_TUNE, PROBE, Candidate, TrialRecord


class TrialProcess:
    """Performs the trials of a run in which networks are trained, one at a time; close it."""

    tells_costs = True

    def __init__(self, context: SearchContext) -> None:
        self._context, self._process = context, RunProcess(lambda: opening(context.run, [context]))
        self._deadlines = TrialDeadlines(context.run.config.budget_seconds)
        self._is_usable = loads_again(context.plugins)

    @property
    def is_running(self) -> bool:
        """Whether the process has been started."""
        return self._process.is_running

    def takes(self, candidate: Candidate) -> bool:
        """Whether a network is trained: a fine-tune trial, or a probe with a network of ours as its head.

        Heads of other authors have a process already.
        """
        if not self._is_usable:
            return False
        tunes = candidate.strategy == FINE_TUNE
        return tunes or (candidate.strategy == PROBE and self._is_network(candidate.head))

    def prepare(self) -> None:
        """Start the process, so that it imports its frameworks beside other work; this waits for nothing."""
        if self._is_usable:
            try:
                self._process.start()
            except (OSError, ChildEndedError):  # raised again where a trial needs it
                self.close()

    def prepare_if_certain(self) -> None:
        """Start the process where this run trains a network whatever its results are."""
        config = self._context.run.config
        asked = (self._context.space.heads[name] for name in config.heads)
        if config.strategy == FINE_TUNE or any(self._is_network(head) for head in asked):
            self.prepare()

    def perform(self, task: TrialTask, seconds_left: float, reporter: Reporter) -> TrialRecord:
        """Perform a trial in the process, and return its record.

        Raises HeadError if the process ends before it does, or takes too long or too much memory; OSError for a
        condition of the machine.
        """
        context, until = self._context, time.monotonic() + seconds_left
        candidate = context.candidate(task.begun)
        self.prepare()
        try:
            with context.seconds_left.lifted(when=task.untimed):
                # Here, where the planner learns of it, and how fast it is; the child finds them in the cache.
                context.reader.features(candidate.backbone, candidate.reading.size)
        except OutOfTimeError as early:
            return ended(task.begun, "pruned", str(early), cause="time")
        try:
            with self._process.kept_ready():
                record = self._perform(task, candidate, until, reporter)
        except ChildEndedError as how:
            what = f"training {candidate.head.name} on {candidate.backbone.name} {how}"
            what += advice(str(how), context.settings, shares_machine=True)
            raise HeadError(what, how.where, crashed=True) from None
        if record.state == "failed" and keras_backend.is_out_of_memory(record.reason):
            self._process.renew()  # a GPU takes back what a process had only when it ends
        return record

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def _is_network(self, head: Head) -> bool:
        processes = self._context.processes
        return not processes.is_foreign(head.name) and processes.traits(head).network

    def _perform(self, task: TrialTask, candidate: Candidate, until: float, reporter: Reporter) -> TrialRecord:
        """until: the end of the search, by the monotonic clock."""
        context, given = self._context, self._context.settings.trial_memory_gb
        self._process.start()
        process = self._opened(reporter)
        began = time.monotonic()
        deadline = self._deadlines.for_trial(
            task, until - began, n_folds=context.run.split.n_folds, expected=lambda: self._expected(candidate)
        )
        memory = process.may_hold(given * 1e9 if given else math.inf, beside=context.run.config.workers_here)
        with process.watched(deadline, memory):
            process.send({"do": "perform", "task": task.to_json(), "seconds_left": until - time.monotonic()})
            answer = self._answer(process, reporter)
        self._deadlines.took(task, time.monotonic() - began)
        return TrialRecord.from_json(answer["record"])

    def _opened(self, reporter: Reporter) -> GuardedProcess:
        """The process, once it has opened the run; where it cannot, it is used no more."""
        try:
            return self._process.opened(lambda process: self._answer(process, reporter))
        except HeadError as error:
            self._is_usable = False
            text = f"networks are trained in this process, for another one cannot open the run: {error}"
            self._context.run.emit(Message(text))
            raise

    def _expected(self, candidate: Candidate) -> float:
        """Seconds that a trial should take."""
        costs, n_folds = self._context.costs, self._context.run.split.n_folds
        if candidate.training is None:
            return costs.probe_cost(candidate.head.name, network=True)
        estimate = costs.fine_tune_seconds(candidate)
        return n_folds * estimate.seconds(estimate.n_epochs, filled=False, augment=candidate.training.augment)

    def _answer(self, process: GuardedProcess, reporter: Reporter) -> Mapping[str, Any]:
        context = self._context

        def emit(event: Event) -> None:
            if not _is_of_features(event):
                context.run.emit(event)

        return answer_of(
            process, emit,
            {"report": lambda told: reporter.report(*told), "fold": lambda told: context.costs.learn(*told)},
        )  # fmt: skip


def _is_of_features(event: Event) -> bool:
    """Whether it tells of features, which were read in this process before."""
    of_features = isinstance(event, StageBegun | FeaturesRead | EngineChosen)
    return of_features or (isinstance(event, Progress) and event.stage == "features")
