"""The subgroups of a run: each class within each value of an attribute, or the classes themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.data.item_files import named_by
from autotl.data.tables import read_side_table
from autotl.errors import ConfigError
from autotl.evidence.audit.subgroups import FEWEST_ITEMS, MOST_VALUES
from autotl.evidence.debias import GroupedItems
from autotl.runs.debias import GroupCounts
from autotl.runs.run import Run, cluster_of
from autotl.runtime.wording import listed
from autotl.workflows.auditing import attribute_names


@dataclass(frozen=True, eq=False)
class Grouping:
    """by: the attribute, None where the subgroups are the classes. values: its values; value: int (n_items,), -1 where
    it is not known. names: by subgroup number, class * number of values + value.
    """

    by: str | None
    values: tuple[str, ...]
    value: np.ndarray
    names: tuple[str, ...]

    def of_items(self, labels: np.ndarray) -> np.ndarray:
        """The subgroup of each item, int (n_items,), -1 where it is not known. labels: int (n_items,)."""
        return np.where(self.value < 0, -1, labels * len(self.values) + self.value)

    def tested(self, run: Run, items: np.ndarray) -> GroupedItems:
        """Some items of the test split by subgroup."""
        labels = run.dataset.labels[items]
        return GroupedItems(labels, self.value[items], len(self.values), self.names, cluster_of(run, items))

    def counts(self, run: Run, judged: np.ndarray) -> tuple[GroupCounts, ...]:
        """The size of each subgroup in each part of the split; those without an item are left out."""
        group = self.of_items(run.dataset.labels)
        split, found = run.split, []
        for number, name in enumerate(self.names):
            parts = (split.train, split.validation, split.test)
            train, validation, test = (int((group[part] == number).sum()) for part in parts)
            if train + validation + test:
                found.append(GroupCounts(name, train, validation, test, judged=bool(number in judged)))
        return tuple(found)


def find_grouping(run: Run, by: str | None, table: Path | None) -> Grouping:
    """The subgroups by an attribute of the run's items, or by a column of a table. by: None for the classes.

    Raises ConfigError if there is no such attribute, or if its values make no groups; DatasetError for the table.
    """
    classes = run.dataset.classes
    if by is None:
        return Grouping(None, ("",), np.zeros(len(run.dataset.items), dtype=int), tuple(classes))
    texts = _column(run, by, table)
    values = tuple(sorted(set(texts.tolist()) - {""}))
    if not 2 <= len(values) <= MOST_VALUES:
        raise ConfigError(
            f"the attribute {by!r} has {len(values)} values; subgroups need 2 to {MOST_VALUES}. Give another one with "
            "--by, or a table with a column of fewer values, such as age groups, with --attributes CSV"
        )
    value = np.where(texts == "", -1, np.searchsorted(values, texts))
    names = tuple(f"{name}, {by}={one}" for name in classes for one in values)
    return Grouping(by, values, value, names)


def require_comparable(run: Run, grouping: Grouping, tested: np.ndarray) -> None:
    """Raise ConfigError if no subgroup could be judged, or if none is known that could be learned from.

    tested: int (n,), items of the test split.
    """
    if (grouping.value[run.split.development] < 0).all():
        raise ConfigError(
            f"no training or validation item of {run.folder} has a value of {grouping.by!r}; give a table that has some"
            " with --attributes CSV, or another attribute with --by"
        )
    sizes = grouping.tested(run, tested).sizes
    if sizes.max() < FEWEST_ITEMS:
        largest = grouping.names[int(sizes.argmax())]
        raise ConfigError(
            f"no subgroup has the {FEWEST_ITEMS} test items that a recall is computed from; the largest, {largest}, has"
            f" {sizes.max()}. Give an attribute with fewer values with --by, or fit a run with more test items"
        )


def _column(run: Run, by: str, table: Path | None) -> np.ndarray:
    """The text of an attribute for each item, empty where it is not known."""
    items = run.dataset.items
    if table is not None:
        paths = named_by(items)
        side = read_side_table(table, paths, column=by).set_index("path")[by]
        return np.asarray(side.reindex(paths).fillna("").astype(str).str.strip().to_numpy(dtype=str))
    names = attribute_names(run.dataset)
    if by not in names:
        known = f"it has {listed(names)}" if names else "it has none"
        raise ConfigError(
            f"the data of {run.folder} have no attribute {by!r}; {known}. Name one of them with --by, or give a table "
            f"with the columns path and {by} with --attributes CSV"
        )
    return np.asarray(items[f"attribute.{by}"].fillna("").astype(str).str.strip().to_numpy(dtype=str))
