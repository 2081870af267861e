"""The items whose labels or numbers a model answers worst, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from autotl.evidence.run_evidence import Evidence, Part
from autotl.predictions import Predictions
from autotl.targets import NUMBER, known_labels

ONE_HALF = 0.5
"""A label is predicted from this probability on, as for the scores."""


def wrong_answers(evidence: Evidence, part: Part) -> pd.DataFrame:
    """The items of a part that are answered wrongly, worst first: path, file, label, predicted, error.

    label, predicted: in words. error: of a number, how far it is off; of labels, how many of those that are known are
    wrong, and among equals those with the surest wrong answer come first.
    """
    found = evidence.tested if part == "test" else evidence.searched
    if evidence.run.dataset.kind == NUMBER:
        labels, predicted = [_number(x) for x in found.labels], [_number(x) for x in found.probabilities[:, 0]]
        error = np.abs(found.probabilities[:, 0] - found.labels)
        order = np.argsort(-error, kind="stable")
    else:
        labels, predicted, error, order = _of_labels(found, evidence.test.classes)
    paths = evidence.run.dataset.items["path"].iloc[found.items].to_list()
    table = pd.DataFrame(
        {
            "path": paths,
            "file": [str(evidence.run.dataset.root / path) for path in paths],
            "label": labels,
            "predicted": predicted,
            "error": error,
        }
    )
    table = table.iloc[order]
    return table[table["error"] > 0].reset_index(drop=True)


def _of_labels(
    found: Predictions, names: Sequence[str]
) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:  # fmt: skip
    known, says = known_labels(found.labels), found.probabilities >= ONE_HALF
    wrong = known & (says != (found.labels > 0))
    surest = np.where(wrong, np.abs(found.probabilities - ONE_HALF), 0).max(axis=1, initial=0)
    error = wrong.sum(axis=1)
    return (
        [_named(row, names) for row in found.labels > 0],
        [_named(row, names) for row in says],
        error,
        np.lexsort((-surest, -error)),
    )


def _named(applies: np.ndarray, names: Sequence[str]) -> str:
    return ", ".join(name for name, one in zip(names, applies, strict=True) if one) or "none"


def _number(value: float) -> str:
    return f"{value:.4g}"
