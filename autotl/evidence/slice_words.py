"""The results of the slice finder as sentences and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autotl.evidence.intervals import accuracy_with_interval
from autotl.evidence.looks import Look
from autotl.evidence.slice_finder import Slice
from autotl.interfaces import Table

MOST_SAID, N_EXAMPLES = 2, 3


def describe_slices(found: Sequence[Slice]) -> tuple[str, ...]:
    """Sentences, the most important first."""
    confirmed = [one for one in found if one.is_confirmed]
    if not confirmed:
        return ("No kind of images was found on which its errors concentrate.",)
    said = [
        f"{one.name[:1].upper()}{one.name[1:]}: {100 * one.error.value:.0f} % wrong (95 % interval "
        f"{100 * one.error.low:.0f} to {100 * one.error.high:.0f}), against {100 * one.rest.value:.0f} % of the "
        "other images"
        for one in confirmed[:MOST_SAID]
    ]
    kinds = "one kind of image" if len(confirmed) == 1 else f"{len(confirmed)} kinds of images"
    return (f"Errors concentrate on {kinds}. {'. '.join(said)}.",)


def slice_tables(
    found: Sequence[Slice],
    kinds: Sequence[Look],
    wrong: np.ndarray,
    clusters: np.ndarray | None,
    examples: Callable[[np.ndarray, int], Sequence[str]],
) -> tuple[Table, ...]:
    """The slices, confirmed or not, and every kind of looks.

    wrong: bool (n_items,); clusters: (n_items,) or None; examples(members, n): paths of at most n of the items, wrong
    answers first.
    """
    tables = []
    if found:
        rows = tuple(
            (
                one.name, int(one.members.sum()), *one.error.rounded(), *one.rest.rounded()[:1], round(one.p_value, 4),
                "yes" if one.is_confirmed else "no", ", ".join(examples(one.members, N_EXAMPLES)),
            )
            for one in found
        )  # fmt: skip
        columns = ("kind", "images", "error", "low", "high", "error of the others", "p", "confirmed", "such as")
        note = (
            "Found on one half of the unseen answers, among clusters of features and kinds of looks. Errors, 95 % "
            "intervals and p-values (Fisher's exact test with Holm's correction) are from the other half. The number "
            "of images is for both halves."
        )
        tables.append(Table("Where errors concentrate", columns, rows, note))
    if kinds:
        everyone = Look("all images", np.ones(len(wrong), dtype=bool))
        looked_at = sorted(kinds, key=lambda kind: -float(wrong[kind.members].mean()))
        tables.append(
            Table(
                "Error by what images look like",
                ("images that are", "images", "error", "low", "high"),
                tuple(_row(kind, wrong, clusters) for kind in (everyone, *looked_at)),
                note="Thirds of all images by each measure, each with its own 95 % interval. With so many rows, some "
                "look bad by chance.",
            )
        )
    return tuple(tables)


def _row(kind: Look, wrong: np.ndarray, clusters: np.ndarray | None) -> tuple[str | float, ...]:
    members = kind.members
    error = accuracy_with_interval(wrong[members], None if clusters is None else clusters[members])
    return (kind.name, int(members.sum()), *error.rounded())
