"""What a refit needs: which images were corrected, the former split for them, and what the corrections changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from autotl.data.clusters import find_clusters
from autotl.data.dataset import Dataset
from autotl.data.split import LEFT_OUT_FOLD, TEST_FOLD, Split, lacking_training
from autotl.errors import DatasetError, RunError
from autotl.evidence.intervals import ScoreFunction, paired_difference
from autotl.evidence.run_evidence import read_evidence
from autotl.evidence.verdicts import in_words
from autotl.interfaces import Evaluator, ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.run import Run, cluster_of, open_run
from autotl.runs.summaries import RefitSummary
from autotl.search.optuna_study import read_records
from autotl.targets import strata
from autotl.trial import ENSEMBLE, TrialRecord


@dataclass(frozen=True)
class Corrections:
    """What became of a former run's images.

    place: int (n_items,), the former number of each item of now, -1 for those that are new.
    relabelled, excluded, added: numbers of images. changed_in_test: of the first two, those of the test split.
    """

    place: np.ndarray
    relabelled: int
    excluded: int
    added: int
    changed_in_test: int


def champion_trials(former: Run) -> list[TrialRecord]:
    """The trials to run again: the champion's, or the members of an ensemble. Raises RunError if they are lost."""
    result = former.result()
    number = result.champion.trial if result else None
    record = next((trial for trial in read_records(former) if trial.number == number), None)
    if record is None:
        raise RunError(
            f"{former.folder} has lost the trial of its champion ({number}); start a new search with `autotl fit`"
        )
    if record.strategy == ENSEMBLE:
        return [member.trial for member in record.members]
    return [record]


def corrections(former: Run, dataset: Dataset) -> Corrections:
    """Find each image again, by its path, or where it was moved by its content.

    Of several with one content, the moved one is sought in its own class first: it was not relabelled then. What is
    left is a new copy, and stands where the known one does.
    """
    before, now = former.dataset.items, dataset.items
    place = np.full(len(now), -1)
    named, twin, content = ["path", "sha256"], ["sha256", "label"], ["sha256"]
    for columns, copies in ((named, False), (twin, False), (content, False), (twin, True), (content, True)):
        old, new = (list(zip(*(items[name] for name in columns), strict=True)) for items in (before, now))
        free: dict[tuple[str, ...], list[int]] = {}
        for row in np.setdiff1d(np.arange(len(before)), [] if copies else place)[::-1]:
            free.setdefault(old[row], []).append(row)
        for item in np.flatnonzero(place < 0):
            if rows := free.get(new[item]):
                place[item] = rows[-1] if copies else rows.pop()
    known = place >= 0
    relabelled = np.zeros(len(place), dtype=bool)
    relabelled[known] = now["label"].to_numpy(str)[known] != before["label"].to_numpy(str)[place[known]]
    gone = np.setdiff1d(np.arange(len(before)), place[known])
    tested = former.split.fold == TEST_FOLD
    in_test = int(tested[place[relabelled]].sum() + tested[gone].sum())
    return Corrections(place, int(relabelled.sum()), len(gone), int((~known).sum()), in_test)


def carry_split(former: Run, dataset: Dataset, place: np.ndarray) -> Split:
    """The former split: every image keeps its part, and new ones join the development images.

    place: see `Corrections`. A new image with a near-duplicate in the test split, or among those left out, is left
    out; one with a near-duplicate in a fold joins it. Raises DatasetError if a class is left
    with too few images to train on.
    """
    cluster = find_clusters(dataset)
    fold = np.where(place >= 0, former.split.fold[place], LEFT_OUT_FOLD)
    new = np.flatnonzero(place < 0)
    home: dict[int, int] = {}
    for item in np.flatnonzero(place >= 0):
        # Test and left out are the lowest numbers: an image with a near-duplicate there must not train.
        home[int(cluster[item])] = min(home.get(int(cluster[item]), int(fold[item])), int(fold[item]))
    n_folds, labels = former.split.n_folds, strata(dataset.labels)
    turn = dict.fromkeys(np.unique(labels).tolist(), 0)
    for item in new:
        own, label = int(cluster[item]), int(labels[item])
        if own not in home:
            home[own] = turn[label] % n_folds
            turn[label] += 1
        fold[item] = home[own] if home[own] >= 0 else LEFT_OUT_FOLD
    if lacking := lacking_training(dataset, fold):
        raise DatasetError(
            f"the class {dataset.classes[lacking[0]]!r} has too few items among those that {former.folder} trained "
            "on. Start a new search with `autotl fit`, which splits the items again."
        )
    return Split(fold=fold, cluster=cluster)


def describe_refit(run: Run, former_folder: Path, tested: Predictions, objective: Evaluator) -> RefitSummary:
    """What was corrected, and what that did on the test images that both models answered, by their labels of now."""
    former, evidence = open_run(former_folder), read_evidence(former_folder)
    found = corrections(former, run.dataset)
    difference = None
    numbers = (found.relabelled, found.excluded, found.added)
    done = [f"{n} {word}" for n, word in zip(numbers, ("relabelled", "excluded", "added"), strict=True) if n]
    sentence = f"fitted again with {', '.join(done) or 'nothing changed'}"
    if evidence is None:
        sentence += "; the predictions of the model before were not kept, or are damaged, so the two cannot be compared"
    elif former.dataset.classes != run.dataset.classes:
        sentence += "; the classes have changed, so the two models cannot be compared"
    elif not np.isin(found.place[tested.items], evidence.tested.items).any():
        sentence += "; no test image was predicted by both models, so the two cannot be compared"
    else:
        difference = _difference(run, evidence.tested, found.place, tested, objective)
        amount = in_words(difference, objective.name, larger_is_better=objective.larger_is_better)
        sentence += f": on the same test images, by their present labels, {amount} against the model before"
        if difference.low <= 0 <= difference.high:
            sentence += ", from which it is statistically indistinguishable"
    if found.changed_in_test:
        sentence += (
            f". Of the corrections {found.changed_in_test} are in the test split: where they were chosen by looking at "
            "the model's mistakes, its test scores flatter it"
        )
    return RefitSummary(
        of=str(former_folder), relabelled=found.relabelled, excluded=found.excluded, added=found.added,
        changed_in_test=found.changed_in_test, sentence=sentence,
        difference=difference if difference and difference.has_interval else None,
    )  # fmt: skip


def _difference(
    run: Run, before: Predictions, place: np.ndarray, tested: Predictions, objective: Evaluator
) -> ScoreInterval:  # fmt: skip
    """The new model minus the former one on the test images that both answered."""
    both = np.isin(place[tested.items], before.items)
    now = tested.restrict(tested.items[both])
    then = before.restrict(place[now.items])
    return paired_difference(
        cast(ScoreFunction, objective.score), now.labels, then.probabilities, now.probabilities,
        groups=cluster_of(run, now.items), seed=run.config.seed, bounds=objective.bounds,
    )  # fmt: skip
