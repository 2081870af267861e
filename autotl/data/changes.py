"""What changed in a dataset since the last run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.dataset import Dataset
from autotl.runtime.atomic_files import write_atomically

_COLUMNS = ["path", "sha256", "label"]


@dataclass(frozen=True)
class Changes:
    """Images that were added, removed, relabelled or only moved; paths.

    relabelled: "path: old -> new". moved: "old path -> new path".
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: tuple[str, ...]
    moved: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.relabelled or self.moved)

    def sentence(self) -> str:
        """A sentence with the number and an example of each."""
        parts = []
        for word in ("added", "removed", "relabelled", "moved"):
            paths = getattr(self, word)
            if paths:
                parts.append(f"{len(paths)} {word} ({paths[0]}{', ...' if len(paths) > 1 else ''})")
        return "since the last run: " + "; ".join(parts) if parts else "unchanged since the last run"


def compare(before: pd.DataFrame, now: pd.DataFrame) -> Changes:
    """Compare two tables with path, sha256 and label, by content first: a renamed file counts as moved."""
    rows = before[_COLUMNS].merge(now[_COLUMNS], how="outer", indicator=True)
    before, now = rows[rows["_merge"] == "left_only"], rows[rows["_merge"] == "right_only"]
    added, removed, relabelled, moved = [], [], [], []
    old = before.groupby("sha256")[["path", "label"]].agg(list)
    new = now.groupby("sha256")[["path", "label"]].agg(list)
    for sha256 in old.index.difference(new.index):
        removed += old["path"][sha256]
    for sha256 in new.index.difference(old.index):
        added += new["path"][sha256]
    changed = old.add_suffix("_old").join(new.add_suffix("_new"), how="inner")
    changed = changed[(changed["path_old"] != changed["path_new"]) | (changed["label_old"] != changed["label_new"])]
    for paths, labels, new_paths, new_labels in changed.itertuples(index=False):
        was, here = dict(zip(paths, labels, strict=True)), dict(zip(new_paths, new_labels, strict=True))
        relabelled += [f"{p}: {was[p]} -> {here[p]}" for p in was if p in here and was[p] != here[p]]
        gone, arrived = [p for p in was if p not in here], [p for p in here if p not in was]
        for p, q in zip(gone, arrived, strict=False):
            if was[p] == here[q]:
                moved.append(f"{p} -> {q}")
            else:
                relabelled.append(f"{p} -> {q}: {was[p]} -> {here[q]}")
        removed += gone[len(arrived) :]
        added += arrived[len(gone) :]
    return Changes(tuple(sorted(added)), tuple(sorted(removed)), tuple(sorted(relabelled)), tuple(sorted(moved)))


def since_last_run(dataset: Dataset, data: Path, cache: Path, *, label: str | None = None) -> Changes | None:
    """Compare with the manifest saved by the last run on this data; None if there is none or it is damaged.

    label: the column of labels, if one was named: runs of other columns are not compared.
    """
    try:
        before = pd.read_parquet(_manifest(data, cache, label), columns=_COLUMNS)
    except (OSError, ValueError):
        return None
    return compare(before, dataset.table[_COLUMNS])


def save_manifest(dataset: Dataset, data: Path, cache: Path, *, label: str | None = None) -> None:
    """Save the paths, contents and labels of a dataset, for comparison in the next run."""
    file = _manifest(data, cache, label)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, dataset.table[_COLUMNS].to_parquet(None, index=False))


def _manifest(data: Path, cache: Path, label: str | None) -> Path:
    of = str(data.resolve()) + (f"\0{label}" if label else "")
    name = hashlib.sha256(of.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return cache / "manifests" / f"{name}.parquet"
