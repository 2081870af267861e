"""The dataset: labelled images, a row of facts about each, and the near-duplicates among them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.data.given_order import require_order
from autotl.data.item_kinds import KINDS, ItemKind
from autotl.data.layout_notes import understood_as
from autotl.data.note import Note
from autotl.data.patch import EXCLUDED, Decision
from autotl.errors import DatasetError
from autotl.modality import no_pairs
from autotl.ordered_classes import find_order
from autotl.runtime.item_words import IMAGE, ItemWords
from autotl.runtime.user_paths import as_option
from autotl.runtime.wording import listed
from autotl.targets import LABELS, NUMBER, ORDERED, Kind, Target, applying_labels, classes_in, encode, is_number

MIN_IMAGES_PER_CLASS = 4
"""One to test on, and three in cross-validation so that every fold still trains on two."""
MIN_NUMBERS = 20
"""Images with a number: with fewer, neither the folds nor the test say anything."""


@dataclass(frozen=True)
class Dataset:
    """Labelled images, frozen at the moment of the scan.

    table: one row per image: path (relative to root, posix; or absolute), label (empty: unlabelled), label_given
        (before the patch file), given_split (empty, train, validation or test), sha256, n_bytes, the facts of
        `images.facts` (format, mode, width, height in pixels, frames, brightness, ...), group (empty: none),
        quarantine (why the image is skipped or excluded, empty: it is used), one column `attribute.NAME` per attribute.
    ignored: number of other files by kind. layout: how the data was understood, in a sentence.
    pairs: near-duplicates among the items: first < second (item numbers), similarity (0..1), mirrored.
    stale: decisions of the patch file that no longer apply to anything. notes: what reading the data has to tell.
    modality: the kind of the items, by its name; of composed items, the table has the facts of their parts, each named
        `PART.FACT` with the kind of the part, and `PART.path` and `PART.sha256`. kind: of the target, see
        `autotl.targets`. order: of its classes, from low to high, if it was given.
    """

    root: Path
    table: pd.DataFrame
    ignored: Mapping[str, int] = field(default_factory=dict)
    layout: str = ""
    pairs: pd.DataFrame = field(default_factory=no_pairs)
    stale: tuple[Decision, ...] = ()
    notes: tuple[Note, ...] = ()
    modality: str = "image"
    kind: Kind = "classes"
    order: tuple[str, ...] = ()
    _parts: dict[str, Dataset] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def items(self) -> pd.DataFrame:
        """The labelled, usable rows, numbered from 0; features, splits and predictions refer to these numbers."""
        return self.table[(self.table["quarantine"] == "") & (self.table["label"] != "")].reset_index(drop=True)

    @cached_property
    def unlabelled(self) -> pd.DataFrame:
        """The usable rows without a label: kept for prediction."""
        return self.table[(self.table["quarantine"] == "") & (self.table["label"] == "")].reset_index(drop=True)

    @cached_property
    def quarantined(self) -> pd.DataFrame:
        """The rows that are skipped or excluded, with the reason in the column `quarantine`."""
        return self.table[self.table["quarantine"] != ""].reset_index(drop=True)

    @cached_property
    def excluded(self) -> pd.Series:
        """Which rows of the table the user left out, bool."""
        return self.table["quarantine"].str.startswith(EXCLUDED)

    @cached_property
    def skipped(self) -> pd.Series:
        """Which rows of the table could not be read, bool."""
        return (self.table["quarantine"] != "") & ~self.excluded

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes or labels in their order; a label's index is its position here. Empty for a number."""
        return classes_in(self.kind, self.items["label"].unique(), self.order)

    @cached_property
    def target(self) -> Target:
        """What is learned of the items."""
        return Target(kind=self.kind, classes=self.classes)

    @cached_property
    def labels(self) -> np.ndarray:
        """What is known of the items, as `targets.encode` gives it: class indices, int (n_items,), for classes."""
        return encode(self.target, self.items["label"].to_numpy(dtype=str))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the contents and labels of all images but the excluded ones; names and order do not count."""
        kept = self.table[~self.excluded]
        lines = sorted(kept["sha256"] + " " + kept["label"])
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    @cached_property
    def words(self) -> ItemWords:
        """Says sentences about images in terms of this kind of item.

        Names of classes and of files stay as they are, and so does what was said of these items from the beginning.
        """
        if self.modality == IMAGE:
            return ItemWords()
        named = {*self.table["label"], *self.table["path"], *self.table["quarantine"], self.layout}
        named |= {text for note in self.notes for text in (note.message, note.advice)}
        return ItemWords(self.modality, tuple(sorted(name for name in named if IMAGE in name.lower())))

    @property
    def understood(self) -> str:
        """How the data was understood, and which classes it has, in a sentence."""
        return understood_as(self.layout, self.classes, self.kind)

    @property
    def item_kind(self) -> ItemKind:
        """The kind of the items, by which messages name them."""
        return KINDS[self.modality]

    def part(self, modality: str) -> Dataset:
        """The same items, seen as their parts of one kind alone; themselves, if they are of that kind."""
        if modality == self.modality:
            return self
        if modality not in self._parts:  # kept, because it is asked for item by item
            prefix = f"{modality}."
            own = self.table.filter(regex=f"^{prefix}").rename(columns=lambda name: name.removeprefix(prefix))
            others = self.table.drop(columns=[name for name in self.table if str(name).split(".")[0] in KINDS])
            table = others.drop(columns=["path", "sha256"]).join(own)
            self._parts[modality] = replace(self, table=table, modality=modality)
        return self._parts[modality]

    def path(self, item: int) -> Path:
        """The file of an item."""
        return self.root / str(self.items["path"].iloc[item])

    def digests(self) -> np.ndarray:
        """SHA-256 of each item's bytes, fixed-width bytes (n_items,)."""
        return self.items["sha256"].to_numpy(dtype="S64")


def count_by_class(dataset: Dataset) -> dict[str, int]:
    """Number of items of each class, or with each label; empty for a number."""
    if dataset.kind == LABELS:
        return dict(zip(dataset.classes, (dataset.labels > 0).sum(axis=0).tolist(), strict=True))
    counts = dataset.items["label"].value_counts().sort_index()
    return {} if dataset.kind == NUMBER else {str(name): int(n) for name, n in counts.items()}


def require_learnable(dataset: Dataset, folder: Path) -> None:
    """Raise DatasetError unless there are at least two classes, each with enough readable items.

    Of several labels, each needs as many items to which it applies; numbers have to be numbers, and different ones.
    """
    if dataset.kind == NUMBER:
        _require_numbers(dataset, folder)
        return
    if dataset.kind == LABELS:
        _require_labels(dataset, folder)
        return
    require_known_order(dataset, folder)
    items = dataset.item_kind.plural
    counts = dataset.items["label"].value_counts()
    kept = dataset.table[~dataset.excluded]
    labels = [label for label in kept["label"].unique() if label]
    if len(labels) < 2:
        found = f"1 class with {items} ({labels[0]})" if labels else f"no class with {items}"
        read = f" (read as: {dataset.layout})" if dataset.layout else ""
        raise DatasetError(
            f"{folder} has {found}{read}; classification needs at least 2. Put the {items} of each class into a "
            "sub-folder of its own, or give a table with a column of labels."
        )
    short = {label: int(counts.get(label, 0)) for label in labels}
    short = {label: n for label, n in sorted(short.items()) if n < MIN_IMAGES_PER_CLASS}
    if short:
        found = listed(f"{label}: {n}" for label, n in short.items())
        bad = kept[kept["quarantine"] != ""]
        hint = ""
        if len(bad):
            files = "1 file" if len(bad) == 1 else f"{len(bad)} files"
            hint = f" {files} could not be read, such as {bad['path'].iloc[0]}."
        advice = f"Add {items}"
        if len(labels) - len(short) > 1:
            advice += ", merge the class into another, or leave out such classes: "
            advice += f"`autotl fit {folder} --min-per-class {MIN_IMAGES_PER_CLASS}`"
        raise DatasetError(
            f"{folder} has too few readable {items} in {len(short)} of its classes ({found}); each class needs at "
            f"least {MIN_IMAGES_PER_CLASS}.{hint} {advice}."
        )


def require_known_order(dataset: Dataset, folder: Path, *, min_per_class: int = 0) -> None:
    """Raise DatasetError if the classes should have an order, and it is not known of all of them.

    A given order must have all classes, but for those with fewer than `min_per_class` items, and no others.
    """
    if dataset.kind != ORDERED:
        return
    counts = count_by_class(dataset)
    if dataset.order:
        learned = {name: n for name, n in counts.items() if n >= min_per_class}
        others = {*dataset.table["label"], *dataset.table["label_given"]} - {""}
        require_order(dataset.order, learned, others=others, where=str(folder))
    elif len(counts) > 1 and find_order(counts) is None:
        raise DatasetError(
            f"the order of the classes of {folder}, with the decisions about them, is not known: "
            f"{listed(map(repr, counts))}. Give it, from low to high, such as --order {as_option(counts)}."
        )


def _require_numbers(dataset: Dataset, folder: Path) -> None:
    kind = dataset.item_kind
    labels = dataset.table["label"][~dataset.excluded & (dataset.table["label"] != "")]
    bad = sorted({text for text in labels if not is_number(text)})
    if bad:
        raise DatasetError(
            f"{folder} has {len(bad)} labels that are not numbers (such as {listed(map(repr, bad), most=5)}); a "
            f"target that is a number needs one for each {kind.name}, or an empty cell where it is unknown. Correct "
            "them, name another column with --label, or leave out --target."
        )
    values, n = dataset.items["label"].nunique(), len(dataset.items)
    if n < MIN_NUMBERS or values < 2:
        raise DatasetError(
            f"{folder} has {n} readable {kind.plural} with a number, and {values} different numbers; a target that is "
            f"a number needs at least {MIN_NUMBERS} {kind.plural}, and numbers that differ. Add {kind.plural}."
        )


def _require_labels(dataset: Dataset, folder: Path) -> None:
    items = dataset.item_kind.plural
    counts = dict.fromkeys(dataset.classes, 0)
    for text in dataset.items["label"]:
        for name in applying_labels(text):
            counts[name] += 1
    short = {name: n for name, n in counts.items() if n < MIN_IMAGES_PER_CLASS}
    if not counts or short:
        found = f"too few {items} with {len(short)} of its labels ({listed(f'{k}: {n}' for k, n in short.items())})"
        raise DatasetError(
            f"{folder} has {found if counts else 'no labels'}; each label has to apply to at least "
            f"{MIN_IMAGES_PER_CLASS} readable {items}. Add {items}, or leave such labels out with --min-per-class "
            f"{MIN_IMAGES_PER_CLASS}."
        )
    if len(always_applying(dataset)) == len(counts):
        raise DatasetError(
            f"{folder} has no {dataset.item_kind.name} of which it is known that a label does not apply to it "
            f"({listed(counts, most=5)}), so there is nothing to tell apart. Add {items} without these labels, or "
            "write 0 where a label does not apply."
        )


def always_applying(dataset: Dataset) -> tuple[str, ...]:
    """The labels that apply to every item of which that is known."""
    return tuple(np.array(dataset.classes, dtype=object)[~(dataset.labels == 0).any(axis=0)].tolist())
