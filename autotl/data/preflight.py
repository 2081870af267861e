"""Whether data can be trained on, as far as a listing tells: before an image is read, and before a job is started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from autotl.data.current_labels import decided_table
from autotl.data.dataset import Dataset, require_learnable
from autotl.data.groups import read_groups
from autotl.data.patch import EXCLUDED, Decision
from autotl.data.source import Source
from autotl.data.split import split

_EXIF = "exif:"


def require_learnable_listing(data: Path, source: Source, decisions: Iterable[Decision]) -> Dataset:
    """Raise DatasetError where `fit` would refuse the classes whatever the files hold; returns the images as listed.

    The dataset has no contents, groups or near-duplicates.
    """
    decided = decided_table(source, decisions)
    table = source.table.reset_index(drop=True)
    table = table.assign(
        label=decided["label"], label_given=decided["label_given"], sha256="", group="",
        quarantine=table.pop("missing").where(~decided["excluded"], EXCLUDED),
    )  # fmt: skip
    dataset = Dataset(source.root, table, source.ignored, source.layout)
    require_learnable(dataset, data)
    return dataset


def require_trainable_listing(
    data: Path, source: Source, decisions: Iterable[Decision], *, groups: str = "", seed: int = 0
) -> None:
    """The same, and raise where the groups cannot be read or the images cannot be divided; groups as for `fit`.

    Fields of EXIF data are not looked at, because that opens every file.
    """
    dataset = require_learnable_listing(data, source, decisions)
    if groups.startswith(_EXIF):
        return
    if groups:
        table = dataset.table
        dataset = replace(dataset, table=table.assign(group=read_groups(groups, table, source.root)))
    split(dataset, seed=seed)
