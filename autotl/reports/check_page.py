"""The page of `autotl check`: what is in the data, what is wrong with it, and how to store a decision about it."""

from __future__ import annotations

import base64
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from autotl.data.dataset import Dataset
from autotl.data.modalities import caption_name, modality_named
from autotl.data.split import Split
from autotl.errors import ConfigError
from autotl.interfaces import Finding, Severity
from autotl.modality import PAIR_COLUMNS, Shown
from autotl.reports.mistakes import PIXELS as THUMBNAIL_PIXELS
from autotl.reports.templating import template
from autotl.runtime.atomic_files import write_atomically

N_IMAGES = 12
N_PAIRS = 8
N_LISTED = 200
N_CLASSES, N_CLASSES_WITH_SAMPLES, N_SAMPLES = 200, 40, 6
N_UNUSED = 50
MOST_IMAGE_BYTES = 3_500_000
"""Of all thumbnails, before base64 makes them a third longer: the page stays below 5 MB."""


@dataclass(frozen=True)
class PageImage:
    """An item as the page shows it.

    part: its given split. size: such as "640 × 480" pixels. jpeg: base64, and text: the beginning of one; both empty if
    the item cannot be read. reason: why it is not shown. name: as its caption has it, empty for its path.
    """

    label: str = ""
    part: str = ""
    size: str = ""
    jpeg: str = ""
    text: str = ""
    reason: str = ""
    name: str = ""


@dataclass(frozen=True)
class Pair:
    """The paths of two similar images, and how similar they are, in words."""

    first: str
    second: str
    similarity: str


@dataclass(frozen=True)
class Card:
    """A finding as the page shows it. shown, listed: paths. n_rest: how many more there are, listed or not."""

    finding: Finding
    commands: tuple[str, ...]
    pairs: tuple[Pair, ...]
    shown: tuple[str, ...]
    listed: tuple[str, ...]
    n_rest: int


@dataclass(frozen=True)
class ClassRow:
    """A class as the page shows it. parts: images in each part of the split. size: the median. samples: paths."""

    name: str
    n_images: int
    parts: tuple[int, ...]
    size: str
    samples: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """What the page shows of a target, or of all of them.

    name: of the target; empty if the page is about one. facts: label to text. divided: whether `parts`, in the order
    of the counts in `rows`, are those of the split that a search would use. images: by path.
    """

    name: str
    dataset: Dataset
    cards: Sequence[Card]
    facts: Mapping[str, str]
    parts: Sequence[str]
    divided: bool
    rows: Sequence[ClassRow]
    images: Mapping[str, PageImage]


@dataclass(frozen=True)
class CheckedTarget:
    """What was found about one of several targets. split: None if the data would be refused."""

    dataset: Dataset
    findings: Sequence[Finding]
    split: Split | None
    facts: Mapping[str, str]


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
    """Write the findings of the checks to one HTML file with the images inside, readable offline, below 5 MB.

    findings: worst first. data, options: as the user gave them, for the commands on the page.
    split: its parts are counted for each class; without one, those of the split that came with the data.
    facts: further lines at the top of the page, label to text.
    Raises ConfigError if the page cannot be written.
    """
    section = _section("", dataset, findings, data, split, {}, options, most_bytes=MOST_IMAGE_BYTES)
    _write(page, dataset, [section], data=data, facts=facts)


def write_targets_page(
    page: Path, together: Dataset, findings: Sequence[Finding], targets: Mapping[str, CheckedTarget], *, data: Path,
    facts: Mapping[str, str], options: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write the findings about several targets to one HTML file, as `write_page` does for one.

    together: the items of all. findings: those of all targets, worst first. targets: by name, with those of each only.
    """
    first = next(iter(targets))
    most_bytes = MOST_IMAGE_BYTES // (1 + len(targets))
    cards = [_card(finding, together, data, ["--label", first, *options]) for finding in findings]
    images = _images(together, _times_shown(cards, ()), most_bytes=most_bytes)
    whole = Section("", together, cards, {}, (), False, (), images)
    own = [
        _section(
            name, one.dataset, one.findings, data, one.split, one.facts, ["--label", name, *options],
            most_bytes=most_bytes,
        )
        for name, one in targets.items()
    ]  # fmt: skip
    _write(page, together, [whole, *own], data=data, facts=facts)


def _section(
    name: str, dataset: Dataset, findings: Sequence[Finding], data: Path, split: Split | None, facts: Mapping[str, str],
    options: Sequence[str], *, most_bytes: int,
) -> Section:  # fmt: skip
    """What the page shows of a target. most_bytes: of all its thumbnails."""
    cards = [_card(finding, dataset, data, options) for finding in findings]
    parts, rows = _class_rows(dataset, split)
    images = _images(dataset, _times_shown(cards, rows), most_bytes=most_bytes)
    return Section(name, dataset, cards, facts, parts, split is not None, rows, images)


def _write(
    page: Path, dataset: Dataset, sections: Sequence[Section], *, data: Path, facts: Mapping[str, str]
) -> None:  # fmt: skip
    """Write the page. Raises ConfigError if it cannot be written."""
    findings = [card.finding for section in sections for card in section.cards]
    text = template("check.html.j2").render(
        name=data.resolve().name or str(data),
        dataset=dataset,
        facts=facts,
        sections=sections,
        n_targets=len(sections) - 1,
        n_findings=len(findings),
        severities=[(word, sum(f.severity == word for f in findings)) for word in reversed(get_args(Severity))],
        n_rows=N_CLASSES,
        unused=_unused(dataset),
        n_skipped=int(dataset.skipped.sum()),
        n_excluded=int(dataset.excluded.sum()),
    )
    try:
        # Paths are valid text, but a finding may quote bytes from a file that are not.
        write_atomically(page, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ConfigError(
            f"the page {page} cannot be written ({error.strerror or error}). Give another path with --page, in a "
            "folder that exists and can be written to."
        ) from None


def commands(finding: Finding, data: Path, options: Sequence[str] = ()) -> tuple[str, ...]:
    """The commands that store the decisions proposed by a finding."""
    return tuple(
        shlex.join(["autotl", "fix", str(data), *options, f"--{decision}", "=".join(about)])
        for decision, *about in finding.fixes
    )


def _card(finding: Finding, dataset: Dataset, data: Path, options: Sequence[str]) -> Card:
    pairs = _pairs(finding, dataset)
    shown = () if pairs else finding.items[:N_IMAGES]
    on_page = {path for pair in pairs for path in (pair.first, pair.second)} | set(shown)
    rest = tuple(path for path in finding.items if path not in on_page)
    return Card(finding, commands(finding, data, options), pairs, shown, rest[:N_LISTED], len(rest))


def _pairs(finding: Finding, dataset: Dataset) -> tuple[Pair, ...]:
    """The first pairs of a finding, with their similarity where it is known."""
    if not finding.pairs:
        return ()
    paths, digests = (dataset.items[name].to_numpy(dtype=str) for name in ("path", "sha256"))
    wanted = finding.pairs[:N_PAIRS]
    some = dataset.pairs[np.isin(paths[dataset.pairs["first"]], [path for pair in wanted for path in pair])]
    known = {
        frozenset((paths[i], paths[j])): _similarity(similarity, mirrored, exact=bool(digests[i] == digests[j]))
        for i, j, similarity, mirrored in some[[*PAIR_COLUMNS]].itertuples(index=False, name=None)
    }
    return tuple(Pair(first, second, known.get(frozenset((first, second)), "")) for first, second in wanted)


def _similarity(similarity: float, mirrored: bool, *, exact: bool) -> str:
    # 1.00 would promise an exact copy.
    words = "exact copies" if exact else f"similarity {min(similarity, 0.99):.2f}"
    return f"{words}, mirrored" if mirrored else words


def _class_rows(dataset: Dataset, split: Split | None) -> tuple[list[str], list[ClassRow]]:
    """The parts of the split, in order, and the classes, including those without a readable file."""
    items = dataset.items
    names = sorted(set(dataset.table["label"][~dataset.excluded]) - {""})
    given = items["given_split"].to_numpy(dtype=str)
    part = split.part_names() if split is not None else np.where(given == "", "no split", given)
    parts = sorted(set(part), key=lambda name: (["train", "validation", "test", name].index(name), name))
    if parts == ["no split"]:
        parts = []
    modality = modality_named(dataset.modality)
    positions = items.groupby("label").indices
    rows = []
    for number, name in enumerate(names):
        own = np.asarray(positions.get(name, np.array([], dtype=int)))
        spaced = np.linspace(0, len(own) - 1, min(N_SAMPLES, len(own))).round().astype(int)
        samples = items["path"].iloc[own[spaced]] if number < N_CLASSES_WITH_SAMPLES else []
        counts = tuple(int((part[own] == wanted).sum()) for wanted in parts)
        size = modality.typical_size(items.iloc[own]) if len(own) else "–"
        rows.append(ClassRow(name, len(own), counts, size, tuple(samples)))
    return parts, rows


def _unused(dataset: Dataset) -> list[tuple[str, str]]:
    """Path and reason of skipped and excluded files; those excluded by the user come last."""
    rows = pd.concat([dataset.table[dataset.skipped], dataset.table[dataset.excluded]]).head(N_UNUSED)
    return list(zip(rows["path"], rows["quarantine"], strict=True))


def _times_shown(cards: Iterable[Card], rows: Iterable[ClassRow]) -> Counter[str]:
    """How often the page shows each path."""
    shown: Counter[str] = Counter()
    for card in cards:
        shown.update(card.shown)
        shown.update(path for pair in card.pairs for path in (pair.first, pair.second))
    for row in rows:
        shown.update(row.samples)
    return shown


def _images(dataset: Dataset, shown: Counter[str], *, most_bytes: int) -> dict[str, PageImage]:
    """The item for each path; every file is read once, except skipped and excluded ones."""
    modality = modality_named(dataset.modality)
    known = dataset.table[dataset.table["path"].isin(list(shown))]
    unused = known["quarantine"] != ""  # a damaged HEIC may crash its decoder
    found: dict[str, Shown | str] = dict(zip(known["path"][unused], known["quarantine"][unused], strict=True))

    def show(path: str, edge: int = THUMBNAIL_PIXELS) -> Shown | str:
        try:
            return modality.show(dataset.root / path, edge)
        except ValueError as error:
            return str(error)

    usable = known["path"][~unused].tolist()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found |= zip(usable, pool.map(show, usable), strict=True)
        if sum(len(one.jpeg) * shown[path] for path, one in found.items() if isinstance(one, Shown)) > most_bytes:
            found |= zip(usable, pool.map(partial(show, edge=THUMBNAIL_PIXELS // 2), usable), strict=True)
    # A plugin may name a file outside the dataset, which is not opened.
    images = {path: PageImage(reason="not a file of this dataset") for path in shown}
    described = known[["path", "label", "given_split"]].to_numpy(dtype=str).tolist()
    for place, (path, label, part) in enumerate(described):
        one = found[path]
        size = modality.typical_size(known.iloc[[place]])
        if isinstance(one, str):
            images[path] = PageImage(label, part, size, reason=one)
        else:
            jpeg = base64.b64encode(one.jpeg).decode()
            name = caption_name(modality.name, dataset.root / path, path)
            images[path] = PageImage(label, part, size, jpeg=jpeg, text=one.text, name=name)
    return images
