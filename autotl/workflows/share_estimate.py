"""Estimates class shares among unlabelled images from people's labels for a sample of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from autotl.data.coding_sheet import write_sheet
from autotl.data.modalities import columns_to_read
from autotl.errors import ConfigError, MachineError
from autotl.evidence.intervals import accuracy_with_interval
from autotl.evidence.run_evidence import Evidence, read_evidence
from autotl.evidence.sampling import draw
from autotl.evidence.shares.cross_checks import (
    prediction_powered_mean,
    rogan_gladen,
    shares_by_confusion,
    shares_by_expectation_maximisation,
)
from autotl.evidence.shares.planning import expected_widths, labels_needed, planned_strata
from autotl.evidence.shares.post_stratified import LabelledSample, accuracy, class_shares
from autotl.evidence.shares.uses import TOLERANCE, difference, group_gaps
from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.runs.events import Listener
from autotl.runs.run import Run, open_run, require_classes
from autotl.runs.validation import locked
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.conditions import Place, require_writable
from autotl.runtime.wording import counted
from autotl.settings import Settings
from autotl.workflows.share_codings import Codings, gives_probabilities, read_codings, read_labels
from autotl.workflows.share_draws import StoredDraws, find_draws, write_draws
from autotl.workflows.share_findings import Findings, LabelPlan, Part, SinceDraw
from autotl.workflows.share_population import Population, read_population
from autotl.workflows.share_sentences import expected_sentence, sentences

ESTIMATE_FILE = "estimate.json"
"""In the folder of the draws from the same images."""
USUAL_POINTS, LEAST_POINTS, MOST_POINTS = 3.0, 0.1, 50
_REMEDY = "Give another file with --out"


@dataclass(frozen=True)
class Request:
    """Options of an estimate.

    codings: the filled-in sheet; by: a column of groups; clusters: a column of clusters of similar items, such as the
    person or the film; attributes: a table with these columns. within: target half-width of the shares' intervals, from
    0.001 to 0.5, for planning the number of labels.
    """

    codings: Path | None = None
    by: str | None = None
    clusters: str | None = None
    attributes: Path | None = None
    within: float = USUAL_POINTS / 100


@dataclass(frozen=True, eq=False)
class ShareEstimate:
    """Class shares among images that the model was not trained on, and further results of the labels.

    findings: the numbers; text: the same in sentences, most important first.
    """

    run: str
    data: str
    findings: Findings
    text: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """What `autotl estimate --json` prints."""
        return {"run": self.run, "data": self.data, **self.findings.to_json(), "sentences": list(self.text)}


@dataclass(frozen=True)
class SheetDrawn:
    """Images drawn for people to label. sheet: the file to fill in; expected: what their labels will tell."""

    sheet: Path
    items: tuple[str, ...]
    n_drawn: int
    n_items: int
    design: str
    text: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, object]:
        """What `autotl estimate --sample --json` prints."""
        return {
            "sheet": str(self.sheet), "items": list(self.items), "n_drawn": self.n_drawn, "n_items": self.n_items,
            "design": self.design, "sentences": list(self.text),
        }  # fmt: skip


def within_of(points: float, name: str) -> float:
    """The half-width of an interval as a fraction, from percentage points; ConfigError if not from 0.1 to 50."""
    is_number = isinstance(points, int | float) and not isinstance(points, bool)
    if not is_number or not LEAST_POINTS <= points <= MOST_POINTS:
        raise ConfigError(f"{name} is {points!r}; expected points from {LEAST_POINTS} to {MOST_POINTS}, such as 3")
    return points / 100


def require_one_purpose(asked: Request, sample: int | None, out: Path | None) -> None:
    """Raise ConfigError unless a call either estimates shares, or draws at least one image and names a sheet."""
    if (sample is None) != (out is None):
        given, lacking = ("--sample", "--out SHEET.csv") if out is None else ("--out", "--sample N")
        raise ConfigError(f"{given} needs {lacking} as well: the images to label are listed in a sheet")
    if sample is None:
        return
    if sample < 1:
        raise ConfigError(f"--sample is {sample}; expected at least 1")
    if asked.codings is not None:
        raise ConfigError("--sample draws images and --codings imports labels; give one of them at a time")
    if asked.by or asked.clusters or asked.attributes:
        raise ConfigError(
            "--sample draws by the model's answers alone; leave out --by, --groups and --attributes, and give them "
            "later with --codings"
        )


def estimate_shares(
    folder: Path, items: object, asked: Request, *, settings: Settings, listeners: Sequence[Listener] = ()
) -> ShareEstimate:
    """The share of each class among the images: corrected if there are codings, otherwise with a warning.

    folder: a run. items: as for `collect`. Raises ConfigError or DatasetError before the images are classified if an
    argument is invalid, and DatasetError with the line number if a coding is.
    """
    run = open_run(folder)
    evidence = _evidence(run)
    population = read_population(
        run,
        items,
        by=asked.by,
        clusters=asked.clusters,
        attributes=asked.attributes,
        settings=settings,
        listeners=listeners,
    )
    codings, since = None, None
    if asked.codings is not None:
        rows, draws = read_labels(asked.codings, population.classes), find_draws(run.folder, population)
        if draws.sample.items and not gives_probabilities(rows):
            since = SinceDraw(len(draws.sample.inclusion), draws.n_added, len(draws.removed))
            population = population.restrict(draws.covered)
        removed = draws.removed if since else frozenset()
        codings = read_codings(asked.codings, rows, population, draws.sample, removed)
    found = _findings(evidence, population, codings, since, asked)
    estimate = ShareEstimate(run.name, population.described, found, run.dataset.words(sentences(found)))
    if codings is not None:
        _keep(draws.folder, estimate)
    return estimate


def draw_to_label(
    folder: Path, items: object, n: int, sheet: Path, *, settings: Settings, listeners: Sequence[Listener] = ()
) -> SheetDrawn:
    """Draw n more images for people to label, and write the sheet.

    ConfigError if the sheet already exists, MachineError if it cannot be written. The draws are saved in the run, with
    the inclusion probability of every image.
    """
    if sheet.exists():
        raise ConfigError(f"{sheet} already exists, perhaps with labels in it. Give another file with --out.")
    require_writable(Place(sheet.parent, f"{sheet}: the folder", _REMEDY))
    run = open_run(folder)
    _evidence(run)
    population = read_population(run, items, settings=settings, listeners=listeners)
    with locked(find_draws(run.folder, population).folder):
        draws = find_draws(run.folder, population)
        before = draws.sample
        population = population.restrict(set(population.names) - draws.replaced)
        total = min(draws.n_kept + n, len(population.names))
        strata, weights = planned_strata(population.probabilities, total)
        after = draw(
            population.names, n, strata=strata, weights=weights, before=before, seed=run.config.seed,
            design="score" if strata else "random", described=population.described,
        )  # fmt: skip
        new = after.items[len(before.items) :]
        try:
            files = [population.files[name] for name in new]
            write_sheet(sheet, files, further=columns_to_read(population.modality, [Path(file) for file in files]))
        except OSError as error:  # the error itself would name the temporary file
            raise MachineError(f"{sheet} cannot be written: {error.strerror}. {_REMEDY}.") from error
        write_draws(draws, after, population)
    none = np.zeros(0, dtype=int)
    widths = expected_widths(LabelledSample(population.probabilities, none, none), total)
    text = (
        f"{len(new)} of {len(population.names)} images are in {sheet}, in random order. Write each one's class into "
        "the column `label` and your name into `coder`; several people may each fill in a copy.",
        *_changes(draws),
        expected_sentence(total, widths),
    )
    return SheetDrawn(sheet, new, total, len(population.names), after.draws[-1].design, run.dataset.words(text))


def _changes(draws: StoredDraws) -> Iterator[str]:
    """What a further draw from a changed set of images means."""
    n = len(draws.replaced)
    added, removed = draws.n_added - n, len(draws.removed) - n
    if draws.sample.items and (added or removed):
        so = ", so the added ones count in the next estimate" if added else ""
        yield (
            f"Since the last draw {counted(added, 'image')} {'was' if added == 1 else 'were'} added and {removed:,} "
            f"removed. This draw is from all images that are there now{so}."
        )
    if n:
        yield (
            f"{counted(n, 'image')} left out, because another image had the same name at an earlier draw. "
            f"Rename {'it' if n == 1 else 'them'} to include {'it' if n == 1 else 'them'}."
        )


def _evidence(run: Run) -> Evidence:
    require_classes(run, "an estimate of shares")
    found = read_evidence(run.folder)
    if found is None or not run.champion.exists():
        raise ConfigError(
            f"{run.folder} has no tested model: the run is not finished, or its evidence is damaged. Finish it with "
            f"`autotl resume {run.folder}`."
        )
    return found


def _keep(folder: Path, estimate: ShareEstimate) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(estimate.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / ESTIMATE_FILE, text.encode("utf-8", "backslashreplace"))


def _findings(
    evidence: Evidence, population: Population, codings: Codings | None, since: SinceDraw | None, asked: Request
) -> Findings:
    sample = _sample(population, codings, asked)
    parts = {"all": np.ones(len(population.names), dtype=bool)}
    if asked.by:
        column = population.columns[asked.by]
        parts |= {str(name): column == name for name in sorted(set(column.tolist()))}
    whole, *groups = (_part(name, sample, own) for name, own in parts.items())
    tested = _tested_accuracy(evidence)
    n_needed = labels_needed(sample, within=asked.within)
    max_gap = evidence.run.config.max_gap
    tolerance = TOLERANCE if max_gap is None else max_gap
    only_groups = {part.name: parts[part.name] for part in groups}
    return Findings(
        classes=population.classes, whole=whole, groups=tuple(groups), by=asked.by,
        labels=None if codings is None else codings.counts, sample=since,
        n_trained_on=len(population.trained_on), n_unreadable=len(population.unreadable), tested=tested,
        change=difference(whole.accuracy, tested) if codings else UNDEFINED,
        tolerance=tolerance,
        gaps=group_gaps(sample, only_groups, tolerance) if codings and len(groups) > 1 else (),
        cross_check=_with_labels(population, sample) if codings else _without_labels(evidence, population),
        plan=LabelPlan(asked.within, n_needed, expected_widths(sample, n_needed)),
    )  # fmt: skip


def _sample(population: Population, codings: Codings | None, asked: Request) -> LabelledSample:
    clusters = population.columns[asked.clusters] if asked.clusters else None
    if codings is None:
        none = np.zeros(0, dtype=int)
        return LabelledSample(population.probabilities, none, none, clusters=clusters)
    return LabelledSample(population.probabilities, codings.rows, codings.labels, codings.weights, clusters)


def _part(name: str, sample: LabelledSample, items: np.ndarray) -> Part:
    own = sample.restrict(items)
    n_classes = own.probabilities.shape[1]
    answered = np.bincount(own.probabilities.argmax(axis=1), minlength=n_classes)
    return Part(
        name, own.n_items, len(own.rows), tuple((answered / answered.sum()).tolist()), class_shares(own), accuracy(own)
    )


def _tested_accuracy(evidence: Evidence) -> ScoreInterval:
    tested, clusters = evidence.tested, evidence.run.split.cluster[evidence.tested.items]
    right = tested.probabilities.argmax(axis=1) == tested.labels
    return accuracy_with_interval(right, clusters if len(np.unique(clusters)) < len(clusters) else None)


def _with_labels(population: Population, sample: LabelledSample) -> dict[str, dict[str, float | None]]:
    """The shares by other methods, without undefined ones."""
    powered, adjusted = {}, {}
    everywhere = sample.probabilities.argmax(axis=1)
    for number, name in enumerate(population.classes):
        labels, scores = sample.labels == number, sample.probabilities[:, number]
        powered[name] = prediction_powered_mean(
            labels.astype(float), scores[sample.rows], scores, sample.weights
        ).value  # fmt: skip
        answers = everywhere == number
        adjusted[name] = _or_none(rogan_gladen(labels, answers[sample.rows], float(answers.mean()), sample.weights))
    return {"ppi++": dict(powered), "rogan-gladen": adjusted}


def _without_labels(evidence: Evidence, population: Population) -> dict[str, dict[str, float | None]]:
    """The shares assuming that only the shares have changed since the model was trained (label shift)."""
    run, classes = evidence.run, population.classes
    unseen = [evidence.tested, evidence.searched]
    labels = np.concatenate([one.labels for one in unseen])
    answers = np.concatenate([one.probabilities.argmax(axis=1) for one in unseen])
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(confusion, (labels, answers), 1)
    trained = np.bincount(run.dataset.labels[run.split.development], minlength=len(classes)) + 0.5
    by_expectation = shares_by_expectation_maximisation(population.probabilities, trained / trained.sum())
    answered = np.bincount(population.probabilities.argmax(axis=1), minlength=len(classes)) / len(population.names)
    by_confusion = shares_by_confusion(confusion, answered)
    found: dict[str, dict[str, float | None]] = {"sld": dict(zip(classes, by_expectation.tolist(), strict=True))}
    if by_confusion is not None:
        found["bbse"] = dict(zip(classes, by_confusion.tolist(), strict=True))
    return found


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
