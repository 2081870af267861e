"""A trial as a document that another machine performs, and the answer as a document."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autotl.errors import PluginError
from autotl.interfaces import Perform
from autotl.plugins import load_preferred
from autotl.runs.run import Run, open_run
from autotl.runtime import keras_backend
from autotl.runtime.clock import steady_time
from autotl.search.pruning import Reporter
from autotl.search.trial_server import TrialServer
from autotl.search.trial_task import TrialTask
from autotl.settings import settings
from autotl.trial import Candidate, TrialRecord

_servers: dict[Path, TrialServer] = {}
"""One at most."""


@dataclass(frozen=True)
class Elsewhere:
    """Performs every trial of a run by a function that hands its document to another process."""

    run: Run
    hand_over: Perform
    tells_costs: bool = False

    def prepare(self) -> None:
        """There is nothing to prepare."""

    def takes(self, _candidate: Candidate) -> bool:
        """Every trial."""
        return True

    def perform(self, task: TrialTask, seconds_left: float, reporter: Reporter) -> TrialRecord:
        """Have a trial performed; what it reported meanwhile is told when it has ended."""
        answer = self._hand_over(seconds_left, task=task.to_json())
        for value, step in answer["reports"]:
            reporter.report(value, step)
        # What it took was measured there; when it began is told by the clock of this machine.
        return replace(TrialRecord.from_json(answer["record"]), started=task.begun.started)

    def read_default(self, number: int, seconds_left: float) -> None:
        """Have the features of the untuned default read that others have not read. number: of the worker."""
        self._hand_over(seconds_left, read=number)

    def _hand_over(self, seconds_left: float, **what: Any) -> Mapping[str, Any]:
        left = None if math.isinf(seconds_left) else seconds_left
        return self.hand_over({"run": str(self.run.folder), "seconds_left": left, **what})


@dataclass
class Reports:
    """Keeps what a trial reports, until it can be told to the study."""

    kept: list[tuple[float, int]] = field(default_factory=list)

    def report(self, value: float, step: int) -> None:
        """Keep the objective's value at a step."""
        self.kept.append((value, step))


def perform_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Perform the trial of a document in this process; returns its record and what it reported.

    A document without a trial asks to read the features of the untuned default, and nothing is returned. The run folder
    has to be there, and the features cached or the items readable. Raises what `TrialServer` raises.
    """
    began, left, reports = time.monotonic(), document["seconds_left"], Reports()
    server = _server(Path(document["run"]))
    left = math.inf if left is None else left - (time.monotonic() - began)
    if "task" not in document:
        server.read_default(left, document["read"])
        return {}
    task = TrialTask.from_json(document["task"])
    task = replace(task, begun=replace(task.begun, started=steady_time()))
    record = server.perform(task, left, reports)
    return {"record": record.to_json(), "reports": reports.kept}


def _server(folder: Path) -> TrialServer:
    """What performs the trials of a run here; opened once in a process, until another run is asked for."""
    if folder not in _servers:
        while _servers:
            _servers.popitem()[1].close()
        _servers[folder] = _open(folder)
    return _servers[folder]


def _open(folder: Path) -> TrialServer:
    keras_backend.prepare()
    run = open_run(folder)
    plugins = load_preferred(settings(), disable=run.config.disable_plugins)
    if plugins.broken:
        name, reason = next(iter(plugins.broken.items()))
        raise PluginError(f"plugin {name!r} cannot be loaded on this machine: {reason}")
    return TrialServer(run, plugins, settings())
