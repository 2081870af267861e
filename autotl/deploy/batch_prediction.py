"""Classifying any number of image files with an exported model, part by part, so that memory does not grow."""

from __future__ import annotations

import csv
import io
import json
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from autotl.cache.content_folders import unpacked_once
from autotl.data.archives.unpack import is_archive, unpack
from autotl.data.listing import TABLE_SUFFIXES, list_files
from autotl.data.source import open_source
from autotl.deploy.predictor import Prediction, Predictor
from autotl.errors import ConfigError
from autotl.images.safe_decode import decode_risk
from autotl.runs.events import Listener, Progress

Batches = Iterable[Sequence[Prediction]]
"""Predictions as `classify` gives them."""


N_AT_ONCE = 128
"""Four batches of the model: little is lost at the seams, and on any machine one is done within seconds."""


def classify(
    predictor: Predictor, files: Sequence[Path], *, listeners: Sequence[Listener] = ()
) -> Iterator[list[Prediction]]:
    """Predictions as `Predictor.predict` gives them, in the order of the files, so many at once.

    A file whose decoder would bring this process down gets an error, and the next one is not harmed.
    listeners: told how far it is, at the start and after each part.
    """
    began = time.monotonic()
    for start in range(0, len(files), N_AT_ONCE):
        _tell(listeners, start, len(files), began)
        part = files[start : start + N_AT_ONCE]
        dangers = {str(file): danger for file in part if (danger := decode_risk(file))}
        found = iter(predictor.predict([str(file) for file in part if str(file) not in dangers]))
        yield [
            {"item": str(file), "error": dangers[str(file)]} if str(file) in dangers else next(found) for file in part
        ]
    _tell(listeners, len(files), len(files), began)


def _tell(listeners: Sequence[Listener], done: int, total: int, began: float) -> None:
    """Tell how many files are done; began: when the first was, by the monotonic clock."""
    rate = done / max(time.monotonic() - began, 1e-3)
    event = Progress("predict", done, total, rate or None, (total - done) / rate if rate else None)
    for listener in listeners:
        listener(event)


def image_files(items: Iterable[Path], *, cache: Path, label: str | None = None) -> list[Path]:
    """The image files, in order; ConfigError where a folder or an archive has none, DatasetError where it is damaged.

    cache: where archives are unpacked. label: the column of the labels, for tables.
    """
    files: list[Path] = []
    for item in items:
        if item.is_dir():
            files += _within(item, item)
        elif item.suffix.lower() in TABLE_SUFFIXES:
            source = open_source(item, label=label, cache=cache, need_labels=False)
            there = source.table["path"][source.table["missing"] == ""]
            files += [source.root / path for path in there]
        elif is_archive(item):
            files += _within(unpacked_once(item, cache, partial(unpack, item)).folder, item)
        else:
            files.append(item)
    return files


def _within(folder: Path, item: Path) -> list[Path]:
    images = list_files(folder, lenient=True).images
    if not images:
        kind = "folder" if item.is_dir() else "archive"
        raise ConfigError(f"the {kind} {item} has no images in it")
    return [folder / path for path in images]


def as_json(batches: Batches) -> Iterator[str]:
    """One JSON document, a list; a piece per batch."""
    before = "[\n"
    for batch in batches:
        rows = [json.dumps(row, indent=2, ensure_ascii=False, allow_nan=False) for row in batch]
        yield before + textwrap.indent(",\n".join(rows), "  ")
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def as_csv(batches: Batches, classes: Sequence[str]) -> Iterator[str]:
    """The columns item, label, one per class, and error; a piece per batch, after the header."""
    yield _csv([["item", "label", *classes, "error"]])
    for batch in batches:
        rows = []
        for row in batch:
            probabilities = row.get("probabilities", {})
            shares = (probabilities.get(name, "") for name in classes)
            rows.append([row["item"], row.get("label", ""), *shares, row.get("error", "")])
        yield _csv(rows)


def as_lines(batches: Batches) -> Iterator[str]:
    """A line per image; a piece per batch."""
    for batch in batches:
        yield "".join(f"{row['item']}: {_verdict(row)}\n" for row in batch)


def _verdict(row: Prediction) -> str:
    return f"{row['label']} ({row['probabilities'][row['label']]:.1%})" if "label" in row else f"? {row['error']}"


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
