"""Explains the most confident mistakes: a map of the evidence, and the nearest training images for and against."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotl.deploy.explainer import Evidence, Explainer
from autotl.deploy.map_facts import EXACT
from autotl.evidence.said import Said
from autotl.features.features import Features
from autotl.images.decoder import UnreadableImage
from autotl.images.overlays import overlay
from autotl.interfaces import Table
from autotl.predictions import Predictions
from autotl.runtime.atomic_files import write_atomically
from autotl.workflows.image_explanations import place_of
from autotl.workflows.subject import Subject

PIECE = "why"
FOLDER, DOCUMENT = "maps", "maps.json"
N_MISTAKES = 12
"""As many as the report shows."""
N_NEAREST = 3
SECONDS = 3.0
"""Time limit of the maps; a map by occlusion takes a few dozen passes through the network."""
_EDGE = 224
_OCCLUSION_GRID = 6
_STAGE, _POOLING = "joined", "avg"
_SAMPLE_ITEMS = 1000
_BLOCK_ITEMS = 2048

_NOTE = (
    "The model's most confident mistakes on the test split. The location of the evidence is drawn over each of them, "
    "orange for the answer and blue for the runner-up. The nearest training images are by the cosine similarity of "
    "standardised frozen features."
)


@dataclass(frozen=True)
class _Explained:
    """A mistake. nearest_for: paths of training images of the predicted class; nearest_against: of the true class.

    seen: the pixels of the part of the image that the model looks at; None if it looks at all of it.
    """

    item: int
    evidence: Evidence
    seen: np.ndarray | None
    nearest_for: tuple[str, ...]
    nearest_against: tuple[str, ...]


def maps_of_mistakes(subject: Subject) -> Said:
    """Write an overlay of each most confident mistake to the run's evidence, and say where the evidence lies."""
    tested = subject.tested
    rows = surest_mistakes(tested)
    if not len(rows):
        return Said(PIECE)
    items, labels = tested.items[rows], tested.labels[rows]
    answers = tested.probabilities[rows].argmax(axis=1)
    features = _features(subject)
    near_for = _nearest(subject, features, items, answers)
    near_against = _nearest(subject, features, items, labels)
    explained = []
    for place, evidence, seen in _evidence(subject, items):
        explained.append(_Explained(int(items[place]), evidence, seen, near_for[place], near_against[place]))
    if not explained:
        return Said(PIECE, problem="none of the mistakes could be explained in the time that was left")
    _write(subject, explained)
    return Said(PIECE, (_table(subject, explained, labels=dict(zip(items.tolist(), labels.tolist(), strict=True))),))


def surest_mistakes(tested: Predictions) -> np.ndarray:
    """Rows of the most confident wrong answers, the most confident first, at most `N_MISTAKES`."""
    confidence = tested.probabilities.max(axis=1)
    wrong = np.flatnonzero(tested.probabilities.argmax(axis=1) != tested.labels)
    return np.asarray(wrong[np.argsort(-confidence[wrong], kind="stable")][:N_MISTAKES])


def _evidence(subject: Subject, items: np.ndarray) -> list[tuple[int, Evidence, np.ndarray | None]]:
    """The position of each item that could be explained in time, its evidence, and what is seen of it if cropped."""
    run, began = subject.context.run, time.monotonic()
    explainer = Explainer(run.champion)
    reader = explainer.predictor.reader
    found: list[tuple[int, Evidence, np.ndarray | None]] = []
    for place, item in enumerate(items):
        if found and time.monotonic() - began > SECONDS:
            break
        try:
            pixels = reader.read(reader.at("", str(run.dataset.path(int(item)))))
        except UnreadableImage:  # removed since the scan
            continue
        seen = pixels if reader.crops else None
        found += [(place, one, seen) for one in explainer.explain(pixels[None], grid=_OCCLUSION_GRID)]
    return found


def _features(subject: Subject) -> Features | None:
    """Frozen features that have already been extracted: the champion's, else the untuned default's."""
    context, trial = subject.context, subject.champion.trial
    default = context.space.default()
    known = [trial.members[0].trial if trial.members else trial]
    places = [(context.candidate(one).backbone, one.reading.size) for one in known if one.reading]
    for backbone, size in [*places, (default.backbone, default.reading.size)]:
        if context.reader.has_features(backbone.name, size):
            found = context.reader.features(backbone, size)
            return found if isinstance(found, Features) else None
    return None


def _nearest(
    subject: Subject, features: Features | None, items: np.ndarray, labels: np.ndarray
) -> list[tuple[str, ...]]:
    """For each item, the paths of the most similar training images of a class, most similar first."""
    if features is None:
        return [()] * len(items)
    run, development = subject.context.run, subject.context.run.split.development
    unit = _standardised(features, development, subject.context.seed)
    wanted, paths = unit(items), run.dataset.items["path"]
    best: list[list[tuple[float, int]]] = [[] for _ in items]
    for start in range(0, len(development), _BLOCK_ITEMS):
        block = development[start : start + _BLOCK_ITEMS]
        alike = wanted @ unit(block).T
        for row, label in enumerate(labels):
            mine = np.flatnonzero(subject.context.labels[block] == label)
            nearest = mine[np.argsort(-alike[row, mine], kind="stable")[:N_NEAREST]]
            best[row] += [(float(alike[row, i]), int(block[i])) for i in nearest]
    return [
        tuple(str(paths.iloc[item]) for _, item in sorted(row, key=lambda one: -one[0])[:N_NEAREST]) for row in best
    ]


def _standardised(features: Features, development: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function that returns features with standardised columns, scaled to unit length, (n, n_columns)."""
    sample = np.sort(np.random.default_rng(seed).permutation(development)[:_SAMPLE_ITEMS])
    known = features.read(_STAGE, _POOLING, sample)
    mean, deviation = known.mean(axis=0), known.std(axis=0)
    scale = np.where(deviation > 0, 1 / np.maximum(deviation, 1e-12), 0)

    def unit(items: np.ndarray) -> np.ndarray:
        vectors = (features.read(_STAGE, _POOLING, items) - mean) * scale
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))

    return unit


def _write(subject: Subject, explained: list[_Explained]) -> None:
    run = subject.context.run
    folder, paths = run.folder / "evidence" / FOLDER, run.dataset.items["path"]
    folder.mkdir(parents=True, exist_ok=True)
    document = []
    for one in explained:
        name = f"{one.item}.png"
        source = run.dataset.path(one.item) if one.seen is None else one.seen
        write_atomically(folder / name, overlay(source, one.evidence.map, edge=_EDGE))
        document.append({
            "item": one.item, "path": str(paths.iloc[one.item]), "map": name, "method": one.evidence.method,
            "for": list(one.nearest_for), "against": list(one.nearest_against),
        })  # fmt: skip
    write_atomically(folder / DOCUMENT, json.dumps(document, indent=2).encode())


def _table(subject: Subject, explained: list[_Explained], labels: dict[int, int]) -> Table:
    run = subject.context.run
    classes, paths = run.dataset.classes, run.dataset.items["path"]
    rows = tuple(
        (
            str(paths.iloc[one.item]), classes[labels[one.item]], classes[one.evidence.label],
            classes[one.evidence.runner_up], place_of(one.evidence.map), ", ".join(one.nearest_for[:1]),
            ", ".join(one.nearest_against[:1]),
        )
        for one in explained
    )  # fmt: skip
    exact = all(one.evidence.method == EXACT for one in explained)
    how = "Each map is exact." if exact else "The maps show what changes when parts of the image do."
    columns = (
        "image", "true class", "answer", "runner-up", "evidence for it is strongest", "nearest of the answer's class",
        "nearest of the true class",
    )  # fmt: skip
    return Table("Why the surest mistakes were made", columns, rows, f"{_NOTE} {how}")
