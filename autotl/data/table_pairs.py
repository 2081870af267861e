"""Pairs of an image and a text from the rows of a table: a file for each below the cache, which names both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from autotl.cache.content_folders import new_folder, unpacked_once
from autotl.data.item_kinds import IMAGES, TEXTS
from autotl.data.named_files import RowFiles, row_name
from autotl.data.note import Note
from autotl.errors import DatasetError
from autotl.pairs.kind import PAIR_SUFFIX
from autotl.pairs.pair_files import named_parts


def write_pairs(images: RowFiles, texts: RowFiles, table: Path, cache: Path) -> RowFiles:
    """Write the pair of each row to a file below the cache, once per content of the table and place of its parts.

    A row without an image or without a text has no pair. Raises DatasetError if that is so of all rows.
    """
    parts = [(_absolute(images, row), _absolute(texts, row)) for row in range(len(images.paths))]
    missing = [_why_missing(image, text) for image, text in zip(images.missing, texts.missing, strict=True)]
    if all(missing):
        raise DatasetError(_nothing(images, texts, table))

    def write(folder: Path) -> dict[str, str]:
        names = [row_name(number, len(parts)) + PAIR_SUFFIX for number in range(1, len(parts) + 1)]
        with new_folder(folder) as temporary:
            for name, (image, text), reason in zip(names, parts, missing, strict=True):
                if not reason:
                    (temporary / name).write_bytes(named_parts(image, text))
        return dict(zip(names, missing, strict=True))

    # Texts and stored images are in folders named by their content.
    places = "\0".join(f"{image}\0{text}\0{why}" for (image, text), why in zip(parts, missing, strict=True))
    digest = hashlib.sha256(places.encode(errors="surrogatepass")).hexdigest()
    unpacked = unpacked_once(table, cache, write, part=f"pairs: {digest}")
    return RowFiles(
        unpacked.folder, list(unpacked.notes), list(unpacked.notes.values()),
        (*(images.notes or _notes(images.missing)), *texts.notes),
        {IMAGES.name: [image for image, _ in parts], TEXTS.name: [text for _, text in parts]},
    )  # fmt: skip


def _notes(missing: Sequence[str]) -> tuple[Note, ...]:
    """What there is to tell about rows that should hold an image and do not."""
    without = [number for number, reason in enumerate(missing, start=1) if reason]
    if not without:
        return ()
    first = without[0]
    return (
        Note(
            f"{len(without):,} of {len(missing):,} rows have no image and are skipped, such as row {first}: "
            f"{missing[first - 1]}",
            "Correct these rows, or delete them.",
        ),
    )


def _absolute(files: RowFiles, row: int) -> str:
    return "" if files.missing[row] else str(files.root / files.paths[row])


def _why_missing(image: str, text: str) -> str:
    reasons = [f"its image: {image}"] * bool(image) + [f"its text: {text}"] * bool(text)
    return "; ".join(reasons)


def _nothing(images: RowFiles, texts: RowFiles, table: Path) -> str:
    """The message for a table in which no row has both an image and a text."""
    n = len(images.paths)
    found = [
        f"{n - files.missing.count(''):,} of {n:,} have no {part}"
        + (f" ({next(filter(None, files.missing))})" if any(files.missing) else "")
        for part, files in (("image", images), ("text", texts))
    ]
    return (
        f"no row of {table} has both an image and a text: {' and '.join(found)}. Complete the rows, or learn from one "
        "of the two: leave out --text for the images, or add --image none for the texts."
    )
