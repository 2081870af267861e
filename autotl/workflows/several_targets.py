"""A study of several targets: one scan and one split, a run for each target, and one deployable that answers all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from autotl.data.joint_split import JointSplit, split_together
from autotl.data.several_targets import TargetDatasets, names_of_targets
from autotl.errors import AutoTLError, ConfigError, RunError, in_one_line
from autotl.evidence.evaluators import objective_of
from autotl.interfaces import Head
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.events import Event, FindingMade, Listener, Message, SearchBegun, SearchEnded, TrialEnded
from autotl.runs.limits import MIN_BUDGET_SECONDS
from autotl.runs.run import Run, create, open_run
from autotl.runs.run_share import require_unused
from autotl.runs.target_folders import TARGETS
from autotl.runs.targets_result import TargetsResult, has_targets, read_targets
from autotl.runtime import interruption
from autotl.runtime.addresses import without_secrets
from autotl.runtime.clock import Clock
from autotl.runtime.user_paths import short_name, split_names
from autotl.search.sources import absolute_names, require_tunable, sources_of, usage_notes
from autotl.settings import Settings
from autotl.targets import CLASSES, named_kind
from autotl.workflows.alone import alone, failure_recorded
from autotl.workflows.auditing import require_attributes
from autotl.workflows.early_reading import EarlyReading
from autotl.workflows.fit import conduct, introduce, require_resumable, require_startable
from autotl.workflows.joint_request import attempt_jointly, joint_waits, require_joint, require_several
from autotl.workflows.networks import opened_encoders
from autotl.workflows.places import conditions_explained
from autotl.workflows.study_time import StudyTime
from autotl.workflows.target_data import (
    Grouped,
    heads_for,
    kinds_of,
    look_for_groups,
    of_target,
    require_usable,
    scan_targets,
)
from autotl.workflows.targets_outcome import write_outcome


def with_targets(config: Config) -> Config:
    """The configuration with its targets, where its label names several columns; else as it is.

    Its kind of target may then be several with commas, one for each column. Raises ConfigError if they are not as
    many as the columns.
    """
    names, kinds = names_of_targets(config.label, config.data, config.attributes), split_names(config.target)
    if not names:
        if len(kinds) > 1:
            raise ConfigError(
                f"{len(kinds)} kinds of target were given ({config.target}), and {config.label!r} is one column"
            )
        require_several(config)
        return config
    if len(kinds) not in (1, len(names)):
        raise ConfigError(
            f"{len(kinds)} kinds of target were given ({config.target}) for {len(names)} columns ({config.label}); "
            "give one for all of them, or one for each"
        )
    kinds = kinds if len(kinds) > 1 else kinds * len(names)
    return replace(config, label=None, target=CLASSES, targets=names, kinds=kinds)


def fit_targets(
    config: Config,
    *,
    plugins: Plugins,
    settings: Settings,
    listeners: tuple[Listener, ...] = (),
    clock: Clock | None = None,
) -> TargetsResult:
    """Run a study of several targets; returns what it found.

    The data are read once, and all targets share one split and the cache of features. A target that fails costs the
    others nothing. An interruption ends the target that is being searched, and leaves the rest to `resume_targets`.
    Raises AutoTLError before any work where the data, the configuration or a plugin asked for is at fault.
    """
    clock = clock or Clock(config.budget_seconds)
    times = StudyTime(clock, len(config.targets))  # early, so that it knows by then how busy the machine is
    _require_targets(config, plugins)
    with conditions_explained(settings, config.run, storage=config.storage):
        config = replace(config, backbones=absolute_names(config.backbones, plugins))
        first = of_target(config, config.targets[0], plugins)
        require_startable(replace(first, register=config.register), plugins, settings)
        _require_unused(config)
        opened, restrictions = opened_encoders(config, plugins, settings), usage_notes(config, plugins)
        for listener, note in product(listeners, restrictions):
            listener(Message(note))
        with EarlyReading(config, plugins, settings) as early:
            datasets = _read_data(config, plugins, settings, listeners, early)
            early.wait_for_shared()
            found = look_for_groups(
                config, datasets, plugins, settings, listeners, seconds_left=clock.left, before=early.end,
                only_decisive=True,
            )  # fmt: skip
            divided = split_together(found.datasets, seed=config.seed)
            whole = create(config, found.datasets.together, divided.together, listeners)
            facts = {"groups": found.groups.to_json(), "opened": opened, "usage_notes": restrictions}
            whole.update(**facts)
            _create_targets(whole, found, divided, facts, plugins, settings)
            return _conduct_all(whole, plugins, settings, times, early)


def resume_targets(
    folder: Path, *, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...] = (),
    storage: str | None = None, tracking_uri: str | None = None, conclude: bool = False,
) -> TargetsResult:  # fmt: skip
    """Carry on a study of several targets that was interrupted, killed or failed, with what is left of its budget.

    Targets that are complete stay as they are. The arguments are those of `fit.resume`.
    """
    whole = open_run(folder, listeners).at(storage=storage, tracking_uri=tracking_uri)
    state = whole.state()
    if state["status"] == "complete":
        return read_targets(folder)
    if not has_targets(folder):
        raise RunError(
            f"{folder} was ended before the runs of its targets were made; start a new search with `autotl fit`, in "
            "another folder"
        )
    require_resumable(whole, plugins, settings, conclude=conclude)
    times = StudyTime(Clock(whole.config.budget_seconds, state["spent_seconds"]), len(whole.config.targets))
    explained = conditions_explained(settings, whole.folder, storage=whole.config.storage)
    with explained, EarlyReading(whole.config, plugins, settings) as early:
        early.begin(whole.dataset.modality)
        return _conduct_all(whole, plugins, settings, times, early, conclude=conclude)


def _require_targets(config: Config, plugins: Plugins) -> None:
    """Raise ConfigError before any work where targets are named twice, or one cannot have the objective or budget."""
    names, budget = config.targets, config.budget_seconds
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"the column {twice[0]!r} is named twice among the targets; name each column once")
    n_shares = len(names) + config.joint
    if budget is not None and budget < MIN_BUDGET_SECONDS * n_shares:
        joint = " and for joint training" if config.joint else ""
        raise ConfigError(
            f"a budget of {budget:g}s leaves {budget / n_shares:.0f}s for each of {len(names)} targets{joint}; each "
            f"needs {MIN_BUDGET_SECONDS:.0f}s; give at least {MIN_BUDGET_SECONDS * n_shares:.0f}s"
        )
    for name, kind in kinds_of(config).items():
        try:
            objective_of(plugins, of_target(config, name, plugins).objective, named_kind(kind))
        except ConfigError as error:
            raise ConfigError(f"the target {name!r}: {error}") from error
    _require_heads(config, plugins)
    require_joint(config, plugins)


def _require_heads(config: Config, plugins: Plugins) -> None:
    """Raise ConfigError if no head that was asked for learns a target, or one of them learns no target."""
    asked, used = config.heads, set[str]()
    for name, kind in kinds_of(config).items():
        own = heads_for(kind, asked, plugins)
        if asked and not own:
            able = heads_for(kind, list(plugins.all(Head)), plugins)
            raise ConfigError(
                f"the target {name!r}: none of the heads that were asked for ({', '.join(asked)}) learns {kind!r}; add "
                f"one that does, such as {' or '.join(able) or 'one of a plugin'}, or leave out --heads"
            )
        used |= {*own}
    if unused := [head for head in asked if head not in used]:
        raise ConfigError(
            f"the head {unused[0]!r} learns {' and '.join(plugins.pick(Head, unused[0]).targets)}, and no target is of "
            "such a kind; leave it out of --heads"
        )


def _read_data(
    config: Config, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...], early: EarlyReading
) -> TargetDatasets:  # fmt: skip
    """The data of each target, which can be searched. Raises DatasetError."""
    datasets = scan_targets(
        config, settings, listeners, hashed=early.begin, examined=early.examined, apart=True
    )  # fmt: skip
    require_tunable(config, sources_of(config, plugins, datasets.together.modality))
    usable = {name: require_usable(config, name, dataset) for name, dataset in datasets.of.items()}
    for name, dataset in usable.items():
        require_attributes(of_target(config, name, plugins), dataset)
    return replace(datasets, of=usable)


def _create_targets(
    whole: Run, found: Grouped, divided: JointSplit, facts: Mapping[str, Any], plugins: Plugins, settings: Settings
) -> None:  # fmt: skip
    """Make the run of each target, so that what follows is the same as carrying them on."""
    config, known, told = whole.config, dict[str, dict[str, str]](), set[str]()

    def listener(event: Event) -> None:
        """Pass on what was not said of another target already."""
        text = event.message if isinstance(event, FindingMade) else event.text if isinstance(event, Message) else ""
        if not text or text not in told:
            told.add(text)
            whole.emit(event)

    for name, inner in _folders(config.targets).items():
        order = found.datasets.of[name].order
        own = replace(of_target(config, name, plugins), run=whole.folder / inner, groups=found.used, order=order)
        own = replace(own, share=f"{config.share}/{inner}" if config.share else None)
        listener(Message(f"target {name}:"))
        run = create(own, found.datasets.of[name], divided.of[name], (listener,))
        run.update(**facts)
        introduce(run, found.groups, plugins, settings)
        known[name] = {"folder": inner, "problem": ""}
    whole.update(targets=known)


def _require_unused(config: Config) -> None:
    """Raise ConfigError if the run of a target is to be shared where another run is."""
    for inner in _folders(config.targets).values() if config.share else ():
        require_unused(f"{config.share}/{inner}")


def _folders(names: Sequence[str]) -> dict[str, str]:
    """The folder of each target, below that of the study."""
    found: dict[str, str] = {}
    for place, name in enumerate(names):
        found[name] = f"{TARGETS}/{_folder_name(name, place, list(found.values()))}"
    return found


def _folder_name(name: str, place: int, taken: list[str]) -> str:
    """A name for a target's folder: its own, if file systems take it."""
    plain = short_name("".join(c if c.isalnum() or c in " ._-" else "_" for c in name)).strip(" .")
    folder = plain or f"target-{place + 1}"
    return f"{folder}-{place + 1}" if f"{TARGETS}/{folder}".lower() in map(str.lower, taken) else folder


def _conduct_all(
    whole: Run, plugins: Plugins, settings: Settings, times: StudyTime, early: EarlyReading, *, conclude: bool = False
) -> TargetsResult:  # fmt: skip
    """Search for each target in turn, then write what answers all; alone on the run folder."""
    clock = times.clock
    with alone(whole, clock):
        with failure_recorded(whole, clock):
            interrupted = _search_all(whole, plugins, settings, times, early, conclude=conclude)
            if joint_waits(whole) and not interrupted:
                early.end()
                interrupted = attempt_jointly(
                    whole, plugins, settings, clock, reserved=times.concluding(), conclude=conclude
                )  # fmt: skip
            outcome = write_outcome(whole, plugins, interrupted=interrupted)
        whole.update(**outcome, spent_seconds=clock.spent())
        whole.emit(SearchEnded(str(outcome["status"]), round(clock.spent(), 2)))
    return read_targets(whole.folder)


def _search_all(
    whole: Run, plugins: Plugins, settings: Settings, times: StudyTime, early: EarlyReading, *, conclude: bool
) -> bool:  # fmt: skip
    """Search for each target that is not complete; returns whether that was interrupted."""
    known = dict(whole.state()[TARGETS])
    clock, n_more = times.clock, int(joint_waits(whole))  # joint training has a share like a target
    waiting = [name for name in known if open_run(whole.folder / known[name]["folder"]).state()["status"] != "complete"]
    for place, name in enumerate(waiting):
        whole.emit(Message(f"searching for target {name} ({len(known) - len(waiting) + place + 1} of {len(known)})"))
        problem = ""
        try:
            run = _search_one(
                whole, whole.folder / known[name]["folder"], plugins, settings, clock, early if place == 0 else None,
                seconds=times.share(len(waiting) - place + n_more), conclude=conclude,
            )  # fmt: skip
            interrupted = run.state()["status"] == "interrupted"
            interruption.raise_if_requested()  # while it was concluded
        except KeyboardInterrupt:
            interrupted = True
        except Exception as error:  # whatever happens to one target must not cost the others
            interrupted = False
            kind = "" if isinstance(error, AutoTLError) else f"{type(error).__name__}: "
            problem = without_secrets(f"{kind}{in_one_line(error)}")
            whole.emit(Message(f"the search for target {name} failed: {problem}"))
            open_run(whole.folder / known[name]["folder"]).update(status="failed", error=problem)
        known[name] = {**known[name], "problem": problem}
        whole.update(targets=known, spent_seconds=clock.spent())
        if interrupted:
            return True
    return False


def _search_one(
    whole: Run, folder: Path, plugins: Plugins, settings: Settings, clock: Clock, early: EarlyReading | None, *,
    seconds: float, conclude: bool,
) -> Run:  # fmt: skip
    """Search for one target. seconds: its share of the time that is left."""

    def listener(event: Event) -> None:
        if isinstance(event, TrialEnded):  # if the process is killed, the time of this target counts
            whole.update(spent_seconds=clock.spent())
        if not isinstance(event, SearchBegun | SearchEnded):
            whole.emit(event)

    run = open_run(folder, (listener,)).at(storage=whole.config.storage, tracking_uri=whole.config.tracking_uri)
    spent = float(run.state()["spent_seconds"])
    budget = spent + seconds if math.isfinite(seconds) else None
    config = replace(run.config, budget_seconds=budget and max(budget, MIN_BUDGET_SECONDS))
    run.update(config=config.to_json())
    run = replace(run, config=config)
    plugins.patience.share(budget)
    own = Clock(budget, spent)
    if early is not None:
        return conduct(run, plugins, settings, own, early, conclude=conclude)
    with EarlyReading(run.config, plugins, settings) as another:
        another.begin(run.dataset.modality)
        return conduct(run, plugins, settings, own, another, conclude=conclude)
