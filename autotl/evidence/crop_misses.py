"""Whether a crop finds nothing more often in images of one class, or of one group, than in others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from autotl.evidence.holm import holm
from autotl.evidence.intervals import accuracy_with_interval
from autotl.evidence.slice_finder import more_errors
from autotl.interfaces import ScoreInterval, Table

SIGNIFICANT = 0.05
LEAST_P = 0.0001
"""Of smaller p-values only that is printed."""
_MOST_SAID = 3


@dataclass(frozen=True)
class CropMisses:
    """How often a crop found nothing in a group of images.

    column: "class" or an attribute. n_images, n_missed: of the group. rate: the share in which nothing was found;
    others: the same of all other images. p_value: that it is not more often than in these, by Fisher's exact test, in
    which images that are alike count once, with Holm's correction for all groups compared.
    """

    column: str
    value: str
    n_images: int
    n_missed: int
    rate: ScoreInterval
    others: ScoreInterval
    p_value: float

    @property
    def is_more_often(self) -> bool:
        """Whether the group is missed more often than other images, beyond chance."""
        return self.p_value < SIGNIFICANT


def compare_misses(
    missed: np.ndarray, groups: Iterable[tuple[str, str, np.ndarray]], clusters: np.ndarray | None
) -> tuple[CropMisses, ...]:
    """The misses of each group, the least probable first.

    missed: bool (n,). groups: the column, a value, and which images have it, bool (n,). clusters: (n,), one number for
    images that are alike; None if none are.
    """
    compared = list(groups)
    p_values = holm([_p_value(missed, inside, clusters) for _, _, inside in compared]).tolist()
    found = (
        CropMisses(
            column, value, int(inside.sum()), int(missed[inside].sum()), _rate(missed, inside, clusters),
            _rate(missed, ~inside, clusters), p_value,
        )
        for (column, value, inside), p_value in zip(compared, p_values, strict=True)
    )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.p_value, -one.rate.value)))


def describe_misses(crop: str, found: Sequence[CropMisses]) -> tuple[str, ...]:
    """A sentence for each of the first groups that are missed more often than others, and what follows from it."""
    more = [one for one in found if one.is_more_often]
    said = [
        f"The crop {crop} fails on {one.rate.percent()} of the {one.n_images} images whose {one.column} is "
        f"{one.value}, and on {one.others.percent()} of the others."
        for one in more[:_MOST_SAID]
    ]
    if any(one.column == "class" for one in more):
        said.append(
            "Whether an image could be cropped tells something of its class, which the model may use. Compare it with "
            "a model of whole images (--crops none)."
        )
    return tuple(said)


def misses_table(found: Sequence[CropMisses]) -> Table:
    """All groups."""
    rows = tuple(
        (
            one.column,
            one.value,
            one.n_images,
            one.n_missed,
            one.rate.percent(),
            one.others.percent(),
            _printed(one.p_value),
        )
        for one in found
    )
    return Table(
        "In which images nothing was found",
        ("column", "value", "images", "not cropped", "share", "share of the others", "p"),
        rows,
        "Shares with their 95 % intervals; p: that nothing is found no more often than in the other images, by "
        "Fisher's exact test with Holm's correction for all rows.",
    )


def _p_value(missed: np.ndarray, inside: np.ndarray, clusters: np.ndarray | None) -> float:
    """Images that are alike count once on each side, as most of them are."""
    if clusters is None:
        return more_errors(missed, inside, None)
    sides = np.stack([np.unique(clusters, return_inverse=True)[1], inside])
    place = np.unique(sides, axis=1, return_inverse=True)[1]
    mostly = [np.bincount(place, values) / np.bincount(place) > 0.5 for values in (missed, inside)]
    return more_errors(mostly[0], mostly[1], None)


def _rate(missed: np.ndarray, members: np.ndarray, clusters: np.ndarray | None) -> ScoreInterval:
    return accuracy_with_interval(missed[members], None if clusters is None else clusters[members])


def _printed(p_value: float) -> str:
    return f"{p_value:.4f}" if p_value >= LEAST_P else f"< {LEAST_P}"
