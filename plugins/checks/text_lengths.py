"""Texts without words, and texts that are far longer or shorter than the others of their class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import counted
from autotl_plugins.checks._proposals import excluding

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset

HARDLY_ANY, USUAL = 2, 10
"""Two words are hardly any where half of the texts have ten or more."""
MANY, ONE_SIDED, COMMON = 10, 0.9, 0.7
"""At least ten such texts, nine tenths of them in a class with less than 70 % of all texts."""
FENCE = 3.0
"""Interquartile ranges beyond the quartiles, as for the sizes of images."""
ODD_FACTOR = 4.0
"""An odd length is also this many times more or less than the median of its class."""
N_FOR_QUARTILES = 20


def empty(dataset: Dataset) -> Iterator[Finding]:
    """Name the texts without words, or with hardly any where others have many."""
    items = dataset.items
    n_words = items["n_words"]
    most = HARDLY_ANY if n_words.median() >= USUAL else 0
    found = items[n_words <= most].sort_values(["n_words", "path"])
    if not len(found):
        return
    counts = found["label"].value_counts()
    label = str(counts.index[0])
    common = (items["label"] == label).mean() >= COMMON
    one_sided = len(found) >= MANY and counts.iloc[0] >= ONE_SIDED * len(found) and not common
    none = int((found["n_words"] == 0).sum())
    what = "no words" if none == len(found) else f"{most} words or fewer"
    where = f", nearly all of them in the class {label}" if one_sided else ""
    yield Finding(
        "empty-texts",
        "warning" if none or one_sided else "info",
        f"{counted(len(found), 'text')} of {len(items):,} {'has' if len(found) == 1 else 'have'} {what}{where}, "
        f"such as {found['path'].iloc[0]}",
        items=tuple(found["path"]),
        advice=f"Make sure that the model does not simply learn that {label} is empty: find out why these texts are."
        if one_sided
        else "Look at them, and exclude those in which you cannot recognise the class yourself.",
        proposals=() if one_sided else excluding(found["path"][found["n_words"] == 0]),
    )


def odd_length(dataset: Dataset) -> Iterator[Finding]:
    """Name the texts that are far longer or shorter than the others of their class."""
    items = dataset.items[dataset.items["n_words"] > HARDLY_ANY]
    length = np.log2(items["n_words"])
    of_class = length.groupby(items["label"])
    lower, middle, upper = (of_class.transform("quantile", share) for share in (0.25, 0.5, 0.75))
    reach, least = FENCE * (upper - lower), np.log2(ODD_FACTOR)
    beyond = (length < np.minimum(lower - reach, middle - least)) | (length > np.maximum(upper + reach, middle + least))
    odd = items.assign(middle=2**middle, distance=(length - middle).abs())
    odd = odd[beyond & (of_class.transform("size") >= N_FOR_QUARTILES)]
    if not len(odd):
        return
    odd = odd.sort_values(["distance", "path"], ascending=[False, True])
    first = odd.iloc[0]
    yield Finding(
        "odd-length",
        "info",
        f"{counted(len(odd), 'text')} of {len(dataset.items):,} {'is' if len(odd) == 1 else 'are'} far longer or "
        f"shorter than the others of their class, such as {first['path']} ({counted(int(first['n_words']), 'word')}; "
        f"half of the texts of {first['label']} have {first['middle']:,.0f} or fewer)",
        items=tuple(odd["path"]),
        advice="Look at them: they may be several texts in one file, or only a part of a text.",
    )


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("empty-texts", empty, modality="text")
    yield Check("odd-length", odd_length, modality="text")
