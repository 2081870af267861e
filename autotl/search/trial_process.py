"""Networks are trained in a process of their own, with a deadline and a limit of memory.

A network that hangs, crashes or uses too much memory costs its trial only. The files of a trial are written there, to
the same places; events, values for the study and costs are told as they come, and kept here.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autotl.errors import HeadError, ItemLostError, OutOfTimeError
from autotl.interfaces import Head
from autotl.runs.event_log import parse_event
from autotl.runs.events import EngineChosen, Event, FeaturesRead, Message, Progress, StageBegun
from autotl.runtime import keras_backend
from autotl.runtime.guarded_process import ChildEndedError, Document, GuardedProcess
from autotl.search.context import SearchContext
from autotl.search.pruning import Reporter
from autotl.search.run_trial import ended
from autotl.search.trial_deadlines import TrialDeadlines
from autotl.search.trial_task import TrialTask
from autotl.trial import FINE_TUNE, PROBE, Candidate, TrialRecord

OPEN_SECONDS = 300.0
"""Importing the frameworks and opening the run takes some seconds, on a busy machine a minute."""
CHILD = "autotl.search.trial_child"
"""The module that the process runs."""


class TrialProcess:
    """Performs the trials of a run in which networks are trained, one at a time; close it."""

    tells_costs = True

    def __init__(self, context: SearchContext) -> None:
        self._context = context
        self._process: GuardedProcess | None = None
        self._is_opening = False
        self._deadlines = TrialDeadlines(context.run.config.budget_seconds)
        # What Python code has passed in cannot be loaded in another process.
        self._is_usable = all(one.origin != "caller" or not one.offers for one in context.plugins.loaded.values())

    def takes(self, candidate: Candidate) -> bool:
        """Whether a network is trained: a fine-tune trial, or a probe with a network of ours as its head.

        Heads of other authors have a process already.
        """
        if not self._is_usable or candidate.strategy not in (FINE_TUNE, PROBE):
            return False
        return candidate.strategy == FINE_TUNE or self._is_network(candidate.head)

    def _is_network(self, head: Head) -> bool:
        processes = self._context.processes
        return not processes.is_foreign(head.name) and processes.traits(head).network

    @property
    def is_running(self) -> bool:
        """Whether the process has been started."""
        return self._process is not None and self._process.is_alive

    def prepare(self) -> None:
        """Start the process, so that it imports its frameworks beside other work; this waits for nothing."""
        if self._is_usable:
            try:
                self._start()
            except (OSError, ChildEndedError):  # raised again where a trial needs it
                self.close()

    def prepare_if_certain(self) -> None:
        """Start the process where this run trains a network whatever its results are."""
        config, context = self._context.run.config, self._context
        asked = (context.space.heads[name] for name in config.heads)
        if config.strategy == FINE_TUNE or any(self._is_network(head) for head in asked):
            self.prepare()

    def perform(self, task: TrialTask, seconds_left: float, reporter: Reporter) -> TrialRecord:
        """Perform a trial in the process, and return its record.

        Raises HeadError if the process ends before it does, or takes too long or too much memory; OSError for a
        condition of the machine.
        """
        context, until = self._context, time.monotonic() + seconds_left
        candidate = context.candidate(task.begun)
        with self._told(candidate):
            self._start()
        try:
            with context.seconds_left.lifted(when=task.untimed):
                # Here, where the planner learns of it, and how fast it is; the child finds them in the cache.
                context.reader.features(candidate.backbone, candidate.reading.size)
        except OutOfTimeError as early:
            return ended(task.begun, "pruned", str(early), cause="time")
        with self._told(candidate):
            process = self._opened(reporter)
            began = time.monotonic()
            record = self._ask(process, task, candidate, until - began, reporter)
            self._deadlines.took(task, time.monotonic() - began)
            if record.state == "failed" and keras_backend.is_out_of_memory(record.reason):
                process.renew()  # a GPU keeps what it gave to a process
                self._begin_again()
        return record

    def close(self) -> None:
        """End the process."""
        process, self._process, self._is_opening = self._process, None, False
        if process:
            process.end()

    def _ask(
        self, process: GuardedProcess, task: TrialTask, candidate: Candidate, seconds_left: float, reporter: Reporter
    ) -> TrialRecord:
        context, given = self._context, self._context.settings.trial_memory_gb
        deadline = self._deadlines.for_trial(
            task, seconds_left, n_folds=context.run.split.n_folds, expected=lambda: self._expected(candidate)
        )
        memory = process.may_hold(given * 1e9 if given else math.inf, beside=context.run.config.workers_here)
        with process.watched(deadline, memory):
            process.send({"do": "perform", "task": task.to_json(), "seconds_left": seconds_left})
            answer = self._answer(process, reporter)
        if "condition" in answer:
            number, text, file = answer["condition"]
            raise OSError(number, text, file)
        return TrialRecord.from_json(answer["record"])

    def _expected(self, candidate: Candidate) -> float:
        """Seconds that a trial should take."""
        costs, n_folds = self._context.costs, self._context.run.split.n_folds
        if candidate.training is None:
            return costs.probe_cost(candidate.head.name, network=True)
        estimate = costs.fine_tune_seconds(candidate)
        return n_folds * estimate.seconds(estimate.n_epochs, filled=False, augment=candidate.training.augment)

    def _answer(self, process: GuardedProcess, reporter: Reporter) -> dict[str, Any]:
        """What the child answers; what it tells meanwhile is passed on. HeadError for an error."""
        while True:
            answer, _ = process.receive()
            if "event" in answer:
                self._emit(parse_event(json.dumps(answer["event"]).encode()))
            elif "report" in answer:
                reporter.report(*answer["report"])
            elif "fold" in answer:
                self._context.costs.learn(*answer["fold"])
            elif "error" in answer:
                if answer["error"] == ItemLostError.__name__:
                    raise ItemLostError(answer["message"])
                raise HeadError(f"{answer['error']}: {answer['message']}", str(answer["traceback"]))
            else:
                return answer
            process.reply({})

    def _emit(self, event: Event | None) -> None:
        """Keep an event of the child, but for those of features, which were read here before."""
        of_features = isinstance(event, StageBegun | FeaturesRead | EngineChosen)
        of_features = of_features or (isinstance(event, Progress) and event.stage == "features")
        if event and not of_features:
            self._context.run.emit(event)

    def _start(self) -> None:
        if not self.is_running:
            self.close()
            self._process = GuardedProcess(CHILD)
            self._begin_to_open()

    def _begin_to_open(self) -> None:
        """Have the process open the run; `_opened` waits for it."""
        assert self._process
        context, loaded = self._context, self._context.plugins.loaded.values()
        files = [one.source for one in loaded if one.origin == "file"]
        body: Document = {
            "do": "open", "run": str(context.run.folder), "root": str(context.run.dataset.root),
            "settings": context.settings.model_dump(mode="json"),
            "plugins": [one.name for one in loaded if one.origin != "caller"],
            "plugin_folder": str(Path(files[0]).parent) if files else "",
            "traits": {
                name: asdict(context.processes.traits(head)) for name, head in context.plugins.all(Head).items()
                if name in context.space.heads or head is context.space.default_head
            },
        }  # fmt: skip
        self._process.send(body)
        self._is_opening = True

    def _opened(self, reporter: Reporter) -> GuardedProcess:
        """The process, once it has opened the run; where it cannot, it is used no more."""
        process = self._process
        assert process
        if self._is_opening:
            limit = time.monotonic() + OPEN_SECONDS
            try:
                with process.watched(lambda: limit - time.monotonic(), process.may_hold(math.inf)):
                    self._answer(process, reporter)
            except HeadError as error:
                self._is_usable = False
                text = (
                    f"the process in which networks are trained cannot open the run, so this one trains them: {error}"
                )
                self._context.run.emit(Message(text))
                raise
            self._is_opening = False
        return process

    @contextmanager
    def _told(self, candidate: Candidate) -> Iterator[None]:
        """Say of a trial how its process ended, and have the next one ready; no half-read answer is left behind."""
        try:
            yield
        except ChildEndedError as how:
            self._begin_again()
            what = f"training {candidate.head.name} on {candidate.backbone.name} {how}{self._advice(str(how))}"
            raise HeadError(what, how.where, crashed=True) from None
        except BaseException:
            self.close()
            raise

    def _advice(self, how: str) -> str:
        if not how.startswith("used "):
            return ""
        if self._context.settings.trial_memory_gb:
            return "; set AUTOTL_TRIAL_MEMORY_GB to allow more"
        return "; close other programs, or use fewer --workers"

    def _begin_again(self) -> None:
        try:
            if self._process and self._process.is_alive:
                self._begin_to_open()
            else:
                self.close()
        except ChildEndedError:
            self.close()
