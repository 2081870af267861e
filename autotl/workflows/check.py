"""Looking at a data set without learning from it: what `autotl check` shows."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from autotl.checks.leakage import Leaks, count_leaks, inflation_sentence
from autotl.checks.run_checks import run_checks, worst_first
from autotl.data.changes import Changes, since_last_run
from autotl.data.dataset import Dataset, require_learnable
from autotl.data.listing import ignored_kinds
from autotl.data.patch import Decision, patch_file, read_patch
from autotl.data.split import Split, development_split, split
from autotl.errors import AutoTLError, DatasetError
from autotl.interfaces import Finding, ScoreInterval
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.run import Listener, create, scan_data

MOST_NAMED = 1000
"""Files set aside that the document names, with the reason for each."""


@dataclass(frozen=True)
class DataCheck:
    """What there is to know about a data set before a search.

    refusal: why `fit` would refuse the data, empty if it would not. split, leaks: None where it would.
    inflation: see `inspection.Inspection`. changes: since the last run, None if there was none.
    skipped: why the checks that need the untuned default were not run, empty if they were. decisions: of the patch
    file, as they were when the data were read.
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

    def facts(self) -> dict[str, str]:
        """What to say of the data in short: label -> text."""
        dataset = self.dataset
        facts = {
            "understood as": dataset.layout,
            "fingerprint": dataset.fingerprint,
            "images": f"{len(dataset.items)} in {len(dataset.classes)} classes, {len(dataset.quarantined)} set aside, "
            f"{len(dataset.unlabelled)} unlabelled",
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
            facts["patch file"] = (
                f"{len(dataset.stale)} decisions fit nothing any more, such as {dataset.stale[0].item}"
            )
        if self.skipped:
            facts["left out"] = self.skipped
        if self.refusal:
            facts["cannot be learned from"] = self.refusal
        return facts

    def document(self) -> dict[str, Any]:
        """All of it as plain values."""
        dataset = self.dataset
        return {
            "data": str(self.data),
            "layout": dataset.layout,
            "fingerprint": dataset.fingerprint,
            "n_items": len(dataset.items),
            "classes": dataset.items["label"].value_counts().sort_index().to_dict(),
            "unlabelled": len(dataset.unlabelled),
            "quarantined": len(dataset.quarantined),
            "set_aside": dataset.quarantined[["path", "quarantine"]].head(MOST_NAMED).to_numpy().tolist(),
            "ignored": dict(dataset.ignored),
            "decisions": [asdict(decision) for decision in self.decisions],
            "stale": [asdict(decision) for decision in dataset.stale],
            "findings": [asdict(finding) for finding in self.findings],
            "leaks": self.leaks and asdict(self.leaks),
            "inflation": self.inflation and self.inflation.to_json(),
            "changes": asdict(self.changes) if self.changes else None,
            "refusal": self.refusal,
            "skipped": self.skipped,
        }


def check_data(
    config: Config, *, plugins: Plugins, cache: Path, probe: bool = True, listeners: tuple[Listener, ...] = ()
) -> DataCheck:
    """Scan a data set, run every check, and say what a search would refuse; nothing is written but to the cache.

    probe: also cross-validate the untuned default on all images, for the checks that need it; the features stay in the
    cache for the search. Raises DatasetError where the data cannot be read at all.
    """
    decisions = read_patch(config.patch or patch_file(config.data))
    dataset = scan_data(config, cache=cache, listeners=listeners)
    findings = run_checks(dataset, plugins)
    divided, refusal = None, ""
    try:
        require_learnable(dataset, config.data)
        divided = split(dataset, seed=config.seed)
    except DatasetError as error:
        refusal = str(error)
    leaks = count_leaks(dataset, divided, seed=config.seed) if divided else None
    inflation, skipped = None, "" if probe else "the checks that need a trained model were not asked for"
    if divided and probe:
        try:
            inflation, more = _inspect(config, dataset, plugins, cache, listeners)
            findings = worst_first(findings + more)
        except AutoTLError as error:
            skipped = f"the checks that need a trained model could not be run: {error}"
    changes = since_last_run(dataset, config.data, cache)
    return DataCheck(
        config.data, dataset, tuple(findings), refusal, divided, leaks, inflation, changes, skipped, decisions
    )


def _inspect(
    config: Config, dataset: Dataset, plugins: Plugins, cache: Path, listeners: tuple[Listener, ...]
) -> tuple[ScoreInterval | None, list[Finding]]:
    # Imported here, because what it needs imports Keras.
    from autotl.runtime import keras_backend
    from autotl.search.hyperparameters import fixed_hyperparameters
    from autotl.search.laboratory import Laboratory
    from autotl.search.space import default_candidate, make_space
    from autotl.workflows.default_probe import probe_default

    keras_backend.prepare()
    with tempfile.TemporaryDirectory() as folder:
        config = replace(config, run=Path(folder) / "run")
        run = create(config, dataset, development_split(dataset, seed=config.seed), listeners)
        laboratory = Laboratory(run, plugins, cache=cache, seconds_left=lambda: float("inf"))
        default = default_candidate(make_space(laboratory))
        outcome = laboratory.probe(default, fixed_hyperparameters({}))
        inspection = probe_default(laboratory, default, outcome.predictions)
    return inspection.inflation, run_checks(dataset, plugins, inspection.probe)
