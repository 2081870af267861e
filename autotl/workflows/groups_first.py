"""Groups before the split: what is found, what it costs, and whether it is kept on one side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from autotl.data.candidate_groups.candidate import GroupCandidate, items_of
from autotl.data.candidate_groups.find import candidates_to_measure
from autotl.data.dataset import Dataset
from autotl.data.groups import NO_GROUPS
from autotl.data.split import undividable_classes
from autotl.interfaces import Evaluator
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.events import Listener
from autotl.runs.groups import GroupsFound
from autotl.settings import Settings
from autotl.targets import LABELS, NUMBER


def look_and_keep(
    config: Config, dataset: Dataset, plugins: Plugins, settings: Settings, *, listeners: tuple[Listener, ...] = (),
    seconds_left: Callable[[], float] = lambda: float("inf"), before: Callable[[], object] = lambda: None,
    only_decisive: bool = False,
) -> tuple[GroupsFound, Dataset]:  # fmt: skip
    """What belongs together, measured, and the dataset with the groups that are to stay on one side.

    before: called before what imports Keras, where there is something to measure. only_decisive: measure nothing where
    none of the candidates could change the split. Groups that nobody named are kept on
    one side where the evidence for their cost is strong, unless the data came with a split.
    """
    found = no_look(config, plugins)
    candidates = candidates_to_measure(dataset, found.used, only_decisive=only_decisive)
    if not candidates:
        return found, dataset
    before()
    from autotl.workflows.group_look import measure_groups  # imports Keras

    scores, note = measure_groups(
        config, dataset, candidates, plugins, settings, listeners=listeners, seconds_left=seconds_left
    )
    found = replace(found, candidates=scores, note=dataset.words(note))
    told, given = found.told, bool((dataset.items["given_split"] != "").any())
    if found.asked or given or told is None or not told.decides:
        return found, dataset
    candidate = next(one for one in candidates if one.name == told.name)
    return replace(found, used=told.name), _keep_together(dataset, candidate, seed=config.seed)


def no_look(config: Config, plugins: Plugins) -> GroupsFound:
    """What a configuration says of groups, with nothing measured."""
    objective = plugins.all(Evaluator).get(config.objective)
    is_share = objective is not None and objective.larger_is_better and objective.bounds == (0, 1)
    is_told = is_share or config.target in (LABELS, NUMBER)
    named = None if config.groups == NO_GROUPS else config.groups
    return GroupsFound(
        used=named, asked=config.groups is not None, objective=config.objective if is_told else "accuracy"
    )


def _keep_together(dataset: Dataset, candidate: GroupCandidate, *, seed: int) -> Dataset:
    """The dataset with the groups of a candidate, but for classes that could not be divided with them."""
    group = candidate.group.copy()
    without = set(candidate.unanswerable(dataset.labels).tolist())
    while True:
        group[items_of(dataset.labels, without)] = ""
        grouped = _with_groups(dataset, group)
        more = set(undividable_classes(grouped, seed=seed)) - without
        if not more:
            return grouped
        without |= more


def _with_groups(dataset: Dataset, group: np.ndarray) -> Dataset:
    usable = ((dataset.table["quarantine"] == "") & (dataset.table["label"] != "")).to_numpy()
    column = np.full(len(dataset.table), "", dtype=object)
    column[usable] = group
    return replace(dataset, table=dataset.table.assign(group=column.astype(str)))
