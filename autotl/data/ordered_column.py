"""A column of classes that have an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autotl.data.label_words import label_text
from autotl.data.note import Note
from autotl.errors import DatasetError
from autotl.ordered_classes import GIVEN, find_order
from autotl.runtime.user_paths import as_option
from autotl.runtime.wording import counted, listed


@dataclass(frozen=True, eq=False)
class OrderedClasses:
    """names: of the classes, from low to high. codes: int (n,), places in this order, -1 where unlabelled. notes: how.

    The order is always told in a note.
    """

    names: tuple[str, ...]
    codes: np.ndarray
    notes: tuple[Note, ...]


def read_ordered(column: pd.Series, table: str, given: Sequence[str] = ()) -> OrderedClasses:
    """The classes in a column of text, in the order that `find_order` finds.

    table: its name, for messages. given: the order from low to high, if it was given; see `given_order.require_order`.

    Raises DatasetError if there are fewer than two classes, or where nothing tells their order.
    """
    text = label_text(column)
    names = sorted(set(text) - {""})
    where = f"the column {column.name!r} of {table}"
    if len(names) < 2:
        raise DatasetError(
            f"{where} has {counted(len(names), 'class', 'classes')}{f' ({names[0]})' if names else ''}; at least 2 are "
            "needed. Fill it in, or name another column with --label NAME."
        )
    order = find_order(names, given)
    if order is None:
        raise DatasetError(
            f"the order of the classes in {where} is not known: {listed(map(repr, names))}. Give it, from low to high, "
            f"such as --order {as_option(names)}. Or begin their names with numbers that tell it, such as '1 calm' and "
            "'2 rough', or leave out --target ordered to learn them without an order."
        )
    place = {name: k for k, name in enumerate(order.names)}
    codes = np.array([place.get(cell, -1) for cell in text], dtype=int)
    how = order.how if order.how == GIVEN else f"by {order.how}"
    message = f"the classes in {where} are in this order, {how}: {listed(order.names, most=20)}"
    advice = "" if "number" in order.how or given else "Give the order with --order if it is another one."
    return OrderedClasses(order.names, codes, (Note(message, advice, severity="info"),))
