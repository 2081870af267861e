"""Scores a model on new labelled data, which no search has seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autotl.data.clip_folders import what_holds_clips
from autotl.data.clusters import find_clusters
from autotl.data.dataset import Dataset
from autotl.data.item_columns import NO_IMAGES
from autotl.data.item_kinds import CLIPS, IMAGES, KINDS, TEXTS
from autotl.data.label_table import ONE_COLUMN_EACH
from autotl.data.modalities import kinds_read, modality_named
from autotl.data.scan import scan
from autotl.deploy.batch_prediction import classify
from autotl.deploy.deployable import load_deployable, numbers_of
from autotl.deploy.prediction_files import columns_of_run
from autotl.deploy.predictor import Predictor
from autotl.errors import DatasetError
from autotl.evidence.evaluations import Evaluation, evaluate
from autotl.evidence.evaluators import evaluators_of
from autotl.plugins import Plugins
from autotl.predictions import Predictions
from autotl.runs.events import Listener, Progress
from autotl.runs.result import by_class, overall
from autotl.runs.run import open_run
from autotl.runtime.wording import counted, listed
from autotl.settings import Settings
from autotl.targets import CLASSES, LABELS, NUMBER, ORDERED, UNKNOWN, Kind, Target, applying_labels, encode, is_number


@dataclass(frozen=True)
class NewData:
    """Labelled data to evaluate a model on; the options are those of `autotl.data.scan.scan`."""

    data: Path
    label: str | None = None
    groups: str | None = None
    attributes: Path | None = None
    patch: Path | None = None
    text: str | None = None
    image: str | None = None


@dataclass(frozen=True)
class ModelEvaluation:
    """What a model is worth on new data.

    evaluation: of all images whose class the model knows. unseen: the same without the `n_trained_on` images that the
    model was trained on, None if there are none of these, or if nothing would be left. unknown: number of images
    by class, of the classes that the model does not know. notes: further remarks, one sentence each.
    """

    model: str
    data: str
    layout: str
    evaluation: Evaluation
    unseen: Evaluation | None
    n_trained_on: int
    n_skipped: int
    n_unlabelled: int
    unknown: dict[str, int]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """What `autotl evaluate --json` prints."""
        return {
            "model": self.model,
            "data": self.data,
            "layout": self.layout,
            **_scores(self.evaluation),
            "unseen": None if self.unseen is None else _scores(self.unseen),
            "n_trained_on": self.n_trained_on,
            "n_skipped": self.n_skipped,
            "n_unlabelled": self.n_unlabelled,
            "unknown_classes": self.unknown,
            "notes": list(self.notes),
        }


def evaluate_model(
    model: Path, new: NewData, *, plugins: Plugins, settings: Settings, listeners: tuple[Listener, ...] = ()
) -> ModelEvaluation:
    """Score a model on labelled data; nothing is learned from them, and nothing is written.

    model: a run or a deployable folder; only a run knows which images it was trained on. Raises DatasetError if no
    image has a class that the model knows.
    """
    deployable = load_deployable(model)
    target, kind = deployable.target, str(deployable.metadata.get("modality", "image"))
    dataset = _read(_columns_of(kind, new, model), target.kind, settings.cache, listeners)
    own = _seen_as(kind, dataset, new.data)
    rows, labels, unknown = _answerable(dataset, target)
    if not len(rows):
        raise DatasetError(
            f"no {dataset.item_kind.name} of {new.data} has a class of the model: the data have "
            f"{listed(sorted(unknown))}; the model knows {listed(deployable.classes)}. Give the classes the same "
            "names, or name the column of labels with --label NAME."
        )
    predictor = Predictor(deployable.folder)
    given = predictor.reader.given([own.path(int(row)) for row in rows])
    answers = [answer for batch in classify(predictor, given, listeners=listeners) for answer in batch]
    read = np.array(["error" not in answer for answer in answers])
    rows, labels = rows[read], labels[read]
    found_answers = np.array([numbers_of(answer) for answer in answers if "error" not in answer])
    predictions = Predictions(rows, labels, found_answers)
    clusters = find_clusters(dataset)
    trained_on = np.isin(own.items["sha256"].to_numpy(str)[rows], _contents_trained_on(model, kind))

    def score(kept: np.ndarray) -> Evaluation:
        alike = clusters[kept] if len(np.unique(clusters[kept])) < len(kept) else None
        return evaluate(
            predictions.restrict(kept), evaluators_of(plugins, target.kind), deployable.classes, groups=alike, seed=0
        )  # fmt: skip

    n_trained_on = int(trained_on.sum())
    found = ModelEvaluation(
        model=str(model), data=str(new.data), layout=dataset.layout, evaluation=score(rows),
        unseen=score(rows[~trained_on]) if 0 < n_trained_on < len(rows) else None, n_trained_on=n_trained_on,
        n_skipped=len(dataset.quarantined) + int((~read).sum()), n_unlabelled=len(dataset.unlabelled),
        unknown=dict(unknown), notes=(),
    )  # fmt: skip
    lacking = [name for name, n in found.evaluation.n_by_class.items() if not n]
    return ModelEvaluation(**vars(found) | {"notes": dataset.words(tuple(_notes(found, lacking)))})


def _answerable(dataset: Dataset, target: Target) -> tuple[np.ndarray, np.ndarray, Counter[str]]:
    """The items that can be scored, their labels, and how many items have a class or label that is not known."""
    texts = dataset.items["label"].to_numpy(str)
    if target.kind == NUMBER:
        if bad := sorted({text for text in texts.tolist() if not is_number(text)}):
            raise DatasetError(
                f"the model predicts a number, and {len(bad)} labels are not numbers (such as "
                f"{listed(map(repr, bad), most=5)}). Name the column of numbers with --label."
            )
        return np.arange(len(texts)), encode(target, texts), Counter()
    if target.kind == LABELS:
        found = [name for text in texts.tolist() for name in applying_labels(text)]
        known = not found or any(name in target.classes for name in found)
        rows = np.arange(len(texts) if known else 0)
        labels = encode(target, texts[rows]).astype(np.int8)
        labels[:, _without_column(dataset, target)] = UNKNOWN
        return rows, labels, Counter(name for name in found if name not in target.classes)
    rows = np.flatnonzero(np.isin(texts, target.classes))
    unknown = Counter(name for name in texts.tolist() if name not in target.classes)
    return rows, encode(target, texts[rows]), unknown


def _without_column(dataset: Dataset, target: Target) -> np.ndarray:
    """Of which labels nothing is known, bool (n_labels,), since a table of one column per label has none of them."""
    if ONE_COLUMN_EACH not in dataset.layout:
        return np.zeros(len(target.classes), dtype=bool)
    # A column in which no label applies is read as an attribute.
    given = {*dataset.classes, *(str(name).removeprefix("attribute.") for name in dataset.table)}
    return np.array([name not in given for name in target.classes])


def _read(new: NewData, kind: Kind, cache: Path, listeners: tuple[Listener, ...]) -> Dataset:
    def progress(stage: str, done: int, total: int) -> None:
        for listener in listeners:
            listener(Progress(stage, done, total))

    return scan(
        new.data, label=new.label, text=new.text, image=new.image, groups=new.groups, attributes=new.attributes,
        patch=new.patch, cache=cache, progress=progress,
        kind=CLASSES if kind == ORDERED else kind,  # the order is the model's
    )  # fmt: skip


def _columns_of(kind: str, new: NewData, model: Path) -> NewData:
    """The new data with the columns of a table that give what a model of this kind of item reads."""
    if kind == CLIPS.name:
        return replace(new, image=new.image or what_holds_clips(new.data))
    read = kinds_read(kind)
    columns = columns_of_run(model).of(new.data, text=new.text, image=new.image)
    text = columns.text if TEXTS.name in read else None
    return replace(new, text=text, image=columns.image if IMAGES.name in read else text and NO_IMAGES)


def _seen_as(kind: str, dataset: Dataset, data: Path) -> Dataset:
    """The items as a model of this kind reads them; raises DatasetError if they have no such part."""
    if kind not in (dataset.modality, *modality_named(dataset.modality).parts):
        wanted = KINDS[kind].plural
        parts = " and ".join(f"--{part} NAME" for part in modality_named(kind).parts or (kind,))
        raise DatasetError(
            f"{data} gives {dataset.item_kind.plural}, and the model takes {wanted}. Give data of {wanted}; of a table "
            f"name the columns that give them: {parts}."
        )
    return dataset.part(kind)


def _contents_trained_on(model: Path, kind: str) -> list[str]:
    """The hashes of what a run's champion was trained on; none for a deployable without its run.

    kind: of item that the champion reads.
    """
    if not (model / "run.json").exists():
        return []
    run = open_run(model)
    hashes: list[str] = run.dataset.part(kind).items["sha256"].iloc[run.split.development].tolist()
    return hashes


def _notes(found: ModelEvaluation, lacking: list[str]) -> list[str]:
    notes = []
    if found.n_trained_on:
        whole = found.n_trained_on == found.evaluation.n_items
        which = "all of them" if whole else f"{found.n_trained_on} of {found.evaluation.n_items}"
        rest = "a test on them says nothing" if whole else "the scores without them are what new images will get"
        notes.append(f"the model was trained on {which}, as the contents of the files show: {rest}")
    if found.unknown:
        known = listed(f"{name} ({n})" for name, n in found.unknown.items())
        notes.append(f"images of classes that the model does not know are not scored: {known}")
    if lacking:
        notes.append(f"no image is of {listed(lacking)}, which the model can answer all the same")
    if found.n_skipped:
        notes.append(f"{counted(found.n_skipped, 'image')} skipped or excluded")
    if found.n_unlabelled:
        notes.append(f"{counted(found.n_unlabelled, 'image')} without a label not scored")
    return notes


def _scores(evaluation: Evaluation) -> dict[str, object]:
    scores = {name: score.to_json() for name, score in evaluation.scores.items()}
    return {
        "n_items": evaluation.n_items,
        "scores": overall(scores),
        "by_class": by_class(scores),
        "classes": list(evaluation.classes),
        "confusion": evaluation.confusion.tolist(),
    }
