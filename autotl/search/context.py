"""What all trials of one process share: run, plugins, features, search space, objective and costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from autotl.evidence.evaluators import evaluators_of, objective_of
from autotl.interfaces import Evaluator, Head, parts_of
from autotl.plugins import Plugins
from autotl.runs.run import Run
from autotl.runtime.blas_threads import cores_per_worker
from autotl.search.feature_reader import FeatureReader
from autotl.search.fold_pool import MOST_ITEMS, FoldPool
from autotl.search.head_inputs import InputCache
from autotl.search.limits import Deadline
from autotl.search.measured_costs import MeasuredCosts
from autotl.search.objective import Objective
from autotl.search.remote_heads import HeadProcesses
from autotl.search.sources import find_source
from autotl.search.space import Space, make_space
from autotl.settings import Settings
from autotl.targets import Target
from autotl.trial import Candidate, TrialRecord, candidate_of


@dataclass(frozen=True)
class SearchContext:
    """What the trials of one process share; it does nothing itself.

    labels: those of the dataset, int (n_items,) class indices where there are classes. space: the heads and backbones
    that take part, looked up by name once.
    seconds_left: until the end of the search; infinite while no trial may be cut short. processes: where the heads of
    other authors are fitted; pool: where the others are. exportable: why a head cannot be exported, empty where it can,
    for those that were asked.
    """

    run: Run
    plugins: Plugins
    settings: Settings
    seconds_left: Deadline
    objective: Objective
    space: Space
    labels: np.ndarray
    reader: FeatureReader
    inputs: InputCache
    costs: MeasuredCosts
    processes: HeadProcesses
    pool: FoldPool
    exportable: dict[str, str] = field(default_factory=dict)

    @property
    def n_classes(self) -> int:
        """Number of classes or labels; 1 for a number."""
        return self.run.dataset.target.n_outputs

    @property
    def target(self) -> Target:
        """What is learned."""
        return self.run.dataset.target

    @property
    def evaluators(self) -> dict[str, Evaluator]:
        """Those that score this target, by name."""
        return evaluators_of(self.plugins, self.target.kind)

    @property
    def seed(self) -> int:
        """The run's."""
        return self.run.config.seed

    def candidate(self, trial: TrialRecord) -> Candidate:
        """What a record describes; ConfigError if a plugin that it needs is no longer installed."""
        assert trial.reading is not None
        name, head = trial.reading.backbone, self.plugins.pick(Head, trial.head)
        backbone = self.space.backbones.get(name) or find_source(name, self.plugins)
        return candidate_of(trial, backbone=backbone, head=head)

    def on(self, run: Run) -> SearchContext:
        """The same for the run with another split; how fast this machine reads stays known."""
        speeds = self.reader.pixels_per_second
        return open_context(
            run, self.plugins, settings=self.settings, seconds_left=self.seconds_left.hard, pixels_per_second=speeds,
            processes=self.processes, worker=self.reader.process,
        )  # fmt: skip


def open_context(
    run: Run, plugins: Plugins, *, settings: Settings, seconds_left: Callable[[], float],
    pixels_per_second: dict[str, float] | None = None, processes: HeadProcesses | None = None,
    worker: int = 0,
) -> SearchContext:  # fmt: skip
    """Look up what a run names, and make ready what its trials share; raises ConfigError for an unknown name.

    worker: the number of this process among those of the run, 0 for the one that leads it.
    """
    objective = Objective(objective_of(plugins, run.config.objective, run.dataset.kind), run)
    processes = processes or HeadProcesses(plugins, budget_seconds=run.config.budget_seconds)
    space, deadline = make_space(run, plugins, processes.traits), Deadline(seconds_left)
    reader = FeatureReader(
        run, plugins, settings=settings, seconds_left=deadline, pixels_per_second=pixels_per_second, process=worker
    )  # fmt: skip
    sources = {**space.recipe_backbones, **space.backbones}
    return SearchContext(
        run, plugins, settings, deadline, objective, space, run.dataset.labels, reader, InputCache(run, reader),
        MeasuredCosts(
            run.split, reader, space.default_head.name,
            {one.name: one for source in sources.values() for one in (source, *parts_of(source))},
        ), processes, FoldPool(_threads(run)),
    )  # fmt: skip


def _threads(run: Run) -> int:
    """How many heads are fitted side by side."""
    return cores_per_worker(run.config.workers_here) if len(run.split.development) <= MOST_ITEMS else 1
