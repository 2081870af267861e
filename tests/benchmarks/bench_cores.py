"""CPU seconds by wall seconds of a whole search, and of each of its stages, with the process and its children.

Prints a table and a JSON line. Usage: bench_cores.py [FOLDER_OF_IMAGES] [--budget SECONDS] [--strategy NAME]
Then, with --made-up N: heads that sleep in place of computing, on N threads, which should all be asleep at once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import psutil

LOOK_SECONDS = 0.5


def main() -> None:
    """Measure one search, or the made-up cores."""
    from autotl.cli.demo import write_digits

    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path, nargs="*")
    parser.add_argument("--budget", type=int, default=180)
    parser.add_argument("--strategy", default="auto")
    parser.add_argument("--made-up", type=int, default=0)
    asked = parser.parse_args()
    if asked.made_up:
        print(json.dumps(_sleepers(asked.made_up)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        data = asked.data[0] if asked.data else write_digits(Path(scratch) / "digits")
        result = _measure(data, asked.budget, asked.strategy, Path(scratch))
    for name, (wall, used) in result["stages"].items():
        print(f"{name:<24} {wall:8.1f} s {used / max(wall, 1e-9):6.2f} cores")
    print(f"{'all':<24} {result['wall']:8.1f} s {result['cores']:6.2f} cores")
    print(json.dumps(result))


def _measure(data: Path, budget: int, strategy: str, folder: Path) -> dict[str, object]:
    run = folder / "run"
    environment = {
        **os.environ,
        "AUTOTL_CACHE": str(folder / "cache"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/m.db",
    }
    command = [sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(run), "--budget", f"{budget}s"]
    began, before = time.time(), os.times()
    process = subprocess.Popen(
        [*command, "--strategy", strategy], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    looks = [(began, 0.0)]
    while process.poll() is None:
        looks.append((time.time(), _cpu_seconds(process.pid)))
        time.sleep(LOOK_SECONDS)
    wall, after = time.time() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return {"wall": wall, "cores": used / wall, "stages": _stages(looks, events)}


def _cpu_seconds(pid: int) -> float:
    """Of a process and its children, those included that have ended."""
    total = 0.0
    try:
        for process in (one := psutil.Process(pid), *one.children(recursive=True)):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    except psutil.Error:
        return total
    return total


def _stages(looks: list[tuple[float, float]], events: list[dict[str, object]]) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds by what went on at each look: the latest event that says so."""
    stages: dict[str, tuple[float, float]] = {}
    for (start, before), (end, after) in pairwise(looks):
        name = "start"
        for event in events:
            if float(str(event["time"])) > start:
                break
            name = _stage_of(event) or name
        wall, used = stages.get(name, (0.0, 0.0))
        stages[name] = (wall + end - start, used + max(0.0, after - before))
    return stages


def _stage_of(event: dict[str, object]) -> str:
    kind = event["event"]
    if kind == "trial-begin":
        return f"trial: {event['strategy']}"
    if kind in ("stage", "progress"):
        return str(event["stage"])
    return {"begin": "begin", "features": "after features", "ranking": "after screening", "end": "end"}.get(
        str(kind), ""
    )


def _sleepers(n_threads: int) -> dict[str, float]:
    """Five folds of ten heads that sleep a tenth of a second each: the share of the threads that slept."""
    import numpy as np

    from autotl.data.split import Split
    from autotl.search.fold_pool import FoldPool, Folds

    class Sleeper:
        gives_margins, calibration = False, None

        def fit(self, vectors: np.ndarray, labels: np.ndarray) -> None:
            time.sleep(0.1)

        def answers(self, vectors: np.ndarray) -> np.ndarray:
            return np.full((len(vectors), 2), 0.5)

    split, pool = Split(np.arange(50) % 5, np.arange(50)), FoldPool(n_threads)
    vectors, labels = np.zeros((50, 3), np.float32), np.arange(50) % 2
    began = time.perf_counter()
    heads = [Folds(pool, [Sleeper() for _ in range(5)], vectors, labels, split) for _ in range(10)]  # type: ignore[misc]
    for head in heads:
        for fold in range(5):
            head.answer(fold)
        head.close()
    return {"threads": n_threads, "share_asleep": 10 * 5 * 0.1 / n_threads / (time.perf_counter() - began)}


if __name__ == "__main__":
    main()
