"""What a dataset holds: its items with their classes, as the core reads them and after the decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import streamlit as st

from autotl.data.current_labels import decided_table
from autotl.data.item_kinds import KINDS, ItemKind
from autotl.data.patch import Decision, read_patch
from autotl.data.source import Source
from autotl.errors import AutoTLError
from autotl_ui.workspace.data_sets import DataSet
from autotl_ui.workspace.listings import FORGET_SECONDS, list_data_set, marks


@dataclass(frozen=True)
class Contents:
    """A dataset, opened.

    source: as the core reads it. table: its rows after the decisions: path, label (as decided), label_given, excluded
    (bool). decisions: those in force. problem: why the decisions could not be read, empty where they could.
    """

    source: Source
    table: pd.DataFrame
    decisions: tuple[Decision, ...]
    problem: str

    @property
    def kind(self) -> ItemKind:
        """The kind of its items, which says what they are called."""
        return KINDS[self.source.modality]

    @property
    def classes(self) -> Mapping[str, int]:
        """The number of items that are not excluded, by class, in alphabetical order."""
        counted = self.table[~self.table["excluded"] & (self.table["label"] != "")]
        return {str(label): int(n) for label, n in counted["label"].value_counts().sort_index().items()}

    @property
    def n_unlabelled(self) -> int:
        """The number of items without a class."""
        return int(((self.table["label"] == "") & ~self.table["excluded"]).sum())

    @property
    def n_excluded(self) -> int:
        """The number of excluded items."""
        return int(self.table["excluded"].sum())

    @cached_property
    def known(self) -> Mapping[str, tuple[str, str, bool]]:
        """By path of each item: its class, the class it came with, and whether it is excluded."""
        columns = (self.table[name].tolist() for name in ("path", "label", "label_given", "excluded"))
        return {path: (label, given, out) for path, label, given, out in zip(*columns, strict=True)}

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Paths of the items that the user excluded."""
        return frozenset(self.table.loc[self.table["excluded"], "path"])

    @cached_property
    def given_classes(self) -> frozenset[str]:
        """The classes that the data came with."""
        return frozenset(self.table["label_given"]) - {""}

    def file(self, path: str) -> Path:
        """Where an item lies."""
        return self.source.root / path


def open_contents(data_set: DataSet) -> Contents:
    """Open a dataset; what was read is kept until it changes. Raises DatasetError if it is not understood."""
    listed = list_data_set(data_set)
    both = marks(data_set.path), marks(data_set.patch_file)
    return _patched(data_set.path, (data_set.label, data_set.text, data_set.image), data_set.patch_file, both, listed)


@st.cache_resource(max_entries=4, ttl=FORGET_SECONDS, show_spinner=False)
def _patched(path: Path, columns: object, patch: Path, marks: object, _source: Source) -> Contents:  # noqa: ARG001 - the key
    problem = ""
    try:
        decisions = read_patch(patch)
    except AutoTLError as error:
        decisions, problem = (), str(error)
    try:
        table = decided_table(_source, decisions)
    except AutoTLError as error:
        table, problem = decided_table(_source, ()), str(error)
    return Contents(_source, table, decisions, problem)
