"""Performing the trials of a run in a process that neither asks nor tells its study."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from autotl.plugins import Plugins
from autotl.runs.run import Run
from autotl.search.context import open_context
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.pruning import Reporter
from autotl.search.remote_heads import HeadProcesses, Traits
from autotl.search.run_trial import perform
from autotl.search.trial_task import TrialTask
from autotl.settings import Settings
from autotl.trial import TrialRecord


class TrialServer:
    """Performs trials of one run, one at a time; what they share is opened once. Close it.

    traits: of heads, where they are known. told: called with a head and the seconds of each fold of its probes.
    """

    def __init__(
        self, run: Run, plugins: Plugins, settings: Settings, *, traits: Mapping[str, Traits] | None = None,
        told: Callable[[str, float], None] = lambda _head, _seconds: None,
    ) -> None:  # fmt: skip
        self._ends = math.inf
        self._context = open_context(
            run, plugins, settings=settings, seconds_left=lambda: self._ends - time.monotonic(),
            processes=HeadProcesses(plugins, budget_seconds=run.config.budget_seconds, traits=traits),
        )  # fmt: skip
        self._context.costs.told = told

    def perform(self, task: TrialTask, seconds_left: float, reporter: Reporter) -> TrialRecord:
        """Run a trial whose head has asked for its parameters; seconds_left: until the end of the search.

        Raises what `run_trial.perform` raises, and ConfigError if a plugin that the trial needs is not installed here.
        """
        self._ends = time.monotonic() + seconds_left
        candidate = self._context.candidate(task.begun)
        return perform(self._context, task, candidate, fixed_hyperparameters(task.begun.params), reporter)

    def read_default(self, seconds_left: float, number: int) -> None:
        """Read of the untuned default's features what other processes have not read.

        number: of this process among those of the run. Raises what reading raises.
        """
        self._ends, self._context.reader.process = time.monotonic() + seconds_left, number
        default = self._context.space.default()
        self._context.reader.features(default.backbone, default.reading.size)

    def close(self) -> None:
        """End the processes in which heads of other authors are fitted."""
        self._context.processes.close()
