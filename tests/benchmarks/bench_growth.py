"""What grows with the number of images: seconds and peak memory of the whole job on Fashion-MNIST, few trials each.

Each size is a process of its own with an empty cache. Needs the Debian package dataset-fashion-mnist. Prints a table
and a JSON line. Usage: bench_growth.py [N_IMAGES ...]; by default 1,000, 10,000 and 70,000.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
SIZES = (1_000, 10_000, 70_000)
N_TRIALS = 12


def main() -> None:
    """Lay the images out, then measure size by size."""
    import datasets

    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for n in sizes:
            folder = Path(scratch) / str(n)
            datasets.lay_out(datasets.fashion(), folder / "data", per_class=n // 10)
            rows.append(_measure(folder / "data", folder, n))
    print(f"{'images':>7} {'seconds':>8} {'ms/image':>9} {'scan':>7} {'features':>9} {'rest':>7} {'peak MB':>8}")
    for row in rows:
        print(
            f"{row['images']:>7} {row['seconds']:>8.1f} {1000 * row['seconds'] / row['images']:>9.2f} "
            f"{row['scan']:>7.1f} {row['features']:>9.1f} {row['rest']:>7.1f} {row['peak_mb']:>8.0f}"
        )
    print(json.dumps(rows))


def _measure(data: Path, folder: Path, n: int) -> dict[str, float]:
    run = folder / "run"
    environment = {
        **os.environ,
        "AUTOTL_CACHE": str(folder / "cache"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/m.db",
    }
    command = [
        sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(run), "--budget", "3h", "--trials",
        str(N_TRIALS), "--strategy", "probe", "--backbones", "efficientnet-lite0", "--heads",
        "logistic,linear-svm",
    ]  # fmt: skip
    started = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watcher.start()
    if process.wait():
        raise RuntimeError(f"autotl fit on {n} images ended with {process.returncode}")
    seconds = time.time() - started
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    scanned = next(e["time"] for e in events if e["event"] == "dataset") - started
    reading = sum(e["seconds"] for e in events if e["event"] == "features")
    return {
        "images": n, "seconds": seconds, "scan": scanned, "features": reading, "rest": seconds - scanned - reading,
        "peak_mb": peak[0] / 1e6,
    }  # fmt: skip


def _watch(pid: int, peak: list[int]) -> None:
    """Keep the highest memory of a process and its children together, looked at ten times a second.

    Proportional set size: what a process shares with its own fork counts once.
    """
    while psutil.pid_exists(pid):
        total = 0
        try:
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                total += each.memory_full_info().pss
        except psutil.Error:
            continue
        peak[0] = max(peak[0], total)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
