"""Whether data can be trained on, as far as a listing tells: before an image is read, and before a job is started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from autotl.data.current_labels import decided_table
from autotl.data.dataset import MIN_IMAGES_PER_CLASS, Dataset, require_known_order, require_learnable
from autotl.data.groups import opens_files, read_groups
from autotl.data.patch import EXCLUDED, Decision
from autotl.data.small_classes import without_small_classes
from autotl.data.source import Source
from autotl.data.split import split
from autotl.ordered_classes import Order, find_order
from autotl.targets import ORDERED


def listed_small_classes(source: Source, decisions: Iterable[Decision]) -> Mapping[str, int]:
    """The classes with too few images to learn from whatever the files hold, each with its number of images, sorted."""
    dataset = _listed(source, decisions)
    named = sorted(set(dataset.table["label"][~dataset.excluded]) - {""})
    counts = dataset.items["label"].value_counts()
    numbers = {label: int(counts.get(label, 0)) for label in named}
    return {label: number for label, number in numbers.items() if number < MIN_IMAGES_PER_CLASS}


def require_learnable_listing(
    data: Path, source: Source, decisions: Iterable[Decision], *, min_per_class: int | None = None, seed: int = 0
) -> Dataset:
    """Raise DatasetError where `fit` would refuse the classes whatever the files hold; returns the images as listed.

    min_per_class: classes with fewer images are left out, as `fit` does. The dataset has no contents, groups or
    near-duplicates.
    """
    dataset = _listed(source, decisions)
    if min_per_class is not None:
        dataset = without_small_classes(dataset, min_per_class, seed=seed)
    require_learnable(dataset, data)
    return dataset


def require_listed_order(data: Path, source: Source, decisions: Iterable[Decision], *, min_per_class: int = 0) -> None:
    """Raise DatasetError if the classes should have an order, and it is not known; see `require_known_order`."""
    if source.kind == ORDERED:
        require_known_order(_listed(source, decisions), data, min_per_class=min_per_class)


def listed_order(source: Source, decisions: Iterable[Decision]) -> Order:
    """The classes of a listing after the decisions, by name and with an empty `how` if nothing tells their order."""
    names = sorted(_listed(source, decisions).items["label"].unique())
    return find_order(names) or Order(tuple(names), "")


def _listed(source: Source, decisions: Iterable[Decision]) -> Dataset:
    """The images as they are listed, with the decisions about them.

    They have no contents, groups or near-duplicates.
    """
    decided = decided_table(source, decisions)
    table = source.table.reset_index(drop=True)
    table = table.assign(
        label=decided["label"], label_given=decided["label_given"], sha256="", group="",
        quarantine=table.pop("missing").where(~decided["excluded"], EXCLUDED),
    )  # fmt: skip
    return Dataset(
        source.root, table, source.ignored, source.layout, modality=source.modality, kind=source.kind,
        order=source.order,
    )  # fmt: skip


def require_trainable_listing(
    data: Path, source: Source, decisions: Iterable[Decision], *, groups: str = "", min_per_class: int | None = None,
    seed: int = 0,
) -> None:  # fmt: skip
    """The same, and raise where the groups cannot be read or the images cannot be divided; groups as for `fit`.

    Fields of EXIF data are not looked at, because that opens every file.
    """
    dataset = _listed(source, decisions)
    if groups and not opens_files(groups):
        table = dataset.table
        dataset = replace(dataset, table=table.assign(group=read_groups(groups, table, source.root, source.kind)))
    if min_per_class is not None:
        dataset = without_small_classes(dataset, min_per_class, seed=seed)
    require_learnable(dataset, data)
    if opens_files(groups):
        return
    split(dataset, seed=seed)
