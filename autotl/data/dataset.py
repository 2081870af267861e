"""The data set: which images there are, what they are labelled, and which cannot be used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.data.groups import read_groups
from autotl.data.hashing import hash_files
from autotl.data.patch import EXCLUDED, Decision, apply_patch, patch_file, read_patch
from autotl.data.source import open_source
from autotl.errors import DatasetError
from autotl.images.facts import FACT_COLUMNS, read_facts
from autotl.images.near_duplicates import PAIR_COLUMNS, find_pairs, no_pairs
from autotl.images.sequences import successive_names
from autotl.settings import settings

MIN_IMAGES_PER_CLASS = 4
"""One to test on, and three in cross-validation so that every fold still trains on two."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""
StageProgress = Callable[[str, int, int], None]
"""Called with (stage, done, total); the stages of a scan are unpack, hash, scan and compare."""


@dataclass(frozen=True)
class Dataset:
    """Labelled images, frozen at the moment of the scan.

    table: one row per image: path (relative to root, posix; or absolute), label (empty: unlabelled), label_given
        (before the patch file), given_split (empty, train, validation or test), sha256, n_bytes, what the file says of
        itself (format, mode, width, height in pixels, frames), what it looks like (see `measures.measure`), group
        (empty: none), quarantine (the reason why it cannot be used, empty: it can), one column `attribute.NAME` per
        attribute.
    ignored: number of other files by kind. layout: how the data were understood, in a sentence.
    pairs: near-duplicates among the items: first < second (item numbers), similarity (0..1), mirrored.
    stale: decisions of the patch file that fit nothing any more.
    """

    root: Path
    table: pd.DataFrame
    ignored: Mapping[str, int] = field(default_factory=dict)
    layout: str = ""
    pairs: pd.DataFrame = field(default_factory=no_pairs)
    stale: tuple[Decision, ...] = ()

    @cached_property
    def items(self) -> pd.DataFrame:
        """The labelled, usable rows, numbered from 0; features, splits and predictions count in these numbers."""
        return self.table[(self.table["quarantine"] == "") & (self.table["label"] != "")].reset_index(drop=True)

    @cached_property
    def unlabelled(self) -> pd.DataFrame:
        """The usable rows without a label: kept for prediction."""
        return self.table[(self.table["quarantine"] == "") & (self.table["label"] == "")].reset_index(drop=True)

    @cached_property
    def quarantined(self) -> pd.DataFrame:
        """The rows that cannot be used, with the reason in the column `quarantine`."""
        return self.table[self.table["quarantine"] != ""].reset_index(drop=True)

    @cached_property
    def excluded(self) -> pd.Series:
        """Which rows of the table the user left out, bool."""
        return self.table["quarantine"].str.startswith(EXCLUDED)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class names in sorted order; a label's index is its place here."""
        return tuple(sorted(self.items["label"].unique()))

    @cached_property
    def labels(self) -> np.ndarray:
        """Class indices, int (n_items,)."""
        return np.searchsorted(np.array(self.classes), self.items["label"].to_numpy(dtype=str))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the contents and labels of all images, whatever their names or order; those left out do not count."""
        kept = self.table[~self.excluded]
        lines = sorted(kept["sha256"] + " " + kept["label"])
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def path(self, item: int) -> Path:
        """The file of an item."""
        return self.root / str(self.items["path"].iloc[item])

    def digests(self) -> np.ndarray:
        """SHA-256 of each item's bytes, fixed-width bytes (n_items,)."""
        return self.items["sha256"].to_numpy(dtype="S64")


def scan(
    data: Path,
    *,
    label: str | None = None,
    groups: str | None = None,
    attributes: Path | None = None,
    patch: Path | None = None,
    mirrored: bool = False,
    cache: Path | None = None,
    progress: StageProgress | None = None,
) -> Dataset:
    """Read a data set: find its images, hash and open each once, and find near-duplicates.

    data, label, attributes: see `sources.open_source`. groups: see `groups.read_groups`; items of one group stay on
        one side of every split. patch: the file of decisions, by default the one beside the data. mirrored: mirror
        images count as near-duplicates. cache: where archives are unpacked and what was seen is kept.
    Raises DatasetError where there is nothing to learn from.
    """
    cache = cache or settings().cache

    def told(stage: str) -> Progress:
        return lambda done, total: progress(stage, done, total) if progress else None

    decisions = read_patch(patch or patch_file(data))
    source = open_source(
        data, label=label, attributes=attributes, cache=cache, progress=told("unpack"),
        need_labels=not any(decision.decision == "relabel" for decision in decisions),
    )  # fmt: skip
    table = source.table.reset_index(drop=True)
    missing = table.pop("missing")
    # What is missing is not looked for again: its path is what a table says, and may name anything on this machine.
    there = table["path"].where(missing == "", "")
    table = table.join(hash_files(source.root, list(there), progress=told("hash")))
    table["quarantine"] = missing.where(missing != "", table["quarantine"])
    patched = apply_patch(table, decisions)
    table, miniatures = _examined(source.root, patched.table, cache, told("scan"))
    # Last, because files that may bring a decoder down have been found out by now.
    table["group"] = read_groups(groups, table, source.root) if groups else ""
    dataset = Dataset(source.root, table, source.ignored, source.layout, stale=patched.stale)
    return replace(dataset, pairs=_all_pairs(dataset, miniatures, mirrored, told("compare")))


def require_learnable(dataset: Dataset, folder: Path) -> None:
    """Raise DatasetError unless there are at least two classes, each with enough readable images."""
    counts = dataset.items["label"].value_counts()
    kept = dataset.table[~dataset.excluded]
    labels = [label for label in kept["label"].unique() if label]
    if len(labels) < 2:
        raise DatasetError(
            f"{folder} has {len(labels)} class with images ({', '.join(labels)}); classification needs at least 2. "
            "Put the images of each class into a sub-folder of its own, or give a table with a column of labels."
        )
    short = {label: int(counts.get(label, 0)) for label in labels}
    short = {label: n for label, n in sorted(short.items()) if n < MIN_IMAGES_PER_CLASS}
    if short:
        found = ", ".join(f"{label}: {n}" for label, n in short.items())
        bad = kept[kept["quarantine"] != ""]
        hint = f" {len(bad)} unreadable files were set aside, the first: {bad['path'].iloc[0]}." if len(bad) else ""
        raise DatasetError(
            f"{folder} has too few readable images in {len(short)} of its classes ({found}); each class needs at "
            f"least {MIN_IMAGES_PER_CLASS}.{hint} Add images, merge the class into another, or take its folder away."
        )


def _examined(root: Path, table: pd.DataFrame, cache: Path, progress: Progress) -> tuple[pd.DataFrame, np.ndarray]:
    """The table with what was seen of each usable file, and the miniatures of all rows."""
    usable = np.flatnonzero((table["quarantine"] == "").to_numpy())
    paths, digests = table["path"].to_numpy()[usable], table["sha256"].to_numpy(dtype="S64")[usable]
    seen = read_facts(root, paths, digests, cache=cache, progress=progress)
    reasons = table["quarantine"].to_numpy(dtype=object).copy()
    reasons[usable] = seen.quarantine
    facts = seen.facts.set_index(usable).reindex(range(len(table)))
    for name in FACT_COLUMNS:
        text = seen.facts[name].dtype.kind not in "if"
        table[name] = facts[name].fillna("" if text else 0).astype(seen.facts[name].dtype)
    miniatures = np.zeros((len(table), *seen.miniatures.shape[1:]), dtype=np.uint8)
    miniatures[usable] = seen.miniatures
    return table.assign(quarantine=reasons), miniatures


def _all_pairs(dataset: Dataset, miniatures: np.ndarray, mirrored: bool, progress: Progress) -> pd.DataFrame:
    """Near-duplicates among different files, and every copy paired with the first of its kind."""
    items = dataset.items
    rows = np.flatnonzero(((dataset.table["quarantine"] == "") & (dataset.table["label"] != "")).to_numpy())
    first_of = pd.Series(items.index).groupby(items["sha256"], sort=False).transform("min").to_numpy(dtype=int)
    originals = np.unique(first_of)
    found = find_pairs(
        miniatures[rows[originals]],
        dataset.labels[originals],
        sequence=successive_names(list(items["path"].iloc[originals])),
        mirrored=mirrored,
        progress=progress,
    )
    found = found.assign(first=originals[found["first"]], second=originals[found["second"]])
    copies = np.flatnonzero(first_of != np.arange(len(items)))
    exact = pd.DataFrame({"first": first_of[copies], "second": copies, "similarity": 1.0, "mirrored": False})
    both = pd.concat([exact, found], ignore_index=True).sort_values(["first", "second"], kind="stable")
    return both.reset_index(drop=True).astype(PAIR_COLUMNS)
