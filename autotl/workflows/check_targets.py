"""Checks the data of several targets without learning from them: what holds for all, and what holds for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autotl.checks.leakage import Leaks, count_leaks
from autotl.checks.run_checks import run_checks, worst_first
from autotl.data.changes import since_last_run
from autotl.data.dataset import Dataset
from autotl.data.joint_split import JointSplit, split_together, stratified
from autotl.data.patch import Decision, patch_file, read_patch
from autotl.data.several_targets import TargetDatasets
from autotl.errors import AutoTLError, DatasetError
from autotl.interfaces import Finding
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.events import Listener
from autotl.runs.groups import GroupsFound
from autotl.runs.target_folders import TARGETS
from autotl.runtime import keras_backend
from autotl.runtime.wording import counted
from autotl.settings import Settings
from autotl.workflows.check import DataCheck, probe_dataset
from autotl.workflows.groups_first import no_look
from autotl.workflows.places import conditions_explained, require_cache
from autotl.workflows.target_data import look_for_groups, of_target, require_usable, scan_targets

_OWN = ("classes", "n_items", "unlabelled", "findings", "inflation", "changes", "refusal", "skipped")
"""What the document holds for each target, as the document of a check of that target alone."""
_ONLY_OWN = ("classes", "inflation", "changes", "skipped")


@dataclass(frozen=True)
class TargetsCheck:
    """What is known about the data of several targets before a search.

    together: the items of all targets. findings: those that every target has. of: the check of each target, by name,
    with its own findings only. refusal: why `fit` would refuse the data, empty if it would not. leaks: None if it
    would. decisions: of the patch file. groups: what belongs together, for all targets.
    """

    data: Path
    together: Dataset
    findings: tuple[Finding, ...]
    of: Mapping[str, DataCheck]
    refusal: str
    leaks: Leaks | None
    decisions: tuple[Decision, ...]
    groups: GroupsFound

    def facts(self) -> dict[str, str]:
        """A short summary of what holds for all targets: name -> text."""
        whole, kind = self.together, self.together.item_kind
        own = {
            "understood as": whole.layout,
            kind.plural: f"{kind.of(len(whole.items))} with a label for at least one of "
            f"{counted(len(self.of), 'target')}, {int(whole.skipped.sum())} skipped, "
            f"{int(whole.excluded.sum())} excluded, {len(whole.unlabelled)} unlabelled",
        }
        return self._whole().facts() | own | _same(check.facts() for check in self.of.values())

    def facts_of(self, name: str) -> dict[str, str]:
        """What is known of one target and does not hold for all."""
        told, named_above = self.facts(), ("understood as", "fingerprint")
        facts = self.of[name].facts()
        return {fact: text for fact, text in facts.items() if fact not in named_above and told.get(fact) != text}

    def document(self) -> dict[str, object]:
        """All of it as values that JSON can store: `targets` by name, and once what holds for all of them."""
        whole = {part: value for part, value in self._whole().document().items() if part not in _ONLY_OWN}
        documents = {name: (check.dataset.kind, check.document()) for name, check in self.of.items()}
        own = {
            name: {"target": kind} | {part: found[part] for part in _OWN} for name, (kind, found) in documents.items()
        }
        return whole | {"layout": self.together.layout, TARGETS: own}

    def _whole(self) -> DataCheck:
        return DataCheck(
            self.data, self.together, self.findings, self.refusal, None, self.leaks, None, None, "", self.decisions,
            self.groups,
        )  # fmt: skip


def check_targets(
    config: Config, *, plugins: Plugins, settings: Settings, probe: bool = True, listeners: tuple[Listener, ...] = ()
) -> TargetsCheck:
    """Scan the data of several targets, run every check for each, and find out whether a search would refuse them.

    The data are read once; see `check.check_data`.
    """
    require_cache(settings.cache)
    if probe:
        keras_backend.prepare()
    with conditions_explained(settings):
        return _check(config, plugins, settings, listeners, probe=probe)


@dataclass(frozen=True)
class _Divided:
    """The data, and their split. refusals: why they cannot be searched, by target; under "" of all of them."""

    datasets: TargetDatasets
    split: JointSplit | None
    refusals: Mapping[str, str]

    @property
    def refusal(self) -> str:
        """Why the data cannot be searched, empty if they can."""
        return next(iter(self.refusals.values()), "")


def _check(
    config: Config, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...], *, probe: bool
) -> TargetsCheck:  # fmt: skip
    divided = _divide(config, scan_targets(config, settings, listeners))
    groups, skipped = no_look(config, plugins), "" if probe else "checks that need a trained model were not requested"
    checks = {
        name: _look_at(config, name, dataset, plugins, settings, divided, skipped)
        for name, dataset in divided.datasets.of.items()
    }
    if divided.split and probe:
        try:
            keras_backend.load()  # without the noise of its backend
            found = look_for_groups(config, divided.datasets, plugins, settings, listeners)
            groups = found.groups
            divided = replace(
                divided, datasets=found.datasets, split=split_together(found.datasets, seed=config.seed)
            )  # fmt: skip
            checks = {
                name: _probed(config, name, check, found.datasets.of[name], plugins, settings, listeners)
                for name, check in checks.items()
            }
        except AutoTLError as error:
            skipped = f"checks that need a trained model could not be run: {error}"
            checks = {name: replace(check, skipped=skipped) for name, check in checks.items()}
    leaks = None
    if divided.split:
        checks = {name: replace(check, split=divided.split.of[name]) for name, check in checks.items()}
        strata = stratified(divided.datasets, list(divided.datasets.of), seed=config.seed)
        leaks = count_leaks(strata, divided.split.together, seed=config.seed)
    shared = _in_all([check.findings for check in checks.values()])
    own = {
        name: replace(check, findings=tuple(one for one in check.findings if one not in shared))
        for name, check in checks.items()
    }
    decisions = read_patch(config.patch or patch_file(config.data))
    return TargetsCheck(
        config.data, divided.datasets.together, shared, own, divided.refusal, leaks, decisions, groups
    )  # fmt: skip


def _divide(config: Config, scanned: TargetDatasets) -> _Divided:
    """The data of each target, without small classes, and one split for all."""
    usable, refusals = dict(scanned.of), dict[str, str]()
    for name, dataset in scanned.of.items():
        try:
            usable[name] = require_usable(config, name, dataset)
        except DatasetError as error:
            refusals[name] = str(error)
    datasets = replace(scanned, of=usable)
    if refusals:
        return _Divided(datasets, None, refusals)
    try:
        return _Divided(datasets, split_together(datasets, seed=config.seed), {})
    except DatasetError as error:
        return _Divided(datasets, None, {"": str(error)})


def _look_at(
    config: Config, name: str, dataset: Dataset, plugins: Plugins, settings: Settings, divided: _Divided, skipped: str
) -> DataCheck:  # fmt: skip
    """The check of one target, without the untuned default."""
    if not skipped and not dataset.target.is_classes:
        skipped = f"checks that need a trained model are about one class for each item; the target is {dataset.kind!r}"
    return DataCheck(
        config.data, dataset, tuple(run_checks(dataset, plugins)), divided.refusals.get(name, ""), None, None, None,
        since_last_run(dataset, config.data, settings.cache, label=name), skipped,
    )  # fmt: skip


def _probed(
    config: Config, name: str, check: DataCheck, dataset: Dataset, plugins: Plugins, settings: Settings,
    listeners: tuple[Listener, ...],
) -> DataCheck:  # fmt: skip
    """The same with what the untuned default finds, for a target of classes."""
    if not dataset.target.is_classes:
        return check
    inflation, more = probe_dataset(of_target(config, name, plugins), dataset, plugins, settings, listeners)
    return replace(check, findings=tuple(worst_first([*check.findings, *more])), inflation=inflation)


def _in_all(findings: Iterable[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """The findings that all have."""
    first, *others = findings
    return tuple(one for one in first if all(one in other for other in others))


def _same(facts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The facts that are the same for all."""
    first, *others = facts
    return {name: text for name, text in first.items() if all(other.get(name) == text for other in others)}
