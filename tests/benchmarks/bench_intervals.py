"""How often 95 % intervals cover the truth: simulated predictions of several unbalanced classes, and of groups.

A model sees a noisy sign of each image's class, as strong as it takes for the true score to be 0.5, 0.9 or 0.99,
weaker for rarer classes; its probabilities are those that Bayes's rule gives. At 1.0 it is always right, by any margin.
For the log loss the value in the first column is its balanced accuracy, and the truth is whatever loss that makes. ROC
AUC starts at 0.6, for 0.5 is chance. In groups, images of one class come in sixes that share 60 % of the noise.

A cell: coverage in % and mean width of ours / of the percentile bootstrap. Where the truth is 1 an interval that holds
the value that was found covers it always. "perfect" are samples without any error, which all get one interval: no
method covers less than these or more than the others where that one interval decides. The rows of differences compare
two equally good models that share half of their noise; "perfect" are then samples without a discordant image.
Prints tables and a JSON line. Usage: bench_intervals.py [--repetitions 400] [--classes 4] [--n 20 65 300] [--groups]
[--scores A B] [--no-bootstrap]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SHARES = {2: (0.7, 0.3), 4: (0.4, 0.3, 0.2, 0.1), 8: (0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05)}
TRUTHS = (0.5, 0.9, 0.99, 1.0)
SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss")
GROUP, SHARED = 6, 0.6
ALWAYS = np.inf
N_TRUTH = 300_000
RESAMPLES = 200
Score = Callable[[np.ndarray, np.ndarray], Any]


def main() -> None:
    """Simulate every cell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--classes", type=int, default=4, choices=SHARES)
    parser.add_argument("--n", type=int, nargs="+", default=(20, 65, 300))
    parser.add_argument("--scores", nargs="+", default=SCORES)
    parser.add_argument("--groups", action="store_true")
    parser.add_argument("--no-bootstrap", action="store_true")
    options = parser.parse_args()
    shares, rows = np.array(SHARES[options.classes]), []
    for name in options.scores:
        for target in TRUTHS:
            target = 0.6 if (name, target) == ("roc_auc", 0.5) else target
            strength, truth = solve(name, target, shares)
            for n in options.n:
                row = one_cell(name, truth, strength, counts(n, shares), options)
                rows.append({"score": name, "true": target, "truth": round(truth, 4), "n": n, **row})
                print(_line(rows[-1]), flush=True)
    for name in options.scores:
        for target in TRUTHS[1:3]:
            for n in options.n:
                row = one_difference(name, solve(name, target, shares)[0], counts(n, shares), options)
                rows.append({"score": f"{name}, difference", "true": target, "truth": 0.0, "n": n, **row})
                print(_line(rows[-1]), flush=True)
    print(json.dumps({"repetitions": options.repetitions, "classes": options.classes, "rows": rows}))


def one_cell(name: str, truth: float, strength: float, n_by_class: np.ndarray, options: Any) -> dict[str, float]:
    """Coverage and mean width over the repetitions."""
    from autotl.evidence.evaluations import evaluate
    from autotl.predictions import Predictions

    evaluator = _evaluators()[name]
    names, groups = [str(k) for k in range(len(n_by_class))], groups_of(n_by_class) if options.groups else None
    found, began = np.zeros((options.repetitions, 6)), time.process_time()
    for repetition in range(options.repetitions):
        labels, probabilities = draw(
            np.random.default_rng((repetition, int(n_by_class.sum()))), n_by_class, strength, groups
        )
        predictions = Predictions(np.arange(len(labels)), labels, probabilities)
        ours = evaluate(predictions, {name: evaluator}, names, groups=groups).scores[name]
        perfect = bool((probabilities.argmax(axis=1) == labels).all())
        low, high = (0.0, 0.0) if options.no_bootstrap else percentile(evaluator.score, labels, probabilities, groups)
        found[repetition] = (
            covers(ours.low, truth, ours.high), ours.high - ours.low, covers(low, truth, high), high - low, perfect,
            truth > ours.high + 1e-9,
        )  # fmt: skip
    means = found.mean(axis=0)
    return {
        "covers": means[0], "width": means[1], "bootstrap_covers": means[2], "bootstrap_width": means[3],
        "perfect": means[4], "above": means[5], "ms": 1000 * (time.process_time() - began) / options.repetitions,
    }  # fmt: skip


def one_difference(name: str, strength: float, n_by_class: np.ndarray, options: Any) -> dict[str, float]:
    """Coverage of 0 by the paired difference of two equally good models that share half of their noise."""
    from autotl.evidence.intervals import paired_difference

    evaluator = _evaluators()[name]
    groups, found = groups_of(n_by_class) if options.groups else None, np.zeros((options.repetitions, 6))
    for repetition in range(options.repetitions):
        rng = np.random.default_rng((repetition, int(n_by_class.sum()), 1))
        labels, first, second = draw_two(rng, n_by_class, strength, groups)
        ours = paired_difference(evaluator.score, labels, first, second, groups=groups, bounds=evaluator.bounds)
        low, high = (0.0, 0.0) if options.no_bootstrap else percentile(evaluator.score, labels, second, groups, first)
        same = bool(((first.argmax(axis=1) == labels) == (second.argmax(axis=1) == labels)).all())
        found[repetition] = (
            covers(ours.low, 0, ours.high),
            ours.high - ours.low,
            covers(low, 0, high),
            high - low,
            same,
            ours.high < 0,
        )
    means = found.mean(axis=0)
    return {
        "covers": means[0], "width": means[1], "bootstrap_covers": means[2], "bootstrap_width": means[3],
        "perfect": means[4], "above": means[5], "ms": 0.0,
    }  # fmt: skip


def draw(
    rng: np.random.Generator, n_by_class: np.ndarray, strength: float, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of so many images of each class."""
    return answers(n_by_class, strength, noise(rng, n_by_class, groups))


def draw_two(
    rng: np.random.Generator, n_by_class: np.ndarray, strength: float, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, and the probabilities of two models that share half of their noise."""
    common, *own = (noise(rng, n_by_class, groups) for _ in range(3))
    both = [answers(n_by_class, strength, np.sqrt(0.5) * (common + one)) for one in own]
    return both[0][0], both[0][1], both[1][1]


def noise(rng: np.random.Generator, n_by_class: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Standard normal, float (n, n_classes); that of one group is alike."""
    found = rng.standard_normal((int(n_by_class.sum()), len(n_by_class)))
    if groups is None:
        return found
    shared = rng.standard_normal((int(groups.max()) + 1, len(n_by_class)))[groups]
    return np.asarray(np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * found)


def answers(n_by_class: np.ndarray, strength: float, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and Bayes's probabilities; strength: of the sign by which a class is told, in deviations of the noise."""
    k, labels = len(n_by_class), np.repeat(np.arange(len(n_by_class)), n_by_class)
    rows = np.arange(len(labels))
    if strength == ALWAYS:
        probabilities = np.exp(noise) / np.exp(noise).sum(axis=1, keepdims=True)
        most = probabilities.argmax(axis=1)
        own, top = probabilities[rows, labels].copy(), probabilities[rows, most].copy()
        probabilities[rows, most] = own
        probabilities[rows, labels] = top
        return labels, probabilities
    means = strength * np.linspace(1.15, 0.85, k)
    signs = noise.copy()
    signs[rows, labels] += means[labels]
    logits = signs * means - means**2 / 2 + np.log(n_by_class / len(labels))
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return labels, odds / odds.sum(axis=1, keepdims=True)


def solve(name: str, target: float, shares: np.ndarray) -> tuple[float, float]:
    """The strength at which the true score is the target, and the truth itself."""
    evaluators, n_by_class = _evaluators(), counts(N_TRUTH, shares)
    score = evaluators["balanced_accuracy" if name == "log_loss" else name].score
    if target == 1.0:
        strength = 12.0 if name == "roc_auc" else ALWAYS
    else:
        low, strength, high = 0.0, 6.0, 12.0
        for _ in range(22):
            value = _number(score(*draw(np.random.default_rng(0), counts(N_TRUTH // 5, shares), strength)))
            low, high = (strength, high) if value < target else (low, strength)
            strength = (low + high) / 2
    return strength, _number(evaluators[name].score(*draw(np.random.default_rng(1), n_by_class, strength)))


def percentile(
    score: Any, labels: np.ndarray, second: np.ndarray, groups: np.ndarray | None, first: np.ndarray | None = None
) -> tuple[float, float]:
    """The percentile bootstrap of a score, or of the difference from a first model's."""
    rng, unit = np.random.default_rng(0), np.arange(len(labels)) if groups is None else groups
    members = [np.flatnonzero(unit == number) for number in range(unit.max() + 1)]
    values = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, len(members), len(members))
        rows = drawn if groups is None else np.concatenate([members[number] for number in drawn])
        before = 0.0 if first is None else _number(score(labels[rows], first[rows]))
        values.append(_number(score(labels[rows], second[rows])) - before)
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def counts(n: int, shares: np.ndarray) -> np.ndarray:
    """Images of each class, at least 1, n in all."""
    found = np.maximum(1, np.floor(shares * n)).astype(int)
    found[0] += n - found.sum()
    return found


def groups_of(n_by_class: np.ndarray) -> np.ndarray:
    """Groups of six within the classes, int (n,)."""
    found, n_groups = [], 0
    for n in n_by_class:
        found.append(n_groups + np.arange(n) // GROUP)
        n_groups = int(found[-1].max()) + 1
    return np.concatenate(found)


def covers(low: float, truth: float, high: float) -> bool:
    """Whether the truth is in the interval, but for rounding."""
    return low - 1e-9 <= truth <= high + 1e-9


def _evaluators() -> dict[str, Any]:
    from autotl_plugins.evaluators.classification import register_evaluators

    return {evaluator.name: evaluator for evaluator in register_evaluators()}


def _number(value: Any) -> float:
    return float(getattr(value, "value", value))


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['score']:<28} {row['true']:<5} truth {row['truth']:7.4f} n {row['n']:>4}   "
        f"{100 * row['covers']:5.1f} {row['width']:.3f} / {100 * row['bootstrap_covers']:5.1f} "
        f"{row['bootstrap_width']:.3f}   perfect {100 * row['perfect']:5.1f}   above {100 * row['above']:4.1f}   "
        f"{row['ms']:.0f} ms"
    )


if __name__ == "__main__":
    main()
