"""Records every study in MLflow: a run per study, a child run per trial, the champion as a logged model.

It works beside the search, in a thread of its own, and never stops it: a store that cannot be reached is reported
once, tried again when the search ends, and otherwise left alone.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from autotl.errors import AutoTLError
from autotl.hookspecs import hookimpl
from autotl_plugins.mlflow_store.client import first_line, is_refusal, unusable_store
from autotl_plugins.trackers._study_record import StudyRecord
from autotl_plugins.trackers.system_metrics import MetricsSampler

if TYPE_CHECKING:
    from autotl.runs.result import RunResult
    from autotl.runs.run import Run
    from autotl.trial import TrialRecord

DRAIN_SECONDS = 60
"""How long the end of a search waits for what is still to be recorded."""

_log = logging.getLogger("autotl.mlflow")
_recorders: dict[Path, _Recorder] = {}


@hookimpl
def on_search_begin(run: Run) -> None:
    """Start recording."""
    recorder = _recorders[run.folder.absolute()] = _Recorder(run)
    recorder.start()


@hookimpl
def on_trial_end(run: Run, trial: TrialRecord) -> None:
    """Record a trial, later."""
    if recorder := _recorders.get(run.folder.absolute()):
        recorder.put(lambda: recorder.study.record_trial(trial))


@hookimpl
def record_run(run: Run, trials: Sequence[TrialRecord]) -> None:
    """Record a finished run from beginning to end, unless it is in the store already. Raises ConfigError."""
    study = StudyRecord(run, MetricsSampler(family=False))
    if (note := study.note()) and note.get("model_uri") and not note.get("problem"):
        return
    try:
        study.begin()
        for trial in trials:
            study.record_trial(trial)
        study.end(run.result(), run.state()["status"])
    except AutoTLError:
        raise
    except Exception as error:
        raise unusable_store(study.store, error) from error


@hookimpl
def on_search_end(run: Run) -> None:
    """Record the champion, and wait until everything is recorded."""
    if recorder := _recorders.pop(run.folder.absolute(), None):
        result = run.result()
        status = run.state()["status"]  # of this attempt: the result may be that of one before
        recorder.finish(result, result.status if result and status == "running" else status)


class _Recorder:
    """One study's way into MLflow: the hooks put steps into a queue, a thread takes them in order."""

    def __init__(self, run: Run) -> None:
        self.sampler = MetricsSampler(family=run.config.workers > 1)
        self.study = StudyRecord(run, self.sampler)
        self.problem = ""
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="autotl-mlflow", daemon=True)
        self._last: Callable[[], None] | None = None
        self._down = False

    def start(self) -> None:
        self.put(self.study.begin)
        self.sampler.start()
        self._thread.start()

    def put(self, step: Callable[[], None]) -> None:
        self._queue.put(step)

    def finish(self, result: RunResult | None, status: str) -> None:
        self.sampler.stop()
        was_down = self._down
        self._last = lambda: self.study.end(result, status)
        self.put(self._last)
        # A store that was away may be back: one attempt, without a long wait.
        self._thread.join(DRAIN_SECONDS / 6 if was_down else DRAIN_SECONDS)
        if self._thread.is_alive() and not self._down:
            self.problem = "it is slow: the search ended before everything was recorded"
            _log.warning("MLflow at %s cannot keep up: %s", self.study.shown, self.problem)
        if self.study.run_id or not self.study.note_file.exists():
            self.study.write_note(self.problem if self._down or self._thread.is_alive() else "")

    def _work(self) -> None:
        # MLflow takes seconds of a core to import, for which the first model should not have to wait: the first step
        # is taken when there is a second.
        pending = deque([self._queue.get()])
        while True:
            pending.append(step := self._queue.get())
            if not self._down or step is self._last:
                self._deliver(pending)
            if step is self._last:
                return

    def _deliver(self, pending: deque[Callable[[], None]]) -> None:
        """Take steps off the left until none is left, or until the store cannot be used."""
        while pending:
            try:
                pending[0]()
            except Exception as error:  # whatever happens here must not reach the search
                if not (self.study.run_id and is_refusal(error)):
                    self.problem = first_line(error)
                    if not self._down:
                        message = "MLflow at %s cannot be used; the search goes on without it (%s)"
                        _log.warning(message, self.study.shown, self.problem)
                    self._down = True
                    return
                _log.warning("MLflow at %s refused a record: %s", self.study.shown, first_line(error))
            pending.popleft()
            self._down = False
