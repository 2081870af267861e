"""The model's doubts: thresholds from the search predictions, and how they perform on the test split.

Conformal sets (Sadinle, Lei & Wasserman 2019; RAPS: Angelopoulos et al. 2021), an accept threshold by Learn then Test
(Angelopoulos et al. 2022), and the area under the risk-coverage curve (Geifman, Uziel & El-Yaniv 2019).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from verify_intervals import Interval, effective_sizes, proportion, score_interval
from verify_scores import Predictions, of_items

ALPHA, MAX_WRONG, CERTAINTY = 0.1, 0.05, 0.95
UNDEFINED = (math.nan, math.nan, math.nan)


def check_doubts(run: Any) -> None:
    """Compare all of /doubts in the result, and the panel that shows it, except for what depends on features."""
    found, ledger, tested, groups = run.result.get("doubts"), run.ledger, run.tested, of_items(run.clusters, run.tested)
    if not found:
        return
    confidence, right = answers(tested)
    ledger.expect("/doubts/test/random_aurc", float((~right).mean()))
    ledger.expect_interval("/doubts/test/aurc", (_area(tested, groups, run.seed, calls) for calls in (300, 100)))
    if found["sets"]:
        _check_sets(run, groups)
    if found["accept"]:
        threshold, share, n = accept_rule(run.searched, of_items(run.clusters, run.searched))
        for name, value in (
            ("threshold", threshold), ("share", share), ("n", n), ("max_wrong", MAX_WRONG), ("certainty", CERTAINTY),
        ):  # fmt: skip
            ledger.expect(f"/doubts/accept/{name}", value)
        kept = confidence >= threshold
        ledger.expect_interval("/doubts/accept/test/answered", [_share(kept, groups)])
        ledger.expect_interval("/doubts/accept/test/wrong", [_share(~right[kept], _of(groups, kept))])
    _check_panel(run)


def answers(found: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """The highest probability of each item, and whether its class is the true one."""
    return found["probabilities"].max(axis=1), found["probabilities"].argmax(axis=1) == found["labels"]


def risks(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The share of wrong answers among the surest 1, 2, ..., n; tied answers count with their mean."""
    order = np.argsort(-confidence, kind="stable")
    wrong, ties = (~right[order]).astype(float), np.unique(-confidence[order], return_inverse=True)[1]
    wrong = (np.bincount(ties, wrong) / np.bincount(ties))[ties]
    return np.asarray(wrong.cumsum() / np.arange(1, len(wrong) + 1))


def set_scores(probabilities: np.ndarray) -> np.ndarray:
    """How badly each class fits: 1 less its probability; with more than 20 classes RAPS."""
    if probabilities.shape[1] <= 20:
        return np.asarray(1 - probabilities)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    penalties = 0.01 * np.maximum(0, np.arange(1, probabilities.shape[1] + 1) - 5)
    found = np.empty_like(probabilities)
    np.put_along_axis(found, order, np.take_along_axis(probabilities, order, axis=1).cumsum(axis=1) + penalties, axis=1)
    return found


def set_thresholds(found: Predictions, clusters: np.ndarray | None, seed: int) -> list[tuple[float, int, bool]]:
    """By class: the threshold, the number of independent items behind it, and whether these are of all classes."""
    labels = found["labels"]
    rows = representatives(labels, clusters, seed)
    own, labels = set_scores(found["probabilities"][rows])[np.arange(len(rows)), labels[rows]], labels[rows]
    by_class = []
    for k in range(found["probabilities"].shape[1]):
        pooled = bool((labels == k).sum() < math.ceil(1 / ALPHA - 1 - 1e-9))
        scores = own if pooled else own[labels == k]
        by_class.append((conformal_quantile(scores, ALPHA), len(scores), pooled))
    return by_class


def representatives(labels: np.ndarray, clusters: np.ndarray | None, seed: int) -> np.ndarray:
    """Row numbers of one item for each cluster and class, drawn at random; of all items if none are alike."""
    if clusters is None:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    pairs = np.stack([labels[order], clusters[order]], axis=1)
    return np.sort(order[np.unique(pairs, axis=0, return_index=True)[1]])


def conformal_quantile(scores: np.ndarray, alpha: float) -> float:
    """The smallest threshold that a new score exceeds with probability at most alpha."""
    rank = math.ceil((len(scores) + 1) * (1 - alpha) - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def accept_rule(found: Predictions, clusters: np.ndarray | None) -> tuple[float, float, int]:
    """The lowest threshold, tested downwards, above which few answers are wrong; the share and number accepted."""
    confidence, right = answers(found)

    def counts(rows: np.ndarray) -> tuple[float, float]:
        n, wrong = int(rows.sum()), int((~right[rows]).sum())
        if clusters is None or not n:
            return wrong, n
        own = np.unique(clusters[rows], return_inverse=True)[1]
        sizes, share = np.bincount(own), wrong / n
        sums = (np.bincount(own, ~right[rows]) - share * sizes) / n
        alike = float(effective_sizes([sizes], [sums], np.array([n]), np.array([share * (1 - share) / n]))[0])
        return share * alike, alike

    def p_value(wrong: float, n: float) -> float:
        return 1.0 if wrong >= n else beta_cdf(1 - MAX_WRONG, n - wrong, wrong + 1)

    def needed(mistakes: int) -> int:
        return next(n for n in range(mistakes + 1, 10**6) if p_value(mistakes, n) <= 1 - CERTAINTY)

    everything = counts(np.ones(len(right), bool))[1]
    start = max([needed(0), everything / 4, *(n for n in map(needed, range(3)) if n <= everything / 2)])
    kept = math.nan, math.nan, 0
    for threshold in (1 / (1 + np.exp(-np.linspace(12, -4, 321)))).tolist():
        accepted = confidence >= threshold
        wrong, n = counts(accepted)
        if n >= start:
            if p_value(wrong, n) > 1 - CERTAINTY:
                break
            kept = threshold, float(accepted.mean()), int(accepted.sum())
            if accepted.all():
                break
    return kept


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, 10_000):
        change = 1.0
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = 1 + term / c, 1 / (1 + term * d)
            change *= c * d
            total *= c * d
        if abs(change - 1) < 1e-14:
            break
    return front * total


def _check_sets(run: Any, groups: np.ndarray | None) -> None:
    ledger, tested = run.ledger, run.tested
    rules = set_thresholds(run.searched, of_items(run.clusters, run.searched), run.seed)
    holds = set_scores(tested["probabilities"]) <= np.array([threshold for threshold, _, _ in rules])
    held, sizes = holds[np.arange(len(holds)), tested["labels"]], holds.sum(axis=1)
    ledger.expect("/doubts/sets/coverage", 1 - ALPHA)
    for name, value in (("mean_size", sizes), ("empty", sizes == 0), ("single", sizes == 1)):
        ledger.expect(f"/doubts/sets/{name}", float(value.mean()))
    ledger.expect_interval("/doubts/sets/test", [_share(held, groups)])
    for k, (threshold, n, pooled) in enumerate(rules):
        own, address = tested["labels"] == k, f"/doubts/sets/classes{run.pointer(run.classes[k])}"
        allowed = math.floor((n + 1) * ALPHA + 1e-9)
        spread = [_beta_quantile(p, n + 1 - allowed, allowed) for p in (0.05, 0.95)] if allowed else [0.0, 1.0]
        values = (threshold, n, pooled, *spread, int(own.sum()))
        for name, value in zip(("threshold", "n", "pooled", "low", "high", "n_test"), values, strict=True):
            ledger.expect(f"{address}/{name}", value, tolerance=1e-7)
        ledger.expect_interval(f"{address}/test", [_share(held[own], _of(groups, own))])


def _check_panel(run: Any) -> None:
    """Compare the panel with /doubts and with points of the risk-coverage curve."""
    confidence, right = answers(run.tested)
    found, curve, n = run.result["doubts"], risks(confidence, right), len(right)
    rows: list[tuple[str, Any]] = [("area under the risk-coverage curve", found["test"]["aurc"])]
    if found["accept"]:
        rows += [("answered", found["accept"]["test"]["answered"])]
        rows += [("wrong among the answered", found["accept"]["test"]["wrong"])]
    if found["sets"]:
        rows += [("sets that hold the true class", found["sets"]["test"])]
    for address, part in run.panel("doubts"):
        if part["title"] == "Wrong answers, by how many are given":
            for number, place in enumerate(np.unique(np.linspace(0, n - 1, 200).astype(int)).tolist()):
                threshold = -np.sort(-confidence)[place]
                for name, value in zip(
                    ("answered", "wrong", "threshold"), ((place + 1) / n, curve[place], threshold), strict=True
                ):
                    run.ledger.expect(
                        f"{address}/spec/data/values/{number}/{name}", round(float(value), 4), tolerance=1e-3
                    )
            if found["accept"]:
                answered = round(found["accept"]["test"]["answered"]["value"], 4)
                run.ledger.expect(f"{address}/spec/layer/1/data/values/0/answered", answered)
        for number, (what, shown) in enumerate(rows if part["title"] == "When it does not know" else ()):
            run.ledger.expect(f"{address}/rows/{number}/0", what)
            _expect_rounded(run, f"{address}/rows/{number}", 2, shown)
        if found["sets"] and part["title"] == "Sets of classes":
            for number, one in enumerate(found["sets"]["classes"].values()):
                cells = (
                    round(one["threshold"], 4),
                    one["n"],
                    None,
                    round(one["low"], 3),
                    round(one["high"], 3),
                    one["n_test"],
                )
                for column, value in enumerate(cells, 1):
                    if value is not None:
                        run.ledger.expect(f"{address}/rows/{number}/{column}", value)
                _expect_rounded(run, f"{address}/rows/{number}", 7, one["test"])
        if found["sets"] and part["title"] == "How often sets hold the true class":
            known = [one for one in found["sets"]["classes"].values() if one["test"]["value"] is not None]
            run.ledger.expect(f"{address}/spec/layer/0/encoding/x/datum", found["sets"]["coverage"])
            for number, one in enumerate(known):
                for name, key in (("covered", "value"), ("low", "low"), ("high", "high")):
                    run.ledger.expect(f"{address}/spec/data/values/{number}/{name}", round(one["test"][key], 3))


def _expect_rounded(run: Any, address: str, column: int, shown: Any) -> None:
    for offset, name in enumerate(("value", "low", "high")):
        value = math.nan if shown[name] is None else round(shown[name], 3)
        run.ledger.expect(f"{address}/{column + offset}", value)


def _area(tested: Predictions, groups: np.ndarray | None, seed: int, max_calls: int) -> Interval:
    def area(labels: np.ndarray, probabilities: np.ndarray) -> float:
        return float(risks(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels).mean())

    value, low, high = score_interval(
        area, tested["labels"], (tested["probabilities"],), groups,
        seed=seed, bounds=None, by_class=False, max_calls=max_calls,
    )  # fmt: skip
    return value, max(0.0, low) if low == low else low, min(1.0, high) if high == high else high


def _beta_quantile(level: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if beta_cdf(middle, a, b) > level else (middle, high)
    return (low + high) / 2


def _share(holds: np.ndarray, groups: np.ndarray | None) -> Interval:
    return proportion(holds, groups) if len(holds) else UNDEFINED


def _of(groups: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if groups is None else groups[rows]
