"""Files that could not be read, and files of which only the first frame is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import counted
from autotl.targets import KINDS

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset


def unreadable(dataset: Dataset) -> Iterator[Finding]:
    """Name the skipped files, with the reason of the first; images that the user excluded are not reported."""
    bad = dataset.table[dataset.skipped]
    if len(bad):
        first = bad.iloc[0]
        yield Finding(
            "unreadable",
            "warning",
            f"{len(bad):,} of {counted(len(dataset.table), 'image')} could not be read and "
            f"{'was' if len(bad) == 1 else 'were'} skipped, such as {first['path']}: {first['quarantine']}",
            items=tuple(bad["path"]),
            advice="Replace or remove them; the other images are used.",
        )


def animated(dataset: Dataset) -> Iterator[Finding]:
    """Name the files with several frames or pages."""
    several = dataset.items[dataset.items["frames"] > 1]
    if len(several):
        verb = "has" if len(several) == 1 else "have"
        yield Finding(
            "animated",
            "info",
            f"{counted(len(several), 'image')} {verb} several frames or pages, such as {several['path'].iloc[0]}; "
            "only the first is used",
            items=tuple(several["path"]),
            advice="Save the frames that matter as separate images if the first one does not show the class, or learn "
            "from each file as a clip, with --image clips.",
        )


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("unreadable", unreadable, targets=KINDS)
    yield Check("animated", animated, modality="image", targets=KINDS)
