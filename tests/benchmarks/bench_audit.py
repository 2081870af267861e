"""Is the subgroup audit honest: false alarms among equal groups, and a gate that is wrong in at most 5 % each way.

Simulated answers: half of the items are sure (95 % right), the others less sure, so that 90 % are right on average and
confidences are calibrated. False alarms: of audits of equal groups the share that claims anything, of all rates of all
classes and groups together, and of the gaps between groups. Beside it what is done elsewhere: an interval of the
largest difference between groups by percentiles of a bootstrap that excludes 0, and a gap of more than 10 points.
Gate: in sets whose largest gap is exactly the tolerance both answers are wrong; "decided": how often it passes with a
tolerance 10 points above the gap, and fails with one 4 points below. Labels needed: of undecided audits with equal
groups, the share that is decided with as many labels more as they ask for.
Numbers and labels: false alarms of all measures of equal groups. The errors of numbers are normal, heavy-tailed
(Student's t with 4 degrees of freedom) or skewed; 90 % of labels are right. Items of one cluster err alike.
Prints tables and a JSON line. Usage: bench_audit.py [--repetitions 400]
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

RIGHT = 0.9
RESAMPLES = 600


def main() -> None:
    """Simulate false alarms, the gate, and the labels that it asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=400)
    repetitions, found, began = parser.parse_args().repetitions, [], time.process_time()
    for n_groups, n_classes, size in ((2, 2, 50), (2, 3, 100), (4, 2, 50), (6, 2, 50), (6, 3, 100), (12, 2, 50)):
        row = false_alarms(n_groups, n_classes, size, repetitions)
        found.append({"groups": n_groups, "classes": n_classes, "items each": size} | row)
        print(*(f"{name} {value}" for name, value in found[-1].items()), sep=", ", flush=True)
    for kind in ("normal", "heavy", "skewed", "labels"):
        for n_groups, size, cluster in ((2, 50, 1), (6, 50, 1), (4, 15, 1), (4, 200, 1), (4, 100, 4)):
            row = measured_alarms(kind, n_groups, size, cluster, repetitions)
            found.append({"errors": kind, "groups": n_groups, "items each": size, "cluster of": cluster} | row)
            print(*(f"{name} {value}" for name, value in found[-1].items()), sep=", ", flush=True)
    balanced = [([100] * 2, 0.05, 0.1), ([100] * 4, 0.05, 0.1), ([300] * 4, 0.05, 0.1), ([300] * 6, 0.05, 0.05)]
    unbalanced = [([20, 500], 0.0, 0.1), ([20, 500], 0.01, 0.1), ([40, 500], 0.01, 0.1), ([80, 2000], 0.0, 0.03)]
    for sizes, error, gap in (*balanced, *unbalanced):
        row = gate_errors(np.array(sizes), error, gap, repetitions)
        found.append({"items": "+".join(map(str, sizes)), "error of the others": error, "gap": gap} | row)
        print(*(f"{name} {value}" for name, value in found[-1].items()), sep=", ", flush=True)
    row = labels_needed(3, 100, 0.15, max(20, repetitions // 8))
    found.append({"groups": 3, "items each": 100, "gap": 0.0, "tolerance": 0.15} | row)
    print(*(f"{name} {value}" for name, value in found[-1].items()), sep=", ", flush=True)
    print(json.dumps({"repetitions": repetitions, "rows": found, "seconds": round(time.process_time() - began)}))


def draw(
    rng: np.random.Generator, shares: np.ndarray, sizes: np.ndarray, n_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities and groups of simulated answers. shares: of right answers, by group; sizes: of groups."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    labels = rng.integers(n_classes, size=len(group))
    share = shares[group]
    confidence = np.where(rng.random(len(group)) < 0.5, (1 + share) / 2, (3 * share - 1) / 2)
    right = rng.random(len(group)) < confidence
    predicted = np.where(right, labels, (labels + rng.integers(1, n_classes, size=len(group))) % n_classes)
    probabilities = np.repeat(((1 - confidence) / (n_classes - 1))[:, None], n_classes, axis=1)
    probabilities[np.arange(len(group)), predicted] = confidence
    return labels, probabilities, group


def compared(seed: int, shares: np.ndarray, sizes: np.ndarray, n_classes: int) -> tuple[Any, Any]:
    """What the audit compares, and the sums of its groups."""
    from autotl.evidence.audit.comparisons import compare
    from autotl.evidence.audit.sums import gather_answers

    labels, probabilities, group = draw(np.random.default_rng(seed), shares, sizes, n_classes)
    answers = gather_answers(labels, probabilities, [group == number for number in range(len(sizes))], None)
    return compare(answers, [range(len(sizes))], seed=seed, resamples=RESAMPLES), answers.sums()[0]


def false_alarms(n_groups: int, n_classes: int, size: int, repetitions: int) -> dict[str, float]:
    """In % of audits of equal groups."""
    shares, sizes, counts = np.full(n_groups, RIGHT), np.full(n_groups, size), np.zeros(4)
    for seed in range(repetitions):
        found, sums = compared(seed, shares, sizes, n_classes)
        errors = sums.counts[:, 1] / sums.counts[:, 0]
        counts += [
            claims(found.deviations),
            claims(found.gaps),
            excludes_zero(errors, size, seed),
            np.ptp(errors) > 0.1,
        ]
    names = ("any rate", "gaps", "percentiles of the gap", "gap over 10 points")
    return {name: round(100 * share, 1) for name, share in zip(names, counts / repetitions, strict=True)}


def measured_alarms(kind: str, n_groups: int, size: int, cluster: int, repetitions: int) -> dict[str, float]:
    """In % of audits of equal groups whose items have a number or six labels."""
    from autotl.evidence.audit.comparisons import compare
    from autotl.evidence.audit.measures import label_measures, number_measures
    from autotl.predictions import Predictions

    n, counts = n_groups * size, np.zeros(2)
    group, unit = np.arange(n) // size, np.arange(n) // cluster
    for seed in range(repetitions):
        rng = np.random.default_rng(seed)
        if kind == "labels":
            labels = (rng.random((n // cluster, 6)) < 0.3)[unit]
            right = (rng.random((n // cluster, 6)) < 0.9)[unit]
            answers = Predictions(np.arange(n), labels, (labels == right).astype(float))
            measures = label_measures(answers, tuple("abcdef"), np.full(6, 0.5), unit if cluster > 1 else None)
        else:
            one_each = {
                "normal": rng.normal(size=n // cluster), "heavy": rng.standard_t(4, size=n // cluster),
                "skewed": rng.exponential(size=n // cluster) - 1,
            }  # fmt: skip
            errors = one_each[kind][unit]
            answers = Predictions(np.arange(n), np.zeros(n), (errors + 0.3 * rng.normal(size=n))[:, None])
            measures = number_measures(answers, unit if cluster > 1 else None)
        answered = measures.gather([group == number for number in range(n_groups)])
        compared = compare(answered, [range(n_groups)], seed=seed, resamples=RESAMPLES)
        counts += [claims(compared.deviations), claims(compared.gaps)]
    return {
        name: round(100 * share, 1) for name, share in zip(("any measure", "gaps"), counts / repetitions, strict=True)
    }


def claims(family: Any) -> bool:
    """Whether an interval of a family excludes 0."""
    return bool((family.low > 0).any() or (family.high < 0).any())


def excludes_zero(errors: np.ndarray, size: int, seed: int) -> bool:
    """Whether the percentile interval of the largest difference between groups excludes 0."""
    drawn = np.random.default_rng(seed).binomial(size, errors, size=(500, len(errors))) / size
    return bool(np.quantile(np.ptp(drawn, axis=1), 0.025) > 0)


def gate_errors(sizes: np.ndarray, error: float, gap: float, repetitions: int) -> dict[str, float]:
    """In % of audits where the first group's share of wrong answers exceeds that of the others by the tolerance.

    A tolerance a little above the gap makes "fail" wrong, a little below it "pass".
    """
    from autotl.evidence.audit.gate import decide
    from autotl.evidence.audit.sums import metrics

    n_groups = len(sizes)
    shares = np.full(n_groups, 1 - error)
    shares[0] -= gap
    rates = [f"{name}[{k}]" if k >= 0 else name for name, k in metrics(2)]
    groups, counts = [str(number) for number in range(n_groups)], np.zeros(3)
    for seed in range(repetitions):
        found, sums = compared(seed, shares, sizes, 2)
        status = decide(found, gap, sums, groups, rates).status
        wide, narrow = (decide(found, gap + way, sums, groups, rates).status for way in (0.1, -0.04))
        counts += [status == "fail", status == "pass", (wide == "pass") + (narrow == "fail")]
    names = ("wrongly failed", "wrongly passed")
    row = {name: round(100 * share, 1) for name, share in zip(names, counts / repetitions, strict=False)}
    return row | {"decided, 10 points above or 4 below": round(50 * counts[2] / repetitions, 1)}


def labels_needed(n_groups: int, size: int, max_gap: float, repetitions: int) -> dict[str, float]:
    """How often undecided audits of equal groups are decided once they have the labels that they asked for."""
    from autotl.evidence.audit.gate import decide
    from autotl.evidence.audit.sums import metrics

    rates = [f"{name}[{k}]" if k >= 0 else name for name, k in metrics(2)]
    groups, asked, decided, undecided = [str(number) for number in range(n_groups)], [], 0, 0
    for seed in range(repetitions):
        shares, sizes = np.full(n_groups, RIGHT), np.full(n_groups, size)
        gate = decide(*_with_sums(seed, shares, sizes, max_gap), groups, rates)
        if gate.status != "undecided":
            continue
        more = np.array([gate.needed.get(group, 0) for group in groups])
        undecided += 1
        asked.append(float(np.median(more)))
        again = decide(*_with_sums(seed + 10_000, shares, sizes + np.minimum(more, 5000), max_gap), groups, rates)
        decided += again.status != "undecided"
    return {
        "undecided": round(100 * undecided / repetitions, 1), "labels asked for": float(np.median(asked)),
        "decided then": round(100 * decided / max(1, undecided), 1),
    }  # fmt: skip


def _with_sums(seed: int, shares: np.ndarray, sizes: np.ndarray, max_gap: float) -> tuple[Any, float, Any]:
    found, sums = compared(seed, shares, sizes, 2)
    return found, max_gap, sums


if __name__ == "__main__":
    main()
