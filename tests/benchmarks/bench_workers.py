"""How many of N local workers are at work at a time, when their trials sleep: what asking, telling and storing cost.

The search is one with a head whose fit sleeps (`tests/sleeping_plugins`), so that cores are not what limits it, on 200
digits. Measured from the moment when all N processes have begun a trial: the mean number of heads asleep, by N, which
is the most there can be. What a trial does besides sleeping counts against it: choosing, reading features, calibration,
scores with intervals, saving, the storage. Prints JSON. Usage: bench_workers.py [--workers 8] [--sleep 3] [--window 90]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

TESTS = Path(__file__).parents[1]
MOST_SECONDS = 900.0


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--sleep", type=float, default=3.0)
    parser.add_argument("--window", type=float, default=90.0)
    print(json.dumps(measure(**vars(parser.parse_args()))))


def measure(workers: int, sleep: float, window: float) -> dict[str, float]:
    """Run a search, and count sleepers in a window of it."""
    from autotl.cli.demo import write_digits

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        log = folder / "sleeps"
        log.touch()
        environment = {
            **os.environ, "AUTOTL_PLUGINS": str(TESTS / "sleeping_plugins"), "SLEEPER_SECONDS": str(sleep),
            "SLEEPER_LOG": str(log), "AUTOTL_CACHE": str(folder / "cache"),
        }  # fmt: skip
        command = [
            sys.executable, "-m", "autotl.cli", "fit", str(_few(write_digits(folder / "digits"))), "--run",
            str(folder / "run"), "--trials", "2000", "--workers", str(workers), "--strategy", "probe", "--heads",
            "sleeper", "--backbones", "tiny", "--disable-plugin", "mlflow",
        ]  # fmt: skip
        with (folder / "told").open("w") as told:
            search = subprocess.Popen(command, env=environment, stdout=told, stderr=told)
        try:
            began, n_began = _all_at_work(search, folder, workers)
            print("all are at work", file=sys.stderr, flush=True)
            before = _cpu_seconds(search.pid)
            time.sleep(window)
            used, load = _cpu_seconds(search.pid) - before, os.getloadavg()[0]
            time.sleep(2 * sleep)
        finally:
            search.send_signal(signal.SIGINT)
            code = search.wait(300)
        sleeps = [tuple(map(float, line.split())) for line in log.read_text().splitlines()]
        n_sleeps = sum(began <= end < began + window for _, end in sleeps)
        asleep = sum(max(0.0, min(end, began + window) - max(start, began)) for start, end in sleeps)
        return {
            "workers": workers, "sleep": sleep, "window": window, "asleep": round(asleep / window, 2),
            "share_of_ideal": round(asleep / window / workers, 3), "began": n_began, "exit_code": code,
            "cpu_seconds_beside_a_sleep": round(used / max(1, n_sleeps), 3),
            "load": round(load, 1), "cores": os.cpu_count() or 1,
        }  # fmt: skip


def _cpu_seconds(pid: int) -> float:
    """Of a process and all that it started, those included that have ended."""
    total = 0.0
    for one in (process := psutil.Process(pid), *process.children(recursive=True)):
        with suppress(psutil.Error):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _few(data: Path) -> Path:
    """Twenty images of each class."""
    for kind in data.iterdir():
        for file in sorted(kind.iterdir())[20:]:
            file.unlink()
    return data


def _all_at_work(search: subprocess.Popen[bytes], folder: Path, workers: int) -> tuple[float, int]:
    """Wait until every process has begun a trial; when that was, and how many had."""
    import optuna

    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        if search.poll() is not None:
            raise RuntimeError((folder / "told").read_text())
        time.sleep(0.5)
        if not (folder / "run" / "workers.log").exists():
            continue
        storage = optuna.storages.RDBStorage(f"sqlite:///{folder}/run/study.db")
        [study] = optuna.get_all_study_names(storage)
        trials = optuna.load_study(study_name=study, storage=storage).get_trials(deepcopy=False)
        known = {trial.user_attrs.get("autotl_lease", {}).get("worker") for trial in trials[2:]} - {None}
        if len(known) == workers:
            return time.time(), len(known)
    raise RuntimeError(f"not all of {workers} workers began: {(folder / 'told').read_text()}")


if __name__ == "__main__":
    main()
