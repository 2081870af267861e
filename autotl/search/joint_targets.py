"""The targets of a joint fine-tune, as each process that takes part in it opens them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from autotl.data.several_targets import item_rows
from autotl.plugins import Plugins
from autotl.runs.joint_result import joint_folder
from autotl.runs.run import Run, open_run
from autotl.runs.targets_result import read_targets
from autotl.search.context import SearchContext, open_context
from autotl.search.joint_fine_tune import JointTarget
from autotl.search.joint_plan import JointPlan
from autotl.search.remote_heads import HeadProcesses
from autotl.settings import Settings


def open_contexts(
    whole: Run, plugins: Plugins, settings: Settings, *, seconds_left: Callable[[], float], processes: HeadProcesses
) -> dict[str, SearchContext]:  # fmt: skip
    """Open the runs of all targets, by name. whole: the run of all targets, which is told of their events."""
    contexts = {}
    for target in read_targets(whole.folder).targets:
        run = open_run(target.folder, (whole.emit,)).at(storage=whole.config.storage, tracking_uri=None)
        # What the targets' own trials were to be does not bind this one.
        run = replace(run, config=replace(run.config, strategy="auto"))
        contexts[target.name] = open_context(
            run, plugins, settings=settings, seconds_left=seconds_left, processes=processes
        )
    return contexts


def joint_targets(whole: Run, contexts: Mapping[str, SearchContext], plan: JointPlan) -> dict[str, JointTarget]:
    """What is trained for each target, by name. contexts: see `open_contexts`."""
    numbers = np.full(len(whole.dataset.table), -1)
    numbers[item_rows(whole.dataset)] = np.arange(len(whole.dataset.items))
    return {
        name: JointTarget(
            context, plan.candidate(name, context), plan.heads[name][1], numbers[item_rows(context.run.dataset)],
            joint_folder(context.run.folder),
        )
        for name, context in contexts.items()
    }  # fmt: skip
