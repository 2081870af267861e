"""Reading a dataset: find its items, hash and examine each once, and look for near-duplicates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autotl.data.dataset import Dataset
from autotl.data.given_data import require_data
from autotl.data.groups import group_notes, read_groups
from autotl.data.item_hashes import digests_of, hash_items
from autotl.data.item_kinds import KINDS
from autotl.data.modalities import modality_named
from autotl.data.patch import Decision, apply_patch, patch_file, read_patch
from autotl.data.preflight import require_listed_order
from autotl.data.sequences import successive_names
from autotl.data.source import Source, open_source
from autotl.data.target_labels import merge_folders
from autotl.errors import DatasetError
from autotl.modality import PAIR_COLUMNS, ItemFacts, Modality
from autotl.runtime.progress import OnProgress, OnStageProgress
from autotl.targets import Kind, strata

_FEWEST_APART = 200
"""Fewer images are examined before another process has started."""


def scan(
    data: Path,
    *,
    cache: Path,
    label: str | None = None,
    text: str | None = None,
    image: str | None = None,
    classes: Sequence[str] = (),
    groups: str | None = None,
    attributes: Path | None = None,
    patch: Path | None = None,
    mirrored: bool = False,
    progress: OnStageProgress | None = None,
    hashed: Callable[[str], None] = lambda _: None,
    examined: Callable[[Dataset], None] = lambda _: None,
    apart: bool = False,
    kind: Kind = "classes",
    opened: Source | None = None,
    order: Sequence[str] = (),
    min_per_class: int | None = None,
) -> Dataset:
    """Read a dataset: find its items, hash and examine each once, and find near-duplicates.

    data, label, text, image, classes, attributes: see `data.source.open_source`. groups: see
        `data.groups.read_groups`; items of one group stay on one side of every split. patch: the file of decisions, by
        default the one beside the data.
    mirrored: mirror images count as near-duplicates. cache: folder where archives are unpacked and facts are kept.
    progress: called with the stage (unpack, hash, scan or compare), and how much of it is done.
    hashed: called with the modality once all files are hashed, which is slow beside an import.
    examined: called with the dataset before its near-duplicates are looked for.
    apart: if there are many images, decode and compare them in another process, because this one is busy.
    kind: of the target, see `autotl.targets`. opened: the source, where the caller has opened it.
    order: of all ordered classes, but those with fewer than `min_per_class` items, which the caller leaves out.
    Raises DatasetError if there is nothing to learn from.
    """

    def stage(name: str) -> OnProgress:
        return lambda done, total: progress(name, done, total) if progress else None

    require_data(data)  # first, because what is beside data out of reach is so too
    decisions = read_patch(patch or patch_file(data))
    source = opened or open_source(
        data, label=label, text=text, image=image, classes=classes, attributes=attributes, cache=cache,
        progress=stage("unpack"), kind=kind, order=order,
        need_labels=not any(decision.decision == "relabel" for decision in decisions),
    )  # fmt: skip
    require_listed_order(data, source, decisions, min_per_class=min_per_class or 0)
    modality = modality_named(source.modality)
    many = apart and len(source.table) >= _FEWEST_APART
    with modality.apart() if many else nullcontext(modality.examiner()) as examiner:
        table = _hashed(source, stage("hash"))
        hashed(modality.name)
        source, table = _one_row_each(source, table)
        patched = apply_patch(table, decisions)
        examine = partial(examiner.read_facts, source.root, cache=cache, progress=stage("scan"))
        table, signatures, place = _with_facts(patched.table, modality, examine)
        dataset = _dataset(source, table, groups, patched.stale)
        examined(dataset)
        find = partial(examiner.find_pairs, mirrored=mirrored, progress=stage("compare"))
        return replace(dataset, pairs=_all_pairs(dataset, signatures, place, find))


def _require_still_there(root: Path) -> None:
    """Raise DatasetError if the data have gone away: what could not be read then is not at fault."""
    if not root.exists():
        raise DatasetError(f"{root} has gone away while it was read. Put it back, and start again.")


def _hashed(source: Source, progress: OnProgress) -> pd.DataFrame:
    """The table of a source with the hash of each file but the missing ones."""
    table = source.table.reset_index(drop=True)
    # A missing file is not opened: its path comes from a table, which may name any file on this machine.
    present = table["path"].where(table["missing"] == "", "")
    return table.join(hash_items(source.root, list(present), source.modality, progress=progress))


def _one_row_each(source: Source, table: pd.DataFrame) -> tuple[Source, pd.DataFrame]:
    """The source with what merging folders has to tell, and the table with one row per item, without `missing`."""
    table, merged = merge_folders(source, table)
    missing = table.pop("missing")
    table["quarantine"] = missing.where(missing != "", table["quarantine"])
    return replace(source, notes=(*source.notes, *merged)), table


def _dataset(source: Source, table: pd.DataFrame, groups: str | None, stale: tuple[Decision, ...]) -> Dataset:
    """The dataset, whose pairs are not known yet."""
    _require_still_there(source.root)
    # Last, because files that may crash a decoder are known by now.
    table["group"] = read_groups(groups, table, source.root, source.kind) if groups else ""
    usable = (table["quarantine"] == "") & (table["label"] != "")
    notes = source.notes + (group_notes(groups, table["group"], usable, KINDS[source.modality]) if groups else ())
    return Dataset(
        source.root, table, source.ignored, source.layout, stale=stale, notes=notes, modality=source.modality,
        kind=source.kind, order=source.order,
    )  # fmt: skip


def _with_facts(
    table: pd.DataFrame, modality: Modality, examine: Callable[[np.ndarray, np.ndarray], ItemFacts]
) -> tuple[pd.DataFrame, Any, np.ndarray]:
    """The table with the facts about each usable file, their signatures, and the place of each row among these."""
    usable = np.flatnonzero((table["quarantine"] == "").to_numpy())
    paths, digests = table["path"].to_numpy()[usable], digests_of(table, modality.name)[usable]
    found = examine(paths, digests)
    reasons = table["quarantine"].to_numpy(dtype=object).copy()
    reasons[usable] = found.quarantine
    facts = found.facts.set_index(usable).reindex(range(len(table)))
    for name in modality.fact_columns:
        text = found.facts[name].dtype.kind not in "if"
        table[name] = facts[name].fillna("" if text else 0).astype(found.facts[name].dtype)
    place = np.full(len(table), -1)
    place[usable] = np.arange(len(usable))
    return table.assign(quarantine=reasons), found.signatures, place


def _all_pairs(
    dataset: Dataset, signatures: Any, place: np.ndarray, find: Callable[..., pd.DataFrame]
) -> pd.DataFrame:  # fmt: skip
    """Near-duplicates among different files, and every exact copy paired with the first file of its content.

    place: of the signature of each row of the table, int (n_rows,).
    """
    items = dataset.items
    rows = np.flatnonzero(((dataset.table["quarantine"] == "") & (dataset.table["label"] != "")).to_numpy())
    first_of = pd.Series(items.index).groupby(items["sha256"], sort=False).transform("min").to_numpy(dtype=int)
    originals = np.unique(first_of)
    found = find(
        signatures[place[rows[originals]]],
        strata(dataset.labels)[originals],
        sequence=successive_names(list(items["path"].iloc[originals])),
    )
    found = found.assign(first=originals[found["first"]], second=originals[found["second"]])
    copies = np.flatnonzero(first_of != np.arange(len(items)))
    exact = pd.DataFrame({"first": first_of[copies], "second": copies, "similarity": 1.0, "mirrored": False})
    both = pd.concat([exact, found], ignore_index=True).sort_values(["first", "second"], kind="stable")
    return both.reset_index(drop=True).astype(PAIR_COLUMNS)
