"""What the panels print about the test split, recomputed with only NumPy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from verify_documents import Ledger
from verify_intervals import Interval, proportion
from verify_scores import of_items


def check_panels(run: Any) -> None:
    """Compare the panels that follow from the test predictions alone."""
    ledger, tested = run.ledger, run.tested
    confidence = tested["probabilities"].max(axis=1)
    right = tested["probabilities"].argmax(axis=1) == tested["labels"]
    groups = of_items(run.clusters, tested)
    for name, check in PANELS.items():
        for address, part in run.panel(name):
            check(ledger, address, part, confidence, right, groups)


def _share(right: np.ndarray, groups: np.ndarray | None, rows: np.ndarray) -> Interval:
    return proportion(right[rows], None if groups is None else groups[rows])


def calibration(
    ledger: Ledger, address: str, part: Any, confidence: np.ndarray, right: np.ndarray, groups: np.ndarray | None
) -> None:
    """Images in bins of equal number by their confidence, and the expected calibration error in the note."""
    bins = np.array_split(np.argsort(confidence, kind="stable"), min(10, len(right) // 20))
    names, error = ("said", "right", "low", "high", "images"), 0.0
    for number, name in ((0, "said"), (0, "right"), (1, "said"), (1, "right")):  # the diagonal
        ledger.expect(f"{address}/spec/layer/0/data/values/{number}/{name}", number)
    for layer in (1, 2):
        for number, rows in enumerate(bins):
            share, said = _share(right, groups, rows), confidence[rows].mean()
            error += len(rows) * abs(said - share[0]) / len(right) / 2
            for name, value in zip(names, (said, *share, len(rows)), strict=True):
                ledger.expect(f"{address}/spec/layer/{layer}/data/values/{number}/{name}", value)
    found = re.search(r"calibration error\): ([\d.]+) points", part["note"])
    if found is None or found[1] != f"{100 * error:.1f}":
        ledger.differs.append((f"{address}/note", found and found[1], f"{100 * error:.1f}"))


def certainty(
    ledger: Ledger, address: str, part: Any, confidence: np.ndarray, right: np.ndarray, groups: np.ndarray | None
) -> None:
    """The accuracy on the share of images of which the model is surest."""
    n, order = len(right), np.argsort(-confidence, kind="stable")
    for number, answered in enumerate((1.0, 0.95, 0.9, 0.8, 0.7, 0.5)):
        kept = order[: max(1, round(answered * n))]
        share = [round(x, 3) for x in _share(right, groups, kept)]
        mistakes = int((~right[kept]).sum())
        row = (f"{100 * answered:.0f} %", f"{confidence[kept[-1]]:.3f}", n - len(kept), mistakes, *share)
        for column, value in enumerate(row):
            ledger.expect(f"{address}/rows/{number}/{column}", value)


PANELS = {"calibration": calibration, "certainty": certainty}
