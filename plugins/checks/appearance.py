"""Images in which little can be seen: blank, dark, too bright, blurred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import counted
from autotl_plugins.checks._proposals import excluding

if TYPE_CHECKING:
    import pandas as pd

    from autotl.data.dataset import Dataset

BLANK = 0.02
"""Standard deviation of the brightness: five of 256 grey levels."""
DARK = 0.32
"""99 % of the pixels are darker than this; cleanvision's limit."""
BRIGHT, FADED = 0.95, 0.10
"""95 % of the pixels are brighter (cleanvision's limit), and, unlike on a page of text, nothing stands out."""
BLURRED, SHARP_PIXELS = 1.0, 64
"""Photographs have 3 to 10, blurred by 2 % of their length 0.3 to 1; below 64 pixels everything looks blurred."""
TRAIT = 0.25
"""A property shared by a quarter of the images is how such images look, and not a defect."""
N_OPENED = 20
"""Images of one defect that are opened again to find out why."""
MANY, ONE_SIDED, COMMON = 10, 0.9, 0.7
"""At least ten such images, nine tenths of them in a class with less than 70 % of all images."""


@dataclass(frozen=True)
class Fault:
    """One defect. faulty: mask over the items. order: column by which the worst are sorted first."""

    name: str
    word: str
    faulty: Callable[[pd.DataFrame], pd.Series]
    order: str
    worst_is_low: bool = True


def _blank(items: pd.DataFrame) -> pd.Series:
    return items["contrast"] < BLANK


def _dark(items: pd.DataFrame) -> pd.Series:
    return ~_blank(items) & (items["brightness_p99"] < DARK)


def _bright(items: pd.DataFrame) -> pd.Series:
    return ~_blank(items) & (items["brightness_p5"] > BRIGHT) & (items["contrast"] < FADED)


def _blurry(items: pd.DataFrame) -> pd.Series:
    large = items[["width", "height"]].min(axis=1) >= SHARP_PIXELS
    return ~_blank(items) & large & (items["sharpness"] < BLURRED)


FAULTS = (
    Fault("blank", "blank or nearly one colour", _blank, "contrast"),
    Fault("dark", "very dark", _dark, "brightness_p99"),
    Fault("bright", "very bright and pale", _bright, "brightness_p5", worst_is_low=False),
    Fault("blurry", "blurred", _blurry, "sharpness"),
)


def look(fault: Fault, dataset: Dataset) -> Iterator[Finding]:
    """Name the images with one defect; a warning where they are blank, or nearly all in one class."""
    items = dataset.items
    found = items[fault.faulty(items)].sort_values([fault.order, "path"], ascending=[fault.worst_is_low, True])
    if not len(found):
        return
    label = _one_sided(found, items)
    cause = _cause(fault, found, dataset)
    if cause:
        where, advice = cause
    elif label:
        n = int((found["label"] == label).sum())
        where = f", {'all' if n == len(found) else f'{n:,}'} of them in the class {label}"
        advice = f"Make sure that the model does not simply learn that {label} is {fault.word}: add other images of it."
    elif len(found) > TRAIT * len(items):
        where, advice = "", "If such images are meant to look like that, keep them; otherwise correct the exposure."
    else:
        where, advice = "", "Look at them, and exclude those in which you cannot recognise the class yourself."
    proposed = _few_of_their_class(found, items)
    yield Finding(
        fault.name,
        "warning" if cause or label or fault.name == "blank" else "info",
        f"{counted(len(found), 'image')} of {len(items):,} {'is' if len(found) == 1 else 'are'} {fault.word}{where}, "
        f"such as {found['path'].iloc[0]}",
        items=tuple(found["path"]),
        advice=advice,
        fixes=excluding(proposed["path"].head(1)) if fault.name == "blank" and not cause else (),
        proposals=() if cause else excluding(proposed["path"]),
    )


def _few_of_their_class(found: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The images that may be excluded: not where they are a quarter of all, or most of their class."""
    shares = found["label"].value_counts() / items["label"].value_counts()
    return found[(found["label"].map(shares) <= 0.5) & (len(found) <= TRAIT * len(items))]


def _cause(fault: Fault, found: pd.DataFrame, dataset: Dataset) -> tuple[str, str] | None:
    """Why images that a viewer shows come out like this, and what to do; None if their pixels are like that."""
    if fault.name not in ("blank", "dark", "bright") or len(found) < MANY:
        return None
    from autotl.images.blank_reasons import DEEP, why_blank

    # HEIC is left to its own process: see `images.safe_decode`.
    some = found[~found["format"].isin(["HEIF"])].iloc[:: max(1, len(found) // N_OPENED)]
    reasons = [reason for path in some["path"] if (reason := why_blank(dataset.root / path))]
    kinds = {reason.kind for reason in reasons}
    if len(reasons) < 0.9 * len(some) or len(kinds) != 1:
        return None
    if kinds == {"transparent"}:
        return (
            ": all that is left on white is white, because they are drawn in white on a transparent ground",
            "Save them on a dark ground: transparent areas become white, as on paper.",
        )
    worst = max(reasons, key=lambda reason: reason.highest)
    return (
        f": their values reach {worst.highest:,} of {DEEP:,}, as {worst.bits}-bit data in files of 16 bits do",
        f"Multiply the values by {2 ** (16 - worst.bits)}, or save the images with 8 bits; {DEEP:,} is read as white.",
    )


def _one_sided(found: pd.DataFrame, items: pd.DataFrame) -> str:
    """The class with nearly all images that have the defect, or an empty text."""
    counts = found["label"].value_counts()
    label = str(counts.index[0])
    common = (items["label"] == label).mean() >= COMMON
    return "" if len(found) < MANY or counts.iloc[0] < ONE_SIDED * len(found) or common else label


@hookimpl
def register_checks() -> Iterable[Check]:
    for fault in FAULTS:
        yield Check(fault.name, partial(look, fault), modality="image")
