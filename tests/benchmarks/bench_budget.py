"""Budget asked against time taken, from the start of the process to its end, with an empty cache each time.

The bar: within 10 %, and never more than 5 s over. Prints a table and a JSON line. Usage:
bench_budget.py [--busy N] [--folder FOLDER_OF_IMAGES ...] [SECONDS ...]; by default the digits, 30, 60, 180 and 600
seconds, and nothing beside. --busy: so many processes that keep a core busy each.
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

from busy import busy

BUDGETS = (30, 60, 180, 600)
SHARE, MOST_SECONDS_OVER = 0.1, 5.0


def main() -> None:
    """Run the command line once per set and budget."""
    from autotl.cli.demo import write_digits

    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="*", type=int)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--folder", nargs="*", type=Path, default=[])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, busy(asked.busy):
        place = Path(scratch)
        rows = [
            _measure(data, seconds, place / f"{data.name}-{seconds}")
            for data in asked.folder or [write_digits(place / "digits")]
            for seconds in asked.seconds or BUDGETS
        ]
    print(f"{'set':>14} {'asked':>6} {'taken':>7} {'holds':>6} {'first model':>12} {'trials':>7} {'cores':>6}  ended")
    for row in rows:
        print(
            f"{row['set']:>14} {row['asked']:>6} {row['taken']:>7.1f} {row['holds']!s:>6} {row['first_model']:>12.1f} "
            f"{row['n_trials']:>7} {row['cores']:>6.2f}  {row['ended']}"
        )
    print(json.dumps({"busy": asked.busy, "rows": rows}))


def _measure(data: Path, seconds: int, folder: Path) -> dict[str, object]:
    run = folder / "run"
    environment = {
        **os.environ,
        "AUTOTL_CACHE": str(folder / "cache"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/m.db",
    }
    folder.mkdir()
    started, before = time.time(), os.times()
    subprocess.run(
        [sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(run), "--budget", f"{seconds}s"],
        check=True, capture_output=True, env=environment,
    )  # fmt: skip
    taken, after = time.time() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    first = next(e["time"] for e in events if e["event"] == "first-model")
    document = json.loads((run / "run.json").read_text())["result"]
    holds = (1 - SHARE) * seconds <= taken <= min((1 + SHARE) * seconds, seconds + MOST_SECONDS_OVER)
    return {
        "set": data.name, "asked": seconds, "taken": taken, "holds": holds, "first_model": first - started,
        "n_trials": document["n_trials"], "ended": document["ended"], "cores": used / taken,
    }  # fmt: skip


if __name__ == "__main__":
    main()
