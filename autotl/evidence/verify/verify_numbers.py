"""The intervals of a predicted number: their widths from the search, and how often they hold the true one in the test.

They are those of split conformal prediction (Vovk et al. 2005; Lei et al. 2018).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from verify_doubts import conformal_quantile, representatives
from verify_intervals import Interval, proportion
from verify_scores import Predictions, of_items

LEVEL, LEVELS, N_PARTS, FEWEST_IN_A_PART, MOST_POINTS = 0.9, (0.5, 0.8, 0.9, 0.95), 3, 20, 1000


def check_numbers(run: Any) -> None:
    """Compare the interval of the exported model, and the panel of the numbers."""
    ledger, widths = run.ledger, half_widths(run.searched, of_items(run.clusters, run.searched), run.seed)
    ledger.expect("champion/metadata.json#/target/kind", run.kind)
    if LEVEL in widths:
        for name, value in zip(("level", "half_width", "n"), (LEVEL, *widths[LEVEL]), strict=True):
            ledger.expect(f"champion/metadata.json#/target/interval/{name}", value)
    for address, part in run.panel("numbers"):
        if part["title"] == "Intervals on the test split":
            rows = list(coverages(run.tested, widths, of_items(run.clusters, run.tested)))
            ledger.expect_rows(address, len(rows))
            for number, (level, name, half_width, n, held) in enumerate(rows):
                cells = {0: f"{100 * level:.0f} %", 1: name, 2: half_width, 6: n}
                for column, cell in cells.items():
                    ledger.expect(f"{address}/rows/{number}/{column}", cell)
                ledger.expect_interval(f"{address}/rows/{number}", [held], range(3, 6))
                if (level, name) == (LEVEL, "all"):
                    _check_sentence(run, address.partition("/parts/")[0], half_width, n, held)
        else:
            _check_points(run, address)


def half_widths(
    searched: Predictions, clusters: np.ndarray | None, seed: int
) -> dict[float, tuple[float, int]]:  # fmt: skip
    """By level, how far an interval reaches to both sides, and from how many errors; none of too few errors."""
    errors = np.abs(searched["labels"] - searched["probabilities"][:, 0])
    errors = errors[representatives(np.zeros(len(errors), int), clusters, seed)]
    found = {level: (conformal_quantile(errors, 1 - level), len(errors)) for level in LEVELS}
    return {level: one for level, one in found.items() if np.isfinite(one[0])}


def coverages(
    tested: Predictions, widths: dict[float, tuple[float, int]], groups: np.ndarray | None
) -> Iterator[tuple[float, str, float, int, Interval]]:
    """Level, items, half width, number of items, and the share whose interval holds the true number."""
    errors, everything = np.abs(tested["labels"] - tested["probabilities"][:, 0]), np.ones(len(tested["labels"]), bool)
    asked = [(level, "all", everything) for level in widths]
    if LEVEL in widths:
        asked += [(LEVEL, name, rows) for name, rows in _by_size(tested["probabilities"][:, 0])]
    for level, name, rows in asked:
        half_width = widths[level][0]
        held = proportion(errors[rows] <= half_width, None if groups is None else groups[rows])
        yield level, name, half_width, int(rows.sum()), held


def _by_size(values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Thirds of the items by what is predicted; none where one has too few items."""
    edges = np.unique(np.quantile(values, np.arange(1, N_PARTS) / N_PARTS))
    part = np.searchsorted(edges, values, side="right")
    parts = [part == number for number in range(len(edges) + 1)]
    if min(rows.sum() for rows in parts) < FEWEST_IN_A_PART:
        return []
    return [(f"predicted {values[rows].min():.4g} to {values[rows].max():.4g}", rows) for rows in parts]


def _check_points(run: Any, address: str) -> None:
    """Compare the points of the scatter plot, and the ends of its diagonal."""
    true, predicted = run.tested["labels"], run.tested["probabilities"][:, 0]
    ends = [(end, end) for end in (min(true.min(), predicted.min()), max(true.max(), predicted.max()))]
    points = list(zip(true.tolist(), predicted.tolist(), strict=True))[:MOST_POINTS]
    for layer, pairs in enumerate((points, ends)):
        for number, pair in enumerate(pairs):
            for name, value in zip(("true", "predicted"), pair, strict=True):
                run.ledger.expect(f"{address}/spec/layer/{layer}/data/values/{number}/{name}", float(value))


def _check_sentence(run: Any, panel: str, half_width: float, n: int, held: Interval) -> None:
    value, low, high = (f"{100 * share:.0f} %" for share in held)
    for words in (f"{half_width:.3g} to both sides", f"{value} of the {n} ", f"(95 % CI {low} to {high}; "):
        run.ledger.expect_said(f"{panel}/sentences/0", words)
