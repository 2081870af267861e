"""The images whose class shares are estimated, with the model's answers; training images are left out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autotl.data.column_words import IMAGE_COLUMNS, called
from autotl.data.item_hashes import hash_items
from autotl.data.listing import TABLE_SUFFIXES
from autotl.data.tables import read_side_table, read_table
from autotl.deploy.batch_prediction import classify
from autotl.deploy.prediction_files import collect, columns_of_run
from autotl.deploy.predictor import Predictor
from autotl.errors import ConfigError, DatasetError
from autotl.runs.events import Listener
from autotl.runs.run import Run
from autotl.runtime.wording import counted, listed
from autotl.settings import Settings
from autotl.workflows.share_items import Lookup

_MOST_GROUPS = 50


@dataclass(frozen=True, eq=False)
class Population:
    """Images that the model was not trained on, and its answers to them.

    described: the input, in words. names: (n,), unique, relative to the folder if one was given. files: the path of
    every image by name, including images left out; contents: a hash of each file, empty if it cannot be read.
    probabilities: float (n, n_classes). unreadable, trained_on: names of images that could not be read, or that the
    model was trained on. columns: values of each requested column, (n,). modality: the kind of the items, by its name.
    """

    described: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    files: dict[str, str]
    contents: dict[str, str]
    probabilities: np.ndarray
    unreadable: frozenset[str]
    trained_on: frozenset[str]
    columns: dict[str, np.ndarray]
    modality: str

    @property
    def key(self) -> str:
        """A hash of the names and contents of all images, sixteen characters."""
        lines = sorted(f"{name}\0{content}" for name, content in self.contents.items())
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def restrict(self, names: Collection[str]) -> Population:
        """Only some of the images, in the same order."""
        kept = np.array([name in names for name in self.names], dtype=bool)
        return replace(
            self,
            names=tuple(name for name in self.names if name in names),
            probabilities=self.probabilities[kept],
            columns={column: values[kept] for column, values in self.columns.items()},
        )


def read_population(
    run: Run,
    items: object,
    *,
    by: str | None = None,
    clusters: str | None = None,
    attributes: Path | None = None,
    settings: Settings,
    listeners: Sequence[Listener] = (),
) -> Population:
    """Classify images, except those that the model was trained on, recognised by file content.

    items: as for `collect`. by, clusters: columns of the table given as items, or of attributes. Raises ConfigError or
    DatasetError if no image is left, if two images have the same name, if a column is missing, or if by has more than
    50 values.
    """
    described = str(items) if isinstance(items, str | os.PathLike) else "the items"
    if isinstance(items, str | os.PathLike) and not Path(items).expanduser().exists():
        raise ConfigError(
            f"{items} does not exist. Check the path, or give another folder, archive or table of images or texts."
        )
    predictor = Predictor(run.champion)
    images = _given(items, predictor, run, settings)
    names = _names(items, images)
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DatasetError(f"{described} has the item {twice!r} more than once; keep one row or file per item.")
    files = {name: _file(one) for name, one in zip(names, images, strict=True)}
    columns = dict.fromkeys(column for column in (by, clusters) if column)
    values = {column: _column(column, items, attributes, files) for column in columns}
    if by and (n_groups := len(set(values[by].tolist()))) > _MOST_GROUPS:
        raise ConfigError(
            f"--by {by!r} has {n_groups} different values, too many to compare; expected at most {_MOST_GROUPS}"
        )
    contents = _contents(images, predictor.reader.item)
    trained = set(run.dataset.part(predictor.reader.item).items["sha256"].iloc[run.split.development])
    trained_on = np.array([content in trained for content in contents], dtype=bool)
    answers = [answer for batch in classify(predictor, _spared(images, trained_on), listeners=listeners)
               for answer in batch]  # fmt: skip
    kept = np.array([not known and "error" not in answer for known, answer in zip(trained_on, answers, strict=True)])
    if not kept.any():
        raise ConfigError(_none_left(run, described, len(images), int(trained_on.sum())))
    classes = tuple(predictor.classes)
    probabilities = np.array(
        [[answers[place]["probabilities"][name] for name in classes] for place in np.flatnonzero(kept)]
    )
    named = np.array(names, dtype=object)
    return Population(
        described, classes, tuple(named[kept]), files, dict(zip(names, contents, strict=True)), probabilities,
        frozenset(named[~kept & ~trained_on]), frozenset(named[trained_on]),
        {column: own[kept] for column, own in values.items()}, predictor.reader.item,
    )  # fmt: skip


@dataclass(frozen=True)
class _Given:
    """An item as the model's reader takes it. name: its own; path: the file's, empty for one that is not a file."""

    name: str
    path: str
    given: Any


def _given(items: object, predictor: Predictor, run: Run, settings: Settings) -> list[_Given]:
    reader = predictor.reader
    place = Path(items) if isinstance(items, str) else items  # here a string is never a text
    usual = columns_of_run(run.folder)
    found = collect(place, cache=settings.cache, usual=usual, modality=reader.item)
    return [_Given(one.name, reader.path_of(one), one) for one in found]


def _names(items: object, images: Sequence[_Given]) -> list[str]:
    """The names of items, with slashes; in a folder, relative to it, so they do not depend on the working folder."""
    folder = Path(os.fsdecode(items)).expanduser() if isinstance(items, str | os.PathLike) else None
    if folder is None or not folder.is_dir():
        return [Path(one.name).as_posix() for one in images]
    return [Path(one.path).relative_to(folder).as_posix() for one in images]


def _file(one: _Given) -> str:
    return str(Path(one.path).expanduser().absolute()) if one.path else one.name


def _spared(images: Sequence[_Given], trained_on: np.ndarray) -> list[Any]:
    """The items, with those trained on replaced by a problem so that they are not read again."""
    return [
        type(one.given)(one.name, problem="the model was trained on it") if known else one.given
        for one, known in zip(images, trained_on, strict=True)
    ]


def _contents(images: Sequence[_Given], modality: str) -> list[str]:
    """A hash of the content of each item, empty if it has none. modality: the kind of the items, by its name."""
    places = [place for place, one in enumerate(images) if one.path and not one.given.problem]
    found = [""] * len(images)
    paths = [os.path.expanduser(images[place].path) for place in places]  # noqa: PTH111
    for place, content in zip(places, hash_items(Path(), paths, modality)["sha256"], strict=True):
        found[place] = content
    for place, one in enumerate(images):
        if isinstance(content := one.given[1], bytes):
            found[place] = hashlib.sha256(content).hexdigest()
    return found


def _none_left(run: Run, described: str, n: int, n_trained: int) -> str:
    if not n_trained:
        return f"none of the {counted(n, 'item')} of {described} could be read"
    rest = f", and the other {n - n_trained} could not be read" if n > n_trained else ""
    return (
        f"the model of {run.folder} was trained on {n_trained} of the {counted(n, 'item')} of {described}{rest}: "
        "labels of these say nothing about new items. Give items that were not in its data."
    )


def _column(column: str, items: object, attributes: Path | None, files: Mapping[str, str]) -> np.ndarray:
    """The values of a column for each image, in image order; `not given` where there is none."""
    if attributes is not None:
        import pandas as pd

        plain = pd.Series(list(files), dtype=str)
        table = read_side_table(attributes, plain, column=column)
        _require_no_contradiction(attributes, column, table["path"].tolist(), files)
        values = table.set_index("path")[column].reindex(plain).fillna("").to_numpy(str)
    elif isinstance(items, str | os.PathLike) and Path(items).suffix.lower() in TABLE_SUFFIXES:
        frame = read_table(Path(items).expanduser())
        if column not in frame:
            raise ConfigError(f"{items} has no column {column!r}; its columns are {listed(frame.columns, most=20)}")
        values = frame[column].to_numpy(str)
        if len(values) != len(files):
            raise DatasetError(f"{items} has {len(values)} rows for {len(files)} images; expected a row per image.")
    else:
        raise ConfigError(
            f"there is no table with the column {column!r}: give a table of images in place of a folder, or a table "
            "with the columns path and " + column + " by --attributes"
        )
    return np.array([value.strip() or "not given" for value in values.tolist()], dtype=object)


def _require_no_contradiction(attributes: Path, column: str, found: Sequence[str], files: Mapping[str, str]) -> None:
    """Raise DatasetError if a row contradicts the image found for it. found: each row's image."""
    raw = read_table(attributes)
    paths = "path" if "path" in raw else called(IMAGE_COLUMNS, [name for name in map(str, raw) if name != column])[0]
    lookup = Lookup(files)
    for line, (given, name) in enumerate(zip(raw[paths].astype(str).str.strip(), found, strict=True), 2):
        if name in files and (reason := lookup.contradiction(given, name)):
            raise DatasetError(
                f"{attributes}, line {line}: {given!r} {reason}. Correct the path, or leave the line out. A file name "
                "without a folder stands for the image of that name."
            )
