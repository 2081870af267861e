"""Scores of stored predictions, recomputed with NumPy alone; their intervals are in verify_intervals.py.

Predictions are mappings to arrays: items (row numbers of evidence/items.npz), labels, probabilities (n, n_classes).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from verify_intervals import Interval, proportion, score_interval, wilson
from verify_target_scores import matches, of_labels, of_numbers
from verify_targets import is_classes

Predictions = Mapping[str, np.ndarray]

FEW_CALLS = 100
"""How many blocks of items are left out in turn if a score is slow."""
SMALLEST = float(np.finfo(np.float32).eps)
BOUNDS: dict[str, tuple[float, float] | None] = {
    "accuracy": (0, 1), "balanced_accuracy": (0, 1), "macro_f1": (0, 1), "log_loss": None, "roc_auc": (0, 1),
    "quadratic_kappa": (-1, 1), "ordinal_mae": None,
    "mean_average_precision": (0, 1), "micro_f1": (0, 1), "exact_match": (0, 1), "hamming": (0, 1),
    "r2": None, "mae": None, "rmse": None,
}  # fmt: skip
"""The overall scores that are recomputed, with their least and greatest value."""
SMALLER_IS_BETTER = {"log_loss", "ordinal_mae", "hamming", "mae", "rmse"}
BY_CLASS = {"balanced_accuracy", "macro_f1", "roc_auc", "quadratic_kappa"}
"""Scores that weigh the classes: the images of each class are a sample of their own."""


def confusion(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Counts (classes, classes): rows the true class, columns the most probable one."""
    k = probabilities.shape[1]
    return np.bincount(labels * k + probabilities.argmax(axis=1), minlength=k * k).reshape(k, k)


def score(name: str, labels: np.ndarray, probabilities: np.ndarray) -> float:
    """One overall score; NaN if it is undefined."""
    if not len(labels):
        return math.nan
    if not is_classes(labels):
        value: float = (of_labels if labels.ndim == 2 else of_numbers)(name, labels, probabilities)
        return value
    if name == "log_loss":
        return float(np.log(1 / np.clip(probabilities[np.arange(len(labels)), labels], SMALLEST, 1.0)).mean())
    if name == "roc_auc":
        return _roc_auc(labels, probabilities)
    if name in ("quadratic_kappa", "ordinal_mae"):
        return _of_order(name, labels, probabilities.argmax(axis=1))
    counts = confusion(labels, probabilities)
    right, true, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    if name == "accuracy":
        return float(right.sum() / counts.sum())
    n = true if name == "balanced_accuracy" else true + said
    return float(((1 if name == "balanced_accuracy" else 2) * right[n > 0] / n[n > 0]).mean())


def _of_order(name: str, labels: np.ndarray, predicted: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights, or the mean distance of predicted from true classes, in steps."""
    if name == "ordinal_mae":
        return float(np.abs(labels - predicted).mean())
    # The mean squared distance of every label from every prediction.
    apart = float(labels.var() + predicted.var() + (labels.mean() - predicted.mean()) ** 2)
    return 1 - float(((labels - predicted) ** 2).mean()) / apart if apart > 0 else math.nan


def _roc_auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean over the classes of how often an image of the class has more of its probability than another image."""
    areas = []
    for label in np.unique(labels):
        others, own = np.sort(probabilities[labels != label, label]), probabilities[labels == label, label]
        if len(others):
            below = np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")
            areas.append(below.sum() / 2 / len(own) / len(others))  # Mann and Whitney's statistic: ties count one half
    return float(np.mean(areas)) if areas else math.nan


def interval(
    name: str, found: Predictions, clusters: np.ndarray | None, *, seed: int = 0, max_calls: int = 300
) -> Interval:
    """(value, low, high) of a score; clusters: by item, the same for images that are alike, or None."""
    labels, probabilities, groups = found["labels"], found["probabilities"], of_items(clusters, found)
    if name == "accuracy":
        right = probabilities.argmax(axis=1) == labels
        return _share(right, np.ones(len(labels), bool), groups, max_calls)
    if name == "exact_match":
        rows, right = matches(labels, probabilities)
        return _share(right, rows, groups, max_calls)
    return score_interval(
        lambda *of: score(name, *of), labels, (probabilities,), groups,
        seed=seed, bounds=BOUNDS[name], by_class=name in BY_CLASS, max_calls=max_calls,
    )  # fmt: skip


def _share(right: np.ndarray, rows: np.ndarray, groups: np.ndarray | None, max_calls: int) -> Interval:
    """(value, low, high) of a share of some items; of a slow score each group counts as one trial."""
    if groups is None or max_calls > FEW_CALLS or not len(right):
        return proportion(right, None if groups is None else groups[rows])
    thinning = len(np.unique(groups)) / len(groups)
    _, low, high = wilson(thinning * right.sum(), thinning * len(right))
    return float(right.mean()), low, high


def class_intervals(found: Predictions, classes: Sequence[str], clusters: np.ndarray | None) -> dict[str, Interval]:
    """By name, (value, low, high) of recall[CLASS] and precision[CLASS]."""
    labels, predicted, groups = found["labels"], found["probabilities"].argmax(axis=1), of_items(clusters, found)
    intervals = {}
    for kind, counted in (("recall", labels), ("precision", predicted)):
        for number, name in enumerate(classes):
            rows = counted == number
            own = None if groups is None else groups[rows]
            intervals[f"{kind}[{name}]"] = proportion((labels == predicted)[rows], own)
    return intervals


def difference(
    name: str, first: Predictions, second: Predictions, clusters: np.ndarray | None, *, seed: int,
    max_calls: int = 300,
) -> Interval:  # fmt: skip
    """(value, low, high) of the second model's score minus the first's, on the items that the second predicted."""
    first = restricted(first, second["items"])
    labels, answers = first["labels"], (first["probabilities"], second["probabilities"])
    if np.array_equal(*answers):
        return 0.0, 0.0, 0.0
    bounds = BOUNDS[name]
    widest = (bounds[0] - bounds[1], bounds[1] - bounds[0]) if bounds else None
    return score_interval(
        lambda labels, one, other: score(name, labels, other) - score(name, labels, one),
        labels, answers, of_items(clusters, first), seed=seed, bounds=widest,
        by_class=name in BY_CLASS, max_calls=max_calls,
    )  # fmt: skip


def tuned_interval(
    name: str, tuned: Predictions, default: Predictions, clusters: np.ndarray | None, *, max_calls: int = 300
) -> Interval:
    """A fine-tune trial measured on some folds: shifted by how easy they are for the default (a control variate)."""
    value, low, high = interval(name, tuned, clusters, max_calls=max_calls)
    here = restricted(default, tuned["items"])
    whole, part = (score(name, p["labels"], p["probabilities"]) for p in (default, here))
    (_, covariance), (_, variance) = np.cov([p["probabilities"].argmax(axis=1) == p["labels"] for p in (tuned, here)])
    shift = (whole - part) * min(max(covariance / variance, 0), 1) if variance else 0.0
    least, most = BOUNDS[name] or (-math.inf, math.inf)
    shift = min(max(value + shift, least), most) - value
    return value + shift, max(low + shift, least), min(high + shift, most)


def corrected(
    name: str, measured: Interval, choice: Mapping[str, np.ndarray], champion: int,
    load: Callable[[int], Predictions], clusters: np.ndarray | None, *, n_tested: int, seed: int, n_scored: int,
) -> Interval:  # fmt: skip
    """A search score corrected for the bias of choosing among trials (Tsamardinos et al. 2018).

    The pick on each resample was made with the images that it holds; here it is scored on the images that it leaves
    out. choice: evidence/choice.npz; load: a trial's predictions by its number; n_tested: independent images in the
    test split; n_scored: how many of the resamples are used.
    """
    compared = choice["compared"].tolist()
    if champion not in compared or any(math.isnan(x) for x in measured):
        return measured
    own = _aligned(load(champion), choice["items"])
    rng, shifts, drawn, loaded = np.random.default_rng(seed), [], [], {champion: own}
    labels = load(compared[0])["labels"][np.argsort(load(compared[0])["items"])]
    for pick, counts in zip(choice["picks"][:n_scored], choice["weights"][:n_scored], strict=True):
        number = compared[pick]
        if number not in loaded:
            loaded[number] = _aligned(load(number), choice["items"])
        picked = loaded[number]
        out = np.flatnonzero((counts == 0) & ~np.isnan(picked[:, 0]) & ~np.isnan(own[:, 0]))
        if not len(out):
            continue
        ours, theirs = (score(name, labels[out], p[out]) for p in (own, picked))
        rows = out[_draw(out if clusters is None else clusters[choice["items"][out]], n_tested, rng)]
        shifts.append(0.0 if number == champion else theirs - ours)
        drawn.append(score(name, labels[rows], picked[rows]))
    sound = np.isfinite(shifts) & np.isfinite(drawn)
    if sound.sum() < 20:
        return measured
    least, most = BOUNDS[name] or (-math.inf, math.inf)
    value = min(max(measured[0] + float(np.mean(np.array(shifts)[sound])), least), most)
    low, high = np.quantile(np.array(drawn)[sound], [0.025, 0.975])
    low, high = min(low, value - (measured[0] - measured[1])), max(high, value + (measured[2] - measured[0]))
    return value, max(low, least), min(high, most)


def _aligned(found: Predictions, items: np.ndarray) -> np.ndarray:
    """Probabilities for these items, in single precision as they were compared; NaN if there are none."""
    aligned = np.full((len(items), found["probabilities"].shape[1]), np.nan, np.float32)
    aligned[np.searchsorted(items, found["items"])] = found["probabilities"]
    return aligned.astype(float)


def _draw(groups: np.ndarray, n_groups: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of so many groups, drawn with replacement."""
    own = np.unique(groups, return_inverse=True)[1]
    if own.max(initial=0) + 1 == len(own):
        return rng.integers(0, len(own), max(1, n_groups))
    members = np.split(np.argsort(own, kind="stable"), np.cumsum(np.bincount(own))[:-1])
    return np.concatenate([members[i] for i in rng.integers(0, len(members), max(1, n_groups))])


def restricted(found: Predictions, items: np.ndarray) -> Predictions:
    """The predictions for these items, in their order."""
    order = np.argsort(found["items"])
    rows = order[np.searchsorted(found["items"], items, sorter=order)]
    return {name: found[name][rows] for name in ("items", "labels", "probabilities")}


def of_items(clusters: np.ndarray | None, found: Predictions) -> np.ndarray | None:
    """The clusters of what was predicted; None if no images are alike."""
    return None if clusters is None else clusters[found["items"]]
