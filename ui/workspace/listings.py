"""The items of a dataset and their labels, as the core lists them; kept until something changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import streamlit as st

from autotl.data.source import Source, open_source
from autotl.errors import AutoTLError, DatasetError
from autotl.settings import settings
from autotl.targets import Kind
from autotl_ui.workspace.data_sets import DataSet

N_WATCHED = 500
FORGET_SECONDS = 600


def list_items(
    data: Path, label: str | None, text: str | None = None, kind: Kind = "classes", order: tuple[str, ...] = (),
    image: str | None = None,
) -> Source:  # fmt: skip
    """The listing of a folder, archive or table, which is shared and must not be changed.

    order: of the classes, if they have one and it was given. label, text, image: columns, as for `autotl fit`.
    Raises DatasetError if the data are not there, or are not understood.
    """
    found = _listed(data, label, text, kind, order, image, marks(data))
    if isinstance(found, str):
        raise DatasetError(found)
    return found


def list_data_set(one: DataSet) -> Source:
    """The listing of a dataset; see `list_items`."""
    return list_items(one.path, one.label, one.text, one.target, one.given_order, one.image)


def marks(path: Path) -> tuple[int, ...]:
    """When data last changed, as far as a look at the folder and those one and two levels below it tells."""
    try:
        stat = path.stat()
        if not path.is_dir():
            return (stat.st_mtime_ns, stat.st_size)
        inside = list(islice(_folders(path), N_WATCHED))
        deeper = islice((entry for folder in inside for entry in _folders(folder.path)), N_WATCHED)
        return (stat.st_mtime_ns, *sorted(entry.stat().st_mtime_ns for entry in (*inside, *deeper)))
    except OSError:
        return ()


def _folders(path: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        yield from (entry for entry in entries if entry.is_dir())


# As a resource and not as data: a copy of 100,000 rows for every click would take longer than a click may.
@st.cache_resource(max_entries=8, ttl=FORGET_SECONDS, show_spinner="Reading the list of items")
def _listed(
    data: Path,
    label: str | None,
    text: str | None,
    kind: Kind,
    order: tuple[str, ...],
    image: str | None,
    marks: tuple[int, ...],  # noqa: ARG001 - the key
) -> Source | str:
    """The listing, or why the core refuses the data."""
    try:
        return open_source(
            data, label=label, text=text, image=image, kind=kind, order=order, cache=settings().cache,
            need_labels=False,
        )  # fmt: skip
    except AutoTLError as error:
        return str(error)
