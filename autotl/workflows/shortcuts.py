"""What predicts the label of a run's images other than their content, and whether the champion's errors follow it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from autotl.data.item_sources import cameras, source_folders
from autotl.data.split import LEFT_OUT_FOLD
from autotl.evidence.error_following import corrected, follow
from autotl.evidence.said import Said
from autotl.evidence.shortcut_words import describe, figure, table
from autotl.evidence.shortcuts import Kind, Property, find_shortcuts
from autotl.images.facts import read_facts
from autotl.predictions import Predictions
from autotl.runs.run import Run, cluster_of
from autotl.runs.shortcuts import ShortcutsFound
from autotl.workflows.subject import Subject

PIECE = "shortcuts"
MOST_IMAGES = 1000
"""Enough for an interval of 6 points, and read in a second."""
FEWEST_PER_CLASS, FEWEST_FOLDS = 8, 2
"""With fewer images, a class may have a single file format by chance alone."""
CORNERS = {"top left corner": (0, 0), "top right corner": (0, 1), "bottom left corner": (1, 0),
           "bottom right corner": (1, 1)}  # fmt: skip
BORDER, CENTRE = "border", "centre"


def shortcuts(subject: Subject) -> Said:
    """Let tiny models guess the label from one property each, and compare the champion's errors with theirs."""
    context, run = subject.context, subject.context.run
    items = _drawn(run, context.seed)
    classes, labels = np.unique(context.labels[items], return_inverse=True)
    fold = run.split.fold[items]
    if len(classes) < 2 or len(np.unique(fold)) < FEWEST_FOLDS:
        why = f"fewer than two classes have {FEWEST_PER_CLASS} images"
        return Said(PIECE, problem=why, fields={"shortcuts": ShortcutsFound(why_not=why)})
    names = [run.dataset.classes[number] for number in classes]
    groups = cluster_of(run, items)
    properties = list(_properties(run, items, subject))
    found, guesses = find_shortcuts(properties, labels, fold, classes=names, groups=groups)
    unseen = _unseen(subject)
    rows = np.flatnonzero(np.isin(items, unseen.items))
    if len(rows):
        answers = unseen.restrict(items[rows])
        ours = Predictions(answers.items, labels[rows], _of_classes(answers.probabilities, classes))
        groups = None if groups is None else groups[rows]
        found = corrected([
            replace(one, following=follow(guesses[one.name].of(rows), ours, groups=groups, seed=context.seed))
            if one.is_named else one
            for one in found
        ])  # fmt: skip
    result = ShortcutsFound(1 / len(names), len(items), tuple(found))
    return Said(PIECE, (figure(result), table(result)), describe(result), {"shortcuts": result})


def _drawn(run: Run, seed: int) -> np.ndarray:
    """At most MOST_IMAGES usable items, taken from each class in turn, without classes that are too small."""
    labels = run.dataset.labels
    used = np.flatnonzero(run.split.fold != LEFT_OUT_FOLD)
    order = np.random.default_rng(seed).permutation(used)
    turn = np.empty(len(order), dtype=int)
    large = np.zeros(len(order), dtype=bool)
    for label in np.unique(labels[used]):
        own = np.flatnonzero(labels[order] == label)
        turn[own], large[own] = np.arange(len(own)), len(own) >= FEWEST_PER_CLASS
    order, turn = order[large], turn[large]
    return np.sort(order[np.argsort(turn, kind="stable")][:MOST_IMAGES])


def _properties(run: Run, items: np.ndarray, subject: Subject) -> Iterator[Property]:
    """The properties of each image that the tiny models see, one at a time."""
    table = run.dataset.items.iloc[items]
    pixels = _miniatures(subject, items)
    area = np.maximum(1.0, table["width"].to_numpy(float) * table["height"].to_numpy(float))

    def columns(*names: str) -> np.ndarray:
        return np.asarray(table[list(names)].to_numpy(dtype=float))

    yield Property("file format", Kind.FILE, table["format"].to_numpy(dtype=str))
    yield Property("colour mode", Kind.FILE, table["mode"].to_numpy(dtype=str))
    shape = np.log2(columns("width")[:, 0] / np.maximum(1, columns("height")[:, 0])).round(2)
    yield Property("width and height", Kind.LOOK, np.column_stack([columns("width", "height"), shape]))
    for title, folders in source_folders(table).items():
        yield Property(title, Kind.FILE, folders)
    camera = cameras(table, run.dataset.root)
    if camera is not None:
        yield Property("camera", Kind.FILE, camera)
    yield Property("file size", Kind.LOOK, np.column_stack([columns("n_bytes"), columns("n_bytes")[:, 0] / area]))
    light, colour = pixels[:, 0], pixels[:, 1:]
    brightness = np.column_stack([columns("brightness_p5", "brightness_p99", "contrast"), light.mean(axis=(1, 2))])
    yield Property("brightness", Kind.LOOK, brightness)
    yield Property("sharpness", Kind.LOOK, columns("sharpness"))
    spread = colour.std(axis=(2, 3))
    colours = np.column_stack([columns("colourfulness"), colour.mean(axis=(2, 3)), spread])
    yield Property("colour", Kind.LOOK, np.where(spread.max() > 0, colours, 0))
    yield from image_parts(pixels)


def image_parts(pixels: np.ndarray) -> Iterator[Property]:
    """The four corners, the border and the centre of images, float (n, channels, edge, edge)."""
    edge, n = pixels.shape[-1], len(pixels)
    corner = edge // 4
    for name, (below, right) in CORNERS.items():
        rows = slice(edge - corner, None) if below else slice(corner)
        columns = slice(edge - corner, None) if right else slice(corner)
        others = tuple(other for other in CORNERS if other != name)
        part = pixels[:, :, rows, columns].reshape(n, -1)
        yield Property(name, Kind.PART, part, references=(others, (CENTRE,)))
    half = pixels.reshape(n, -1, edge // 2, 2, edge // 2, 2).mean(axis=(3, 5))
    inner, strip = np.zeros(half.shape[-2:], dtype=bool), edge // 16
    inner[strip:-strip, strip:-strip] = True
    yield Property(BORDER, Kind.PART, half[:, :, ~inner].reshape(n, -1), references=((CENTRE,),))
    yield Property(CENTRE, Kind.PART, half[:, :, inner].reshape(n, -1), is_reference=True)


def _miniatures(subject: Subject, items: np.ndarray) -> np.ndarray:
    """Luminance and two colour differences of 32 x 32 pixels, float (n, 3, 32, 32), stored by the scan."""
    run = subject.context.run
    paths, digests = run.dataset.items["path"].to_numpy(dtype=str), run.dataset.digests()
    found = read_facts(run.dataset.root, paths[items], digests[items], cache=subject.context.settings.cache)
    return found.miniatures.astype(np.float32)


def _unseen(subject: Subject) -> Predictions:
    """The champion's held-out answers."""
    searched, tested = subject.searched, subject.tested
    new = ~np.isin(searched.items, tested.items)
    return Predictions(
        np.concatenate([searched.items[new], tested.items]),
        np.concatenate([searched.labels[new], tested.labels]),
        np.concatenate([searched.probabilities[new], tested.probabilities]),
    )  # fmt: skip


def _of_classes(probabilities: np.ndarray, classes: Sequence[int] | np.ndarray) -> np.ndarray:
    """Probabilities of some of the classes, renormalised to sum to 1."""
    some = np.maximum(probabilities[:, classes], 1e-12)
    return np.asarray(some / some.sum(axis=1, keepdims=True))
