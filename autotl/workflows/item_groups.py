"""The groups that a run's items fall into by class and by attribute, to compare them or to draw items of each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autotl.evidence.audit.subgroups import FEWEST_ITEMS, MOST_VALUES
from autotl.runs.run import Run
from autotl.workflows.auditing import attribute_names


def item_groups(run: Run, items: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """The classes and the values of attributes among some items: the column, a value, and which items have it.

    items: item numbers, int (n,). The column of the classes is called "class". Groups of fewer than FEWEST_ITEMS are
    left out, and so are columns with one value or with very many.
    """
    table = run.dataset.items.iloc[items]
    columns = {"class": table["label"]} if run.dataset.target.is_classes else {}
    columns |= {name: table[f"attribute.{name}"] for name in attribute_names(run.dataset)}
    for column, values in columns.items():
        counts = values[values.notna() & (values.astype(str) != "")].astype(str).value_counts()
        if 2 <= len(counts) <= MOST_VALUES:
            for value in sorted(counts[counts >= FEWEST_ITEMS].index):
                yield column, value, (values.astype(str) == value).to_numpy()


def draw_by_class(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of at most n items, of each class in turn, so that successive ones differ in class; int.

    labels: int (n_items,) for classes; otherwise they are drawn without regard to them.
    """
    order = rng.permutation(len(labels))
    if labels.ndim != 1 or labels.dtype.kind != "i":
        return order[:n]
    return np.fromiter(_in_turn(labels[order], order, rng), dtype=int)[:n]


def _in_turn(labels: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    queues = [order[labels == label].tolist() for label in rng.permutation(np.unique(labels))]
    while queues := [queue for queue in queues if queue]:
        yield from (queue.pop() for queue in queues)
