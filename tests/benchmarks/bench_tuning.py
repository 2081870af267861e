"""Ten minutes of searched fine-tuning against its schedule alone, on the same splits.

Both ways are `autotl fit --strategy fine-tune` with one budget; "schedule" ends when the schedule has nothing more to
propose, and measures a network on one fold, as it was before trials were sampled. Prints each run, then for each set
the difference of the test scores over all seeds with its paired interval, and a JSON line.
Usage: bench_tuning.py [FOLDER_OF_IMAGES ...] [--seeds 0,1,2] [--seconds 600]; by default the digits.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

WAYS = {
    "searched": "",
    "schedule": (
        "from autotl.search import fine_tune_trials as f\n"
        "from autotl.search.fine_tune_search import FineTuneSearch as s\n"
        "f.FOLDS_SHARE = f.FOLDS_SHARE_OF_STEP = -1.0\n"
        "s._sampled = lambda self, board: None\n"
    ),
}
METRIC = "balanced_accuracy"


def main() -> None:
    """Run both ways in turn, and compare them."""
    from autotl.cli.demo import write_digits

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", type=Path)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--seconds", type=int, default=600)
    asked = parser.parse_args()
    seeds = [int(text) for text in asked.seeds.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = asked.data or [write_digits(folder / "digits")]
        print(
            f"{'set':<12} {'seed':>4} {'way':<9} {'trials':>6} {'networks':>8} {'search':>7} {'test':>7} {'seconds':>8}"
        )
        compared = [_compare(path, seeds, asked.seconds, folder) for path in data]
    print(f"{'set':<12} {'searched - schedule, test':>26} {'95 % interval':>20}")
    for one in compared:
        found = one["difference"]
        print(f"{one['set']:<12} {found['value']:>+26.4f} {found['low']:>+9.4f} to {found['high']:>+.4f}")
    print(json.dumps(compared))


def _compare(data: Path, seeds: list[int], seconds: int, folder: Path) -> dict[str, Any]:
    rows, tested = [], {way: [] for way in WAYS}
    for seed in seeds:
        for way in WAYS if seed % 2 else reversed(WAYS):  # so that neither is always the first
            run = folder / f"{data.name}-{seed}-{way}"
            row = _fit(data, seed, way, seconds, run, folder / "cache" / f"{data.name}-{seed}-{way}")
            tested[way].append(_tested(run))
            rows.append(row)
            print(
                f"{row['set']:<12} {seed:>4} {way:<9} {row['trials']:>6} {row['networks']:>8} {row['search']:>7.4f} "
                f"{row['test']:>7.4f} {row['seconds']:>8.1f}",
                flush=True,
            )
    return {"set": data.name, "runs": rows, "difference": _difference(tested)}


def _fit(data: Path, seed: int, way: str, seconds: int, run: Path, cache: Path) -> dict[str, Any]:
    code = f"{WAYS[way]}from autotl.cli.app import main\nmain()"
    environment = {**os.environ, "AUTOTL_CACHE": str(cache), "MLFLOW_TRACKING_URI": f"sqlite:///{run}.mlflow.db"}
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-c", code, "fit", str(data), "--run", str(run), "--strategy", "fine-tune",
         "--budget", f"{seconds}s", "--seed", str(seed), "--json"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    result = json.loads(done.stdout)
    from autotl.evidence.leaderboard import read_leaderboard

    board = read_leaderboard(run)
    assert board is not None
    networks = board[board["strategy"] == "fine-tune"]
    return {
        "set": data.name, "seed": seed, "way": way, "trials": int(result["n_trials"]),
        "networks": int((networks["state"] == "complete").sum()), "search": result["search"][METRIC]["value"],
        "test": result["test"][METRIC]["value"], "seconds": time.time() - started,
        "champion": result["champion"]["params"], "ended": result["ended"],
    }  # fmt: skip


def _tested(run: Path) -> Any:
    from autotl.evidence.run_evidence import read_evidence

    evidence = read_evidence(run)
    assert evidence is not None
    return evidence.tested


def _difference(tested: dict[str, list[Any]]) -> dict[str, float]:
    """The mean over seeds of the difference, an image counting as one where it was tested with several seeds."""
    from sklearn.metrics import balanced_accuracy_score

    from autotl.evidence.intervals import paired_difference

    first, second = tested["schedule"], tested["searched"]
    both = [(a.restrict(b.items), b) for a, b in zip(first, second, strict=True)]
    labels = np.concatenate([b.labels for _, b in both])
    found = paired_difference(
        lambda labels, probabilities: float(balanced_accuracy_score(labels, probabilities.argmax(axis=1))),
        labels,
        np.concatenate([a.probabilities for a, _ in both]),
        np.concatenate([b.probabilities for _, b in both]),
        groups=np.concatenate([b.items for _, b in both]),
    )
    return {"value": found.value, "low": found.low, "high": found.high}


if __name__ == "__main__":
    main()
