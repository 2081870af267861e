"""Files that cannot be used, and files of which only a part is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl_plugins.checks._helpers import count

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset


def unreadable(dataset: Dataset) -> Iterator[Finding]:
    """Name the files that were set aside, with the reason of the first; the user's own exclusions are no fault."""
    bad = dataset.table[(dataset.table["quarantine"] != "") & ~dataset.excluded]
    if len(bad):
        first = bad.iloc[0]
        yield Finding(
            "unreadable",
            "warning",
            f"{len(bad):,} of {len(dataset.table):,} images cannot be used and were set aside; "
            f"{first['path']}: {first['quarantine']}",
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
            f"{count(len(several), 'image')} {verb} several frames or pages, such as {several['path'].iloc[0]}; "
            "only the first is used",
            items=tuple(several["path"]),
            advice="Save the frames that matter as images of their own if the first does not show what the class says.",
        )


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("unreadable", unreadable)
    yield Check("animated", animated)
