"""What a model's outputs say of an item: its class, its labels, or its number.

An exported model carries a copy of this file, which imports nothing of AutoTL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

DOUBTS = ("set", "unsure", "none_of_these")  # optional outputs that say how far an answer can be relied on


class ClassAnswers:
    """The class of an item. metadata: the model's metadata.json."""

    kind = "classes"
    output = "probabilities"
    """The output of the graph that it reads."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.classes: tuple[str, ...] = tuple(metadata["classes"])
        self.columns: tuple[str, ...] = tuple(metadata["columns"])
        self.target: Mapping[str, Any] = metadata.get("target") or {}

    def say(self, row: np.ndarray) -> dict[str, Any]:
        """The answer for one item. row: float (n_outputs,), what the graph gives."""
        return {"label": self.classes[row.argmax()], "probabilities": self._named(row)}

    def doubt(self, output: str, value: Any) -> dict[str, Any]:
        """One of `DOUBTS` about one item. value: what the graph gives."""
        if output == "set":
            return {"set": [name for name, within in zip(self.classes, value, strict=True) if within]}
        return {output: bool(value) if output == "unsure" else float(value)}

    def table(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The columns of a table of answers, by name."""
        return {"label": [row["label"] for row in results]} | self._shares(results)

    def _named(self, row: np.ndarray) -> dict[str, float]:
        return dict(zip(self.classes, row.tolist(), strict=True))

    def _shares(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {
            column: np.array([row["probabilities"][name] for row in results], np.float32)
            for name, column in zip(self.classes, self.columns, strict=True)
        }


class LabelAnswers(ClassAnswers):
    """Every label whose probability reaches its threshold."""

    kind = "labels"

    def say(self, row: np.ndarray) -> dict[str, Any]:
        """The labels of one item, possibly none, and the probability of each label."""
        thresholds = self.target.get("thresholds") or [0.5] * len(self.classes)
        reached = zip(self.classes, row.tolist(), thresholds, strict=True)
        return {"labels": [name for name, p, least in reached if p >= least], "probabilities": self._named(row)}

    def table(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The columns of a table of answers, by name; labels joined by semicolons."""
        return {"labels": [";".join(row["labels"]) for row in results]} | self._shares(results)


class NumberAnswers(ClassAnswers):
    """A number, with the interval that holds the true one in the share of cases that metadata.json names."""

    kind = "number"
    output = "value"

    def say(self, row: np.ndarray) -> dict[str, Any]:
        """The number of one item, and the ends of its interval where the model has one."""
        value, half = float(row[0]), (self.target.get("interval") or {}).get("half_width")
        return {"value": value} | ({} if half is None else {"low": value - half, "high": value + half})

    def table(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The columns of a table of answers, by name; NaN if the model has no interval."""
        return {
            name: np.array([row.get(name, np.nan) for row in results], np.float64) for name in ("value", "low", "high")
        }


def open_answers(metadata: Mapping[str, Any]) -> ClassAnswers:
    """What says the answers of the model with this metadata.json."""
    kinds = {"labels": LabelAnswers, "number": NumberAnswers}
    return kinds.get((metadata.get("target") or {}).get("kind", ""), ClassAnswers)(metadata)
