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

from autotl.dataset import Dataset
from autotl.errors import ConfigError
from autotl.files import write_atomically
from autotl.images import UnreadableImage, thumbnail
from autotl.interfaces import Finding, Severity
from autotl.near_duplicates import PAIR_COLUMNS
from autotl.patch import EXCLUDED
from autotl.report import THUMBNAIL_PIXELS, template
from autotl.split import Split

N_PICTURES = 12
N_PAIRS = 8
N_LISTED = 200
N_CLASSES, N_CLASSES_PICTURED, N_SAMPLES = 200, 40, 6
N_SET_ASIDE = 50
MOST_PICTURE_BYTES = 3_500_000
"""Of all thumbnails before base64 makes them a third longer: the page stays below 5 MB."""

_DIFFERS_IN = {"near-duplicates": "sha256", "label-conflicts": "label", "split-leaks": "given_split"}
"""The checks whose findings are about pairs, and what is never the same on both sides of such a pair."""


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
    likeness: str


@dataclass(frozen=True)
class Card:
    """A finding as the page shows it. pictured, listed: paths; n_pairs, n_rest: how many there are, shown or not."""

    finding: Finding
    commands: tuple[str, ...]
    pairs: tuple[Pair, ...]
    n_pairs: int
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
) -> None:
    """Write what the checks found as one HTML file, pictures inside, readable offline, below 5 MB.

    data: as the user named it, which the commands on the page repeat. split: its parts are counted for each class;
    without one those of the split that came with the data. facts: what else to say at the head of the page, label to
    text. Raises ConfigError where the page cannot be written.
    """
    order = get_args(Severity)
    cards = [_card(finding, dataset, data) for finding in sorted(findings, key=lambda f: -order.index(f.severity))]
    parts, rows = _class_rows(dataset, split)
    text = template("check.html.j2").render(
        name=data.resolve().name or str(data),
        dataset=dataset,
        facts=facts,
        cards=cards,
        severities=[(word, sum(f.severity == word for f in findings)) for word in reversed(order)],
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


def commands(finding: Finding, dataset: Dataset, data: Path) -> tuple[str, ...]:
    """The commands that note a decision about the first item of a finding; empty where there is none to take."""
    return tuple(
        shlex.join(["autotl", "fix", str(data), option, value]) for option, value in _decisions(finding, dataset)
    )


def _decisions(finding: Finding, dataset: Dataset) -> list[tuple[str, str]]:
    if not finding.items:
        return []
    first = finding.items[0]
    if finding.check in ("near-duplicates", "blank"):
        return [("--exclude", first)]
    if finding.check not in ("label-errors", "label-conflicts", "class-names"):
        return []
    label_of = dict(zip(dataset.items["path"], dataset.items["label"], strict=True))
    labels = list(dict.fromkeys(label_of[path] for path in finding.items if path in label_of))
    if finding.check == "class-names":
        # The smaller class goes into the larger one.
        small_first = sorted(labels[:2], key=lambda name: int((dataset.items["label"] == name).sum()))
        return [("--merge", "=".join(small_first))] if len(small_first) == 2 else []
    if finding.check == "label-conflicts":
        other = labels[1] if len(labels) > 1 else "CLASS"
        return [("--relabel", f"{first}={other}"), ("--exclude", first)]
    others = [name for name in dataset.classes if name != label_of.get(first)]
    return [("--relabel", f"{first}={others[0] if len(others) == 1 else 'CLASS'}")]


def _card(finding: Finding, dataset: Dataset, data: Path) -> Card:
    pairs, n_pairs = _pairs(finding, dataset)
    pictured = () if pairs else finding.items[:N_PICTURES]
    shown = {path for pair in pairs for path in (pair.first, pair.second)} | set(pictured)
    rest = tuple(path for path in finding.items if path not in shown)
    return Card(finding, commands(finding, dataset, data), pairs, n_pairs, pictured, rest[:N_LISTED], len(rest))


def _pairs(finding: Finding, dataset: Dataset) -> tuple[tuple[Pair, ...], int]:
    """The pairs that a finding is about, the most alike first, and how many there are."""
    if finding.check not in _DIFFERS_IN:
        return (), 0
    paths = dataset.items["path"].to_numpy(dtype=str)
    differs = dataset.items[_DIFFERS_IN[finding.check]].to_numpy(dtype=str)
    concerned = np.isin(paths, list(finding.items))
    pairs = dataset.pairs
    first, second = pairs["first"].to_numpy(dtype=int), pairs["second"].to_numpy(dtype=int)
    found = pairs[concerned[first] & concerned[second] & (differs[first] != differs[second])]
    found = found.sort_values(["likeness", "first", "second"], ascending=[False, True, True])
    digests = dataset.items["sha256"].to_numpy(dtype=str)
    shown = tuple(
        Pair(str(paths[i]), str(paths[j]), _likeness(likeness, mirrored, exact=bool(digests[i] == digests[j])))
        for i, j, likeness, mirrored in found.head(N_PAIRS)[[*PAIR_COLUMNS]].itertuples(index=False, name=None)
    )
    return shown, len(found)


def _likeness(likeness: float, mirrored: bool, *, exact: bool) -> str:
    # 1.00 would promise an exact copy.
    words = "exact copies" if exact else f"likeness {min(likeness, 0.99):.2f}"
    return f"{words}, mirrored" if mirrored else words


def _class_rows(dataset: Dataset, split: Split | None) -> tuple[list[str], list[ClassRow]]:
    """The parts of the split, in order, and the classes; also those of which no file can be read."""
    items = dataset.items
    kept = ~dataset.table["quarantine"].str.startswith(EXCLUDED)
    names = sorted(set(dataset.table["label"][kept]) - {""})
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
    rows = zip(dataset.quarantined["path"], dataset.quarantined["quarantine"], strict=True)
    return sorted(rows, key=lambda row: row[1].startswith(EXCLUDED))[:N_SET_ASIDE]


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
    """What there is to show of each path; every file is decoded once."""
    known = dataset.table[dataset.table["path"].isin(list(shown))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jpegs = dict(zip(known["path"], pool.map(_thumbnail, (dataset.root / p for p in known["path"])), strict=True))
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
