"""How often "as good as a coder" and "who errs" are wrong, by simulation; prints two tables. About ten minutes.

Two classes; each person errs independently, on every image or ("by fives") on five alike at once. The model agrees with
the others by exactly the margin of 5 points less than a coder does, or by 10 points less, or as much. The bootstrap is
the percentile bootstrap over the images, with the same rule of Holm.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from statistics import NormalDist

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from autotl.evidence.agreement.coding_table import CodingTable
from autotl.evidence.agreement.deviating_coders import deviating_coders
from autotl.evidence.agreement.holm import holm_claims
from autotl.evidence.agreement.model_as_coder import MARGIN, Paired, decide, in_each_place, overall

N_RUNS, N_RESAMPLES = 1000, 400
CLUSTER = 5
CODERS = tuple("abcdefgh")


def coded(
    rng: np.random.Generator, n: int, errors: tuple[float, ...], *, clustered: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """What coders say of items, int (n, n_coders), and the clusters of the items."""
    clusters = np.arange(n) // (CLUSTER if clustered else 1)
    n_clusters = int(clusters.max()) + 1
    truth = rng.integers(0, 2, n_clusters)
    wrong = rng.random((n_clusters, len(errors))) < errors
    return np.where(wrong, 1 - truth[:, None], truth[:, None])[clusters], clusters


def table_of(codes: np.ndarray) -> CodingTable:
    """The coders' table."""
    return CodingTable(tuple(map(str, range(len(codes)))), CODERS[: codes.shape[1]], ("no", "yes"), codes)


def worse_by(points: float, error: float) -> float:
    """The model's error rate with which it agrees with others by so much less than a coder does."""
    return error + points / (1 - 2 * error)


def bootstrap_says_yes(rng: np.random.Generator, pairs: list[Paired]) -> bool:
    """Whether a percentile bootstrap calls the model as good as any coder."""
    errors = []
    for pair in pairs:
        values, n = pair.model - pair.person, len(pair.model)
        times = rng.multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES)
        p = float((times @ values / n <= -MARGIN).mean())
        errors.append(NormalDist().inv_cdf(1 - min(max(p, 1 / N_RESAMPLES), 1 - 1 / N_RESAMPLES)))
    return any(holm_claims(errors))


def compare(n: int, n_coders: int, error: float, points: float, *, clustered: bool = False) -> str:
    """A row of the first table."""
    rng, counts = np.random.default_rng(0), Counter[str]()
    for _ in range(N_RUNS):
        errors = (error,) * n_coders + (worse_by(points, error),)
        codes, clusters = coded(rng, n, errors, clustered=clustered)
        pairs = in_each_place(table_of(codes[:, :-1]), codes[:, -1], clusters=clusters if clustered else None)
        answers = decide(pairs)
        counts.update([f"all {overall(answers)}", *(f"any {one}" for one in set(answers))])
        counts["bootstrap"] += bootstrap_says_yes(rng, pairs)
    shares = [counts[name] / N_RUNS for name in ("all yes", "any yes", "bootstrap", "any no")]
    cells = " | ".join(f"{100 * share:.1f}" for share in shares)
    kind = f"{n}{', by fives' if clustered else ''}"
    return f"| {kind} | {n_coders} | {100 * error:.0f} | {100 * points:.0f} | {cells} |"


def accuse(n: int, n_coders: int, error: float, extra: float) -> str:
    """A row of the second table."""
    rng, counts = np.random.default_rng(0), Counter[str]()
    for _ in range(N_RUNS):
        codes, _ = coded(rng, n, (error + extra,) + (error,) * (n_coders - 1))
        named = {one.coder for one in deviating_coders(table_of(codes))}
        counts["right"] += CODERS[0] in named and extra > 0
        counts["wrong"] += bool(named - ({CODERS[0]} if extra > 0 else set()))
    cells = " | ".join(f"{100 * counts[name] / N_RUNS:.1f}" for name in ("right", "wrong"))
    return f"| {n} | {n_coders} | {100 * error:.0f} | {100 * extra:.0f} | {cells} |"


def main() -> None:
    """Print both tables."""
    print(f"{N_RUNS} runs each; in %")
    print(
        "| images | coders | coders err | model less agreement | yes | yes to any | bootstrap: yes to any | no to any |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for error, n, n_coders in ((0.05, 50, 3), (0.05, 100, 2), (0.05, 100, 5), (0.05, 400, 3), (0.15, 100, 3)):
        print(compare(n, n_coders, error, MARGIN), flush=True)
    print(compare(200, 3, 0.05, MARGIN, clustered=True), flush=True)
    print(compare(400, 3, 0.05, 2 * MARGIN), flush=True)
    print(compare(400, 3, 0.05, 0.0), flush=True)
    print("\n| images | coders | coders err | one errs more by | named | another named |")
    print("|---|---|---|---|---|---|")
    for extra in (0.0, 0.15, 0.3):
        for n, n_coders in ((50, 3), (100, 3), (100, 5)):
            print(accuse(n, n_coders, 0.05, extra), flush=True)


if __name__ == "__main__":
    main()
