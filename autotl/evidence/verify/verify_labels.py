"""Each of several labels: its average precision and threshold, and what the exported model answers with thresholds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from verify_intervals import Interval, proportion, score_interval
from verify_scores import BOUNDS, FEW_CALLS, Predictions, of_items, score
from verify_target_scores import average_precision, matches
from verify_targets import known

FEWEST, ENOUGH, SMALLEST = 5, 20, 1e-6
"""Items with a label: fewer are not scored; from so many on the threshold is the label's own. SMALLEST: of log-odds."""
CALLS = (300, FEW_CALLS)
NOTHING = (math.nan, math.nan, math.nan)
AT_THRESHOLDS = ("micro_f1", "macro_f1", "exact_match", "hamming")


def check_labels(run: Any) -> None:
    """Compare the thresholds of the exported model, and the panel of the labels."""
    ledger, tested, groups = run.ledger, run.tested, of_items(run.clusters, run.tested)
    least = thresholds(run.searched["labels"], run.searched["probabilities"])
    ledger.expect("champion/metadata.json#/target/kind", run.kind)
    for number, value in enumerate(least.tolist()):
        ledger.expect(f"champion/metadata.json#/target/thresholds/{number}", value)
    for address, part in run.panel("labels"):
        if part["title"] == "Each label on the test split":
            ledger.expect_rows(address, len(run.classes))
            for number, value in enumerate(least.tolist()):
                _check_label(run, f"{address}/rows/{number}", number, value, groups)
            _check_sentences(run, address.partition("/parts/")[0])
        else:
            names = [name for name in AT_THRESHOLDS if name in run.result["test"]]
            ledger.expect_rows(address, len(names))
            for number, name in enumerate(names):
                ledger.expect(f"{address}/rows/{number}/0", name)
                candidates = (at_thresholds(name, tested, least, groups, run.seed, n) for n in CALLS)
                ledger.expect_interval(f"{address}/rows/{number}", candidates, range(1, 4))


def thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Those of the highest F1 out of fold; of rare labels drawn, in log-odds, to the one of all labels together."""
    judged, applies = known(labels), labels > 0
    overall = _best(applies[judged], probabilities[judged])
    found = np.full(labels.shape[1], overall)
    for label in np.flatnonzero(applies.any(axis=0)):
        rows, own = judged[:, label], min(applies[:, label].sum() / ENOUGH, 1.0)
        best = _log_odds(_best(applies[rows, label], probabilities[rows, label]))
        found[label] = 1 / (1 + np.exp(-own * best - (1 - own) * _log_odds(overall)))
    return found


def _best(applies: np.ndarray, probabilities: np.ndarray) -> float:
    """Half way between the last probability that is to be reached for the highest F1, and the next lower one."""
    if not applies.any():
        return 0.5
    values, own = np.unique(probabilities.astype(float)), np.sort(probabilities[applies])
    n_above = len(probabilities) - np.searchsorted(np.sort(probabilities), values, "left")
    n_right = len(own) - np.searchsorted(own, values, "left")
    f1 = 2 * n_right / (n_above + len(own))
    last = len(f1) - 1 - int(f1[::-1].argmax())  # of equal ones the highest threshold
    return float((values[last] + (values[last - 1] if last else 0.0)) / 2)


def _log_odds(probability: float) -> float:
    p = min(max(probability, SMALLEST), 1 - SMALLEST)
    return math.log(p / (1 - p))


def at_thresholds(
    name: str, found: Predictions, least: np.ndarray, groups: np.ndarray | None, seed: int, max_calls: int
) -> Interval:
    """(value, low, high) of a score of the answers that reach the thresholds."""
    labels, probabilities = found["labels"], found["probabilities"]
    if name == "exact_match":
        rows, right = matches(labels, (probabilities >= least).astype(float))
        return proportion(right, None if groups is None else groups[rows])
    return score_interval(
        lambda labels, p: score(name, labels, (p >= least).astype(float)), labels, (probabilities,), groups,
        seed=seed, bounds=BOUNDS[name], by_class=False, max_calls=max_calls,
    )  # fmt: skip


def label_precision(
    applies: np.ndarray, probabilities: np.ndarray, groups: np.ndarray | None, seed: int, max_calls: int
) -> Interval:
    """(value, low, high) of the average precision of one label."""
    own = probabilities.astype(float)
    return score_interval(
        lambda labels, p: average_precision(labels > 0, p[:, 1]), applies.astype(int),
        (np.stack([1 - own, own], axis=1),), groups, seed=seed, bounds=(0, 1), by_class=True, max_calls=max_calls,
    )  # fmt: skip


def _check_label(run: Any, address: str, label: int, least: float, groups: np.ndarray | None) -> None:
    """Compare a row of the table."""
    ledger, probabilities = run.ledger, run.tested["probabilities"][:, label]
    rows, there = _rows(run.tested["labels"][:, label])
    for column, value in ((0, run.classes[label]), (1, len(there)), (5, least)):
        ledger.expect(f"{address}/{column}", value)
    precisions, recall = iter([NOTHING]), NOTHING
    if FEWEST <= len(there) < len(rows):
        applies, own = np.isin(rows, there), None if groups is None else groups[rows]
        precisions = (label_precision(applies, probabilities[rows], own, run.seed, calls) for calls in CALLS)
    if len(there) >= FEWEST:
        recall = proportion(probabilities[there] >= least, None if groups is None else groups[there])
    ledger.expect_interval(address, precisions, range(2, 5))
    ledger.expect_interval(address, [recall], range(6, 9))


def _rows(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The items of which it is known whether they have a label, and those that have it."""
    return np.flatnonzero(known(labels)), np.flatnonzero(labels > 0)


def _check_sentences(run: Any, panel: str) -> None:
    """Check that the sentences name the label that is found worst, and those that too few items have."""
    found, few = [], []
    for label, name in enumerate(run.classes):
        rows, there = _rows(run.tested["labels"][:, label])
        if FEWEST <= len(there) < len(rows):
            value = average_precision(np.isin(rows, there), run.tested["probabilities"][rows, label])
            found.append((value, name))
        else:
            few.append(name)
    for value, name in sorted(found)[:1]:
        run.ledger.expect_said(f"{panel}/sentences/0", f"{name} (average precision {value:.2f})")
    for name in few[:1]:
        run.ledger.expect_said(f"{panel}/sentences/{min(len(found), 1)}", name)
