"""People's labels for images of a population, and the inclusion probability of each image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.data.coding_sheet import SheetRow, read_sheet
from autotl.errors import DatasetError
from autotl.runs.validation import DrawnSample
from autotl.runtime.wording import counted, listed
from autotl.workflows.share_findings import LabelCounts
from autotl.workflows.share_items import Lookup
from autotl.workflows.share_population import Population

_LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True, eq=False)
class Codings:
    """One label per image, for images with a majority among the coders.

    rows: int (n,), images of the population; labels: int (n,), their classes. weights: float (n,), inverse inclusion
    probabilities. counts: how many codings were used or left out.
    """

    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    counts: LabelCounts


def read_labels(path: Path, classes: Sequence[str]) -> tuple[SheetRow, ...]:
    """The rows of a sheet that have a label; DatasetError if there are none."""
    rows = tuple(row for row in read_sheet(path) if row.label)
    if not rows:
        raise DatasetError(
            f"{path} has no label yet. Write the class of each image into the column `label`, one of "
            f"{listed(classes)}, and the coder's name beside it."
        )
    return rows


def gives_probabilities(rows: Sequence[SheetRow]) -> bool:
    """Whether a sheet has its own inclusion probabilities."""
    return any(row.probability for row in rows)


def read_codings(
    path: Path, rows: Sequence[SheetRow], population: Population, sample: DrawnSample, removed: frozenset[str]
) -> Codings:
    """The labels in the rows of a sheet; DatasetError names the line where an image or a label is not known.

    removed: images that could be drawn and are no longer in the population; their labels are left out.
    """
    found = _understood(path, rows, population, removed)
    answers: dict[str, Counter[str]] = {}
    for (item, _), given in found.items():
        answers.setdefault(item, Counter())[given] += 1
    majority = {name: label for name, votes in answers.items() if (label := _majority(votes))}
    numbers = {name: number for number, name in enumerate(population.names)}
    inside = {name: label for name, label in majority.items() if name in numbers}
    probabilities, how = _probabilities(path, rows, population, sample)
    drawn = {name: label for name, label in inside.items() if probabilities is None or name in probabilities}
    if not drawn:
        tied = [name for name in answers if name in numbers and (probabilities is None or name in probabilities)]
        raise DatasetError(_nothing_left(path, answers, len(tied), population, sample))
    places = np.array(sorted(numbers[name] for name in drawn))
    classes = {name: number for number, name in enumerate(population.classes)}
    known = [population.names[place] for place in places]
    return Codings(
        places, np.array([classes[drawn[name]] for name in known]),
        np.array([1.0 if probabilities is None else 1 / probabilities[name] for name in known]),
        LabelCounts(
            coders=tuple(sorted({coder for _, coder in found})), used=len(drawn),
            unresolved=len(answers) - len(majority), trained_on=len(answers.keys() & population.trained_on),
            unreadable=len(answers.keys() & population.unreadable - removed), removed=len(answers.keys() & removed),
            not_drawn=len(majority.keys() - drawn.keys() - removed - population.trained_on - population.unreadable),
            how=how,
        ),
    )  # fmt: skip


def _understood(
    path: Path, rows: Sequence[SheetRow], population: Population, removed: frozenset[str]
) -> dict[tuple[str, str], str]:
    """The label by image and coder; DatasetError if a coder gave two to one image."""
    lookup, found = Lookup(population.files), dict[tuple[str, str], str]()
    gone = Lookup({name: name for name in removed})
    first, coders = dict[tuple[str, str], int](), dict[str, str]()
    by_case = {name.casefold(): name for name in population.classes}
    for row in rows:
        name = lookup.find(row.item)
        if name is None or lookup.contradiction(row.item, name):
            name = gone.find(row.item) or name
        if name is None:
            raise DatasetError(
                f"{path}, line {row.line}: {row.item!r} is not clearly one of the {len(population.names)} images of "
                f"{population.described}, such as {population.names[0]!r}. Correct the item, or leave the line out."
            )
        if name not in removed and (reason := lookup.contradiction(row.item, name)):
            raise DatasetError(
                f"{path}, line {row.line}: {row.item!r} {reason}. Correct the item, or leave the line out. A file name "
                "without a folder stands for the image of that name."
            )
        label = row.label if row.label in population.classes else by_case.get(row.label.casefold())
        if label is None:
            raise DatasetError(
                f"{path}, line {row.line}: the label {row.label!r} is not a class of the model; expected one of "
                f"{listed(population.classes)}. Leave the label empty if it cannot be decided."
            )
        written = " ".join(row.coder.split())
        coder = coders.setdefault(written.casefold(), written)
        if found.setdefault((name, coder), label) != label:
            raise DatasetError(
                f"{path}, line {row.line}: {coder or 'a coder without a name'} coded {name} already in line "
                f"{first[name, coder]}, with another label. Keep one of the two lines, or give each person a name."
            )
        first.setdefault((name, coder), row.line)
    return found


def _majority(votes: Counter[str]) -> str | None:
    """The label given by most coders, None for an unresolved tie."""
    first = votes.most_common(2)
    return None if len(first) == 2 and first[0][1] == first[1][1] else first[0][0]


def _probabilities(
    path: Path, rows: Sequence[SheetRow], population: Population, sample: DrawnSample
) -> tuple[Mapping[str, float] | None, str]:
    """Inclusion probabilities by name, None if assumed to be equal; and where they come from."""
    if gives_probabilities(rows):
        lookup = Lookup(population.files)
        return {lookup.find(row.item) or "": _probability(path, row) for row in rows}, "given"
    return (sample.probabilities, "drawn") if sample.items else (None, "assumed")


def _probability(path: Path, row: SheetRow) -> float:
    text = row.probability or ""
    try:
        value = float(text.replace(",", "."))  # a spreadsheet may write the decimal mark of its language
    except ValueError:
        value = 0.0
    if not _LEAST_PROBABILITY <= value <= 1:
        raise DatasetError(
            f"{path}, line {row.line}: the probability {text!r} is not a number from {_LEAST_PROBABILITY:f} to 1. "
            "Write how likely the image was to be drawn."
        )
    return value


def _nothing_left(
    path: Path, answers: Mapping[str, object], n_tied: int, population: Population, sample: DrawnSample
) -> str:
    """Why no label can be used. n_tied: images whose labels could be used if the coders agreed."""
    if n_tied:
        return (
            f"{path}: the votes on the {counted(n_tied, 'labelled image')} tie: no image has a majority label. "
            "Have another coder label them, or agree on one label for each, and give the sheet again."
        )
    if answers.keys() <= population.trained_on:
        return (
            f"the model was trained on all {len(answers)} images labelled in {path}, so they say nothing about new "
            f"images. Draw others with --sample N --out SHEET.csv."
        )
    if sample.items:
        return (
            f"{path} has no label for the {len(sample.items)} images drawn from {population.described}. Label "
            "these images."
        )
    return f"{path} has no image with a majority label. Another coder can resolve ties."
