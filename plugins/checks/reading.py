"""Remarks from reading the data: what was left out, and what could be understood in several ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.targets import KINDS

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset


def reading(dataset: Dataset) -> Iterator[Finding]:
    """A finding for each note that reading the data left."""
    for note in dataset.notes:
        yield Finding("reading", note.severity, note.message, advice=note.advice)


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("reading", reading, targets=KINDS)
