"""The page of `autotl check`: what is in the data, what is wrong with them, and how to note a decision about it."""

from __future__ import annotations

import base64
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from autotl.data.dataset import Dataset
from autotl.data.split import Split
from autotl.errors import ConfigError
from autotl.images.decoder import UnreadableImage
from autotl.images.file_info import thumbnail
from autotl.images.near_duplicates import PAIR_COLUMNS
from autotl.interfaces import Finding, Severity
from autotl.reports.report import THUMBNAIL_PIXELS, template
from autotl.runtime.atomic_files import write_atomically

N_PICTURES = 12
N_PAIRS = 8
N_LISTED = 200
N_CLASSES, N_CLASSES_PICTURED, N_SAMPLES = 200, 40, 6
N_SET_ASIDE = 50
MOST_PICTURE_BYTES = 3_500_000
"""Of all thumbnails before base64 makes them a third longer: the page stays below 5 MB."""


@dataclass(frozen=True)
class Picture:
    """A file as the page shows it. part: its given split; size: "640 × 480", pixels; jpeg: base64, empty if unreadable.

    reason: why there is no picture.
    """

    label: str = ""
    part: str = ""
    size: str = ""
    jpeg: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Pair:
    """The paths of two images that look alike, and how much they do, in words."""

    first: str
    second: str
    similarity: str


@dataclass(frozen=True)
class Card:
    """A finding as the page shows it. pictured, listed: paths; n_rest: how many more there are, listed or not."""

    finding: Finding
    commands: tuple[str, ...]
    pairs: tuple[Pair, ...]
    pictured: tuple[str, ...]
    listed: tuple[str, ...]
    n_rest: int


@dataclass(frozen=True)
class ClassRow:
    """A class as the page shows it. parts: images in each part of the split; size: the median; samples: paths."""

    name: str
    n_images: int
    parts: tuple[int, ...]
    size: str
    samples: tuple[str, ...]


def write_page(
    page: Path,
    dataset: Dataset,
    findings: Sequence[Finding],
    *,
    data: Path,
    split: Split | None,
    facts: Mapping[str, str],
    options: Sequence[str] = (),
) -> None:
    """Write what the checks found as one HTML file, pictures inside, readable offline, below 5 MB.

    findings: worst first. data, options: as the user named and read the data, for the commands on the page.
    split: its parts are counted for each class; without one those of the split that came with the data.
    facts: what else to say at the head of the page, label to text.
    Raises ConfigError where the page cannot be written.
    """
    cards = [_card(finding, dataset, data, options) for finding in findings]
    parts, rows = _class_rows(dataset, split)
    text = template("check.html.j2").render(
        name=data.resolve().name or str(data),
        dataset=dataset,
        facts=facts,
        cards=cards,
        severities=[(word, sum(f.severity == word for f in findings)) for word in reversed(get_args(Severity))],
        parts=parts,
        divided=split is not None,
        rows=rows,
        n_rows=N_CLASSES,
        set_aside=_set_aside(dataset),
        pictures=_pictures(dataset, _shown(cards, rows)),
    )
    try:
        # Paths are valid text, but a finding may quote bytes of a file that are not.
        write_atomically(page, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ConfigError(
            f"the page {page} cannot be written ({error.strerror or error}). Give it a place in a folder that is "
            "there and may be written to."
        ) from None


def commands(finding: Finding, data: Path, options: Sequence[str] = ()) -> tuple[str, ...]:
    """The commands that note the decisions which a finding proposes."""
    return tuple(
        shlex.join(["autotl", "fix", str(data), *options, f"--{decision}", "=".join(about)])
        for decision, *about in finding.fixes
    )


def _card(finding: Finding, dataset: Dataset, data: Path, options: Sequence[str]) -> Card:
    pairs = _pairs(finding, dataset)
    pictured = () if pairs else finding.items[:N_PICTURES]
    shown = {path for pair in pairs for path in (pair.first, pair.second)} | set(pictured)
    rest = tuple(path for path in finding.items if path not in shown)
    return Card(finding, commands(finding, data, options), pairs, pictured, rest[:N_LISTED], len(rest))


def _pairs(finding: Finding, dataset: Dataset) -> tuple[Pair, ...]:
    """The first pairs of a finding, with what is known of their similarity."""
    if not finding.pairs:
        return ()
    paths, digests = (dataset.items[name].to_numpy(dtype=str) for name in ("path", "sha256"))
    wanted = finding.pairs[:N_PAIRS]
    some = dataset.pairs[np.isin(paths[dataset.pairs["first"]], [path for pair in wanted for path in pair])]
    known = {
        frozenset((paths[i], paths[j])): _likeness(similarity, mirrored, exact=bool(digests[i] == digests[j]))
        for i, j, similarity, mirrored in some[[*PAIR_COLUMNS]].itertuples(index=False, name=None)
    }
    return tuple(Pair(first, second, known.get(frozenset((first, second)), "")) for first, second in wanted)


def _likeness(similarity: float, mirrored: bool, *, exact: bool) -> str:
    # 1.00 would promise an exact copy.
    words = "exact copies" if exact else f"similarity {min(similarity, 0.99):.2f}"
    return f"{words}, mirrored" if mirrored else words


def _class_rows(dataset: Dataset, split: Split | None) -> tuple[list[str], list[ClassRow]]:
    """The parts of the split, in order, and the classes; also those of which no file can be read."""
    items = dataset.items
    names = sorted(set(dataset.table["label"][~dataset.excluded]) - {""})
    given = items["given_split"].to_numpy(dtype=str)
    part = split.part_names() if split is not None else np.where(given == "", "no split", given)
    parts = sorted(set(part), key=lambda name: (["train", "validation", "test", name].index(name), name))
    if parts == ["no split"]:
        parts = []
    medians = items.groupby("label")[["width", "height"]].median()
    positions = items.groupby("label").indices
    rows = []
    for place, name in enumerate(names):
        own = np.asarray(positions.get(name, np.array([], dtype=int)))
        spaced = np.linspace(0, len(own) - 1, min(N_SAMPLES, len(own))).round().astype(int)
        samples = items["path"].iloc[own[spaced]] if place < N_CLASSES_PICTURED else []
        counts = tuple(int((part[own] == wanted).sum()) for wanted in parts)
        size = _size(*medians.loc[name]) if len(own) else "–"
        rows.append(ClassRow(name, len(own), counts, size, tuple(samples)))
    return parts, rows


def _set_aside(dataset: Dataset) -> list[tuple[str, str]]:
    """Path and reason of files that are not used; the user's own exclusions, which are no surprise, come last."""
    aside = dataset.table["quarantine"] != ""
    rows = pd.concat([dataset.table[aside & ~dataset.excluded], dataset.table[dataset.excluded]]).head(N_SET_ASIDE)
    return list(zip(rows["path"], rows["quarantine"], strict=True))


def _shown(cards: Iterable[Card], rows: Iterable[ClassRow]) -> Counter[str]:
    """How often the page shows each path."""
    shown: Counter[str] = Counter()
    for card in cards:
        shown.update(card.pictured)
        shown.update(path for pair in card.pairs for path in (pair.first, pair.second))
    for row in rows:
        shown.update(row.samples)
    return shown


def _pictures(dataset: Dataset, shown: Counter[str]) -> dict[str, Picture]:
    """What there is to show of each path; every file is decoded once, but for those that were set aside."""
    known = dataset.table[dataset.table["path"].isin(list(shown))]
    aside = known["quarantine"] != ""  # a damaged HEIC may bring down what decodes it
    jpegs: dict[str, bytes | str] = dict(zip(known["path"][aside], known["quarantine"][aside], strict=True))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        usable = known["path"][~aside]
        jpegs |= zip(usable, pool.map(_thumbnail, (dataset.root / path for path in usable)), strict=True)
    if sum(len(jpeg) * shown[path] for path, jpeg in jpegs.items() if isinstance(jpeg, bytes)) > MOST_PICTURE_BYTES:
        jpegs = {p: thumbnail(j, THUMBNAIL_PIXELS // 2) if isinstance(j, bytes) else j for p, j in jpegs.items()}
    # A plugin may name what is no file of the data set; it is not looked for on the disk.
    pictures = {path: Picture(reason="not a file of this data set") for path in shown}
    for path, label, part, width, height in known[["path", "label", "given_split", "width", "height"]].itertuples(
        index=False, name=None
    ):
        jpeg, size = jpegs[path], _size(width, height) if width else ""
        if isinstance(jpeg, bytes):
            pictures[path] = Picture(label, part, size, jpeg=base64.b64encode(jpeg).decode())
        else:
            pictures[path] = Picture(label, part, size, reason=jpeg)
    return pictures


def _thumbnail(path: Path) -> bytes | str:
    """JPEG bytes, or the reason why there are none."""
    try:
        return thumbnail(path, THUMBNAIL_PIXELS)
    except UnreadableImage as error:
        return str(error)


def _size(width: float, height: float) -> str:
    return f"{width:.0f} × {height:.0f}"
