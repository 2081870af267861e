"""The data of several targets, read once, and what belongs together in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from autotl.data.dataset import Dataset, require_learnable
from autotl.data.joint_split import stratified
from autotl.data.patch import patch_file, read_patch
from autotl.data.several_targets import TargetDatasets, combine, divide_by_target, in_given_order
from autotl.data.small_classes import without_small_classes
from autotl.data.source import open_source
from autotl.errors import DatasetError
from autotl.evidence.evaluators import evaluators_of
from autotl.interfaces import Head
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.events import Listener
from autotl.runs.groups import GroupsFound
from autotl.runs.run import scan_data
from autotl.settings import Settings
from autotl.targets import CLASSES, DEFAULT_OBJECTIVES, ORDERED, Target, named_kind
from autotl.workflows.groups_first import look_and_keep


def scan_targets(
    config: Config, settings: Settings, listeners: tuple[Listener, ...], *,
    hashed: Callable[[str], None] = lambda _: None, examined: Callable[[Dataset], None] = lambda _: None,
    apart: bool = False,
) -> TargetDatasets:  # fmt: skip
    """Read the data once, and make a dataset for each target. Raises DatasetError.

    hashed, examined, apart: see `data.scan.scan`.
    """
    decisions = read_patch(config.patch or patch_file(config.data))
    kinds = {name: named_kind(kind) for name, kind in kinds_of(config).items()}
    sources = {
        name: open_source(
            config.data, label=name, text=config.text, image=config.image, classes=config.classes,
            attributes=config.attributes, cache=settings.cache, need_labels=not decisions,
            kind=CLASSES if config.order and kind == ORDERED else kind,
        )
        for name, kind in kinds.items()
    }  # fmt: skip
    if config.order:
        sources = in_given_order(
            sources, kinds, config.order, decisions, config.data, min_per_class=config.min_per_class or 0
        )
    scanned = scan_data(
        replace(config, min_per_class=None, order=()), cache=settings.cache, listeners=listeners, hashed=hashed,
        examined=examined, apart=apart, opened=combine(sources),
    )  # fmt: skip
    orders = {name: source.order for name, source in sources.items()}
    return divide_by_target(scanned, {name: source.kind for name, source in sources.items()}, decisions, orders)


def require_usable(config: Config, name: str, dataset: Dataset) -> Dataset:
    """The data of a target without the classes that are to be left out; DatasetError if they cannot be learned from."""
    try:
        if config.min_per_class is not None:
            dataset = without_small_classes(dataset, config.min_per_class, seed=config.seed)
        require_learnable(dataset, config.data)
    except DatasetError as error:
        raise DatasetError(f"the target {name!r}: {error}") from error
    return dataset


@dataclass(frozen=True)
class Grouped:
    """What belongs together, and the data with it. used: what `--groups` is to be in the targets' own runs."""

    groups: GroupsFound
    datasets: TargetDatasets
    used: str | None


def look_for_groups(
    config: Config, datasets: TargetDatasets, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...], *,
    seconds_left: Callable[[], float] = lambda: math.inf, before: Callable[[], object] = lambda: None,
    only_decisive: bool = False,
) -> Grouped:  # fmt: skip
    """Look once for groups that are to stay on one side, for all targets; other targets are never groups.

    seconds_left, before, only_decisive: see `groups_first.look_and_keep`.
    """
    strata = stratified(datasets, config.targets, seed=config.seed)
    scored = config.objective if config.objective in evaluators_of(plugins, CLASSES) else DEFAULT_OBJECTIVES[CLASSES]
    groups, grouped = look_and_keep(
        replace(config, objective=scored, heads=heads_for(CLASSES, config.heads, plugins)), strata, plugins, settings,
        listeners=listeners, seconds_left=seconds_left, before=before, only_decisive=only_decisive,
    )  # fmt: skip
    if grouped is strata:
        return Grouped(groups, datasets, config.groups)
    column = grouped.table["group"]

    def grouped_by(dataset: Dataset) -> Dataset:
        return replace(dataset, table=dataset.table.assign(group=column))

    of = {name: grouped_by(dataset) for name, dataset in datasets.of.items()}
    return Grouped(groups, TargetDatasets(grouped_by(datasets.together), of), groups.used)


def of_target(config: Config, name: str, plugins: Plugins) -> Config:
    """The configuration of a target's own run, whose folder and groups are those of the study.

    Its heads are those of the study that learn the target.
    """
    audit, kind = tuple(attribute for attribute in config.audit if attribute != name), kinds_of(config)[name]
    default = config.objective == DEFAULT_OBJECTIVES[config.kinds[0] if config.kinds else CLASSES]
    objective = DEFAULT_OBJECTIVES[kind] if default else config.objective
    return replace(
        config, label=name, target=kind, targets=(), kinds=(), objective=objective, register=None, audit=audit,
        order=config.order if kind == ORDERED else (), joint=False, heads=heads_for(kind, config.heads, plugins),
    )  # fmt: skip


def heads_for(kind: str, heads: Sequence[str], plugins: Plugins) -> tuple[str, ...]:
    """Those of some heads that learn targets of a kind. Raises ConfigError if there is no such head."""
    target = Target(kind=named_kind(kind))
    return tuple(head for head in heads if target.may_use(plugins.pick(Head, head).targets))


def kinds_of(config: Config) -> dict[str, str]:
    """The kind of each target."""
    return dict(zip(config.targets, config.kinds or (CLASSES,) * len(config.targets), strict=True))
