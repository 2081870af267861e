"""Checking a dataset without learning from it: what `autotl check` shows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from autotl.checks.leakage import Leaks, count_leaks, inflation_sentence
from autotl.checks.run_checks import run_checks, worst_first
from autotl.data.changes import Changes, since_last_run
from autotl.data.dataset import Dataset, count_by_class, require_learnable
from autotl.data.listing import ignored_kinds
from autotl.data.patch import Decision, patch_file, read_patch
from autotl.data.split import Split, development_split, split
from autotl.errors import AutoTLError, DatasetError
from autotl.interfaces import Finding, ScoreInterval
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.events import Listener
from autotl.runs.groups import GroupsFound
from autotl.runs.progress_printer import answers_in_words
from autotl.runs.run import scan_data
from autotl.runtime import keras_backend
from autotl.runtime.wording import counted
from autotl.settings import Settings
from autotl.workflows.groups_first import look_and_keep, no_look
from autotl.workflows.places import conditions_explained, require_cache
from autotl.workflows.provisional_run import provisional_run

MOST_NAMED = 1000
"""Skipped and excluded files that the document names, with the reason for each."""


@dataclass(frozen=True)
class DataCheck:
    """What is known about a dataset before a search.

    refusal: why `fit` would refuse the data, empty if it would not. split, leaks: None if it would.
    inflation: see `default_probe.ProbeFindings`. changes: since the last run, None if there was none.
    skipped: why the checks that need the untuned default were not run, empty if they were. decisions: of the patch
    file, when the data was read. groups: what belongs together, and what that costs; without candidates where the
    untuned default was not run.
    """

    data: Path
    dataset: Dataset
    findings: tuple[Finding, ...]
    refusal: str
    split: Split | None
    leaks: Leaks | None
    inflation: ScoreInterval | None
    changes: Changes | None
    skipped: str
    decisions: tuple[Decision, ...] = ()
    groups: GroupsFound = field(default_factory=GroupsFound)

    def facts(self) -> dict[str, str]:
        """A short summary of the data: name -> text."""
        dataset = self.dataset
        told = {"groups": " ".join(self.groups.sentences)} if self.groups.sentences else {}
        facts = told | {
            "understood as": dataset.understood,
            "fingerprint": dataset.fingerprint,
            dataset.item_kind.plural: f"{len(dataset.items)} {answers_in_words(dataset.kind, len(dataset.classes))}, "
            f"{int(dataset.skipped.sum())} skipped, "
            f"{int(dataset.excluded.sum())} excluded, {len(dataset.unlabelled)} unlabelled",
        }
        if dataset.ignored:
            facts["other files"] = f"{sum(dataset.ignored.values())} ignored ({ignored_kinds(dataset.ignored)})"
        if self.changes is not None:
            facts["changes"] = self.changes.sentence()
        if self.leaks is not None:
            facts["near-duplicates"] = self.leaks.sentence()
        if self.inflation is not None:
            facts["inflation"] = inflation_sentence(self.inflation)
        if dataset.stale:
            decisions = counted(len(dataset.stale), "decision no longer applies", "decisions no longer apply")
            facts["patch file"] = f"{decisions} to anything, such as the one about {dataset.stale[0].item}"
        if self.skipped:
            facts["not run"] = self.skipped
        if self.refusal:
            facts["cannot be trained on"] = self.refusal
        return facts

    def document(self) -> dict[str, object]:
        """All of it as values that JSON can store; `checks.check_document` reads them again."""
        dataset = self.dataset
        return {
            "data": str(self.data),
            "layout": dataset.understood,
            "fingerprint": dataset.fingerprint,
            "n_items": len(dataset.items),
            "classes": count_by_class(dataset),
            "unlabelled": len(dataset.unlabelled),
            "quarantined": len(dataset.quarantined),
            "set_aside": dataset.quarantined[["path", "quarantine"]].head(MOST_NAMED).to_numpy().tolist(),
            "ignored": dict(dataset.ignored),
            "decisions": [asdict(decision) for decision in self.decisions],
            "stale": [asdict(decision) for decision in dataset.stale],
            "findings": [finding.to_json() for finding in self.findings],
            "leaks": self.leaks and asdict(self.leaks),
            "groups": self.groups.to_json(),
            "inflation": self.inflation and self.inflation.to_json(),
            "changes": asdict(self.changes) if self.changes else None,
            "refusal": self.refusal,
            "skipped": self.skipped,
        }


def check_data(
    config: Config, *, plugins: Plugins, settings: Settings, probe: bool = True, listeners: tuple[Listener, ...] = ()
) -> DataCheck:
    """Scan a dataset, run every check, and find out whether a search would refuse it; only the cache is written to.

    probe: also cross-validate the untuned default on all images, for the checks that need it; the features stay in the
    cache for the search. Raises DatasetError if the data cannot be read at all.
    """
    require_cache(settings.cache)
    if probe:
        keras_backend.prepare()
    with conditions_explained(settings):
        return _check(config, plugins, settings, listeners, probe=probe)


def _check(
    config: Config, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...], *, probe: bool
) -> DataCheck:
    dataset = scan_data(config, cache=settings.cache, listeners=listeners)
    decisions = read_patch(config.patch or patch_file(config.data))
    findings = run_checks(dataset, plugins)
    divided, refusal = None, ""
    try:
        require_learnable(dataset, config.data)
        divided = split(dataset, seed=config.seed)
    except DatasetError as error:
        refusal = str(error)
    groups = no_look(config, plugins)
    inflation, skipped = None, "" if probe else "checks that need a trained model were not requested"
    if probe and not dataset.target.is_classes:
        skipped = f"checks that need a trained model are about one class for each item; the target is {dataset.kind!r}"
    if divided and probe:
        try:
            keras_backend.load()  # without the noise of its backend
            groups, dataset = look_and_keep(config, dataset, plugins, settings, listeners=listeners)
            divided = split(dataset, seed=config.seed)
            if dataset.target.is_classes:
                inflation, more = probe_dataset(config, dataset, plugins, settings, listeners)
                findings = worst_first(findings + more)
        except AutoTLError as error:
            skipped = f"checks that need a trained model could not be run: {error}"
    leaks = count_leaks(dataset, divided, seed=config.seed) if divided else None
    changes = since_last_run(dataset, config.data, settings.cache, label=config.label)
    return DataCheck(
        config.data, dataset, tuple(findings), refusal, divided, leaks, inflation, changes, skipped, decisions, groups
    )


def probe_dataset(
    config: Config, dataset: Dataset, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...]
) -> tuple[ScoreInterval | None, list[Finding]]:
    """What the untuned default, cross-validated on all items, finds: the inflation, and more findings."""
    # Imported here, because what it needs imports Keras.
    from autotl.search.hyperparameters import fixed_hyperparameters
    from autotl.search.probe_trials import probe
    from autotl.workflows.default_probe import probe_default

    whole = development_split(dataset, seed=config.seed)
    with provisional_run(config, dataset, whole, plugins, settings, listeners=listeners) as context:
        default = context.space.default()
        outcome = probe(context, default, fixed_hyperparameters({}))
        probed = probe_default(context, default, outcome.predictions)
    return probed.inflation, run_checks(dataset, plugins, probed.probe)
