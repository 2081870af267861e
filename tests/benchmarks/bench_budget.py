"""Budget asked against time taken, from the start of the process to its end, with an empty cache each time.

Prints a table and a JSON line. Usage: bench_budget.py [FOLDER_OF_IMAGES] [SECONDS ...]; by default the digits, and 30,
60, 180 and 600 seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUDGETS = (30, 60, 180, 600)


def main() -> None:
    """Run the command line once per budget."""
    from autotl.cli.demo import write_digits

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = Path(sys.argv[1]) if len(sys.argv) > 1 else write_digits(folder / "digits")
        budgets = [int(text) for text in sys.argv[2:]] or BUDGETS
        rows = [_measure(data, seconds, folder / str(seconds)) for seconds in budgets]
    print(f"{'asked':>6} {'taken':>7} {'first model':>12} {'trials':>7}  ended")
    for row in rows:
        print(
            f"{row['asked']:>6} {row['taken']:>7.1f} {row['first_model']:>12.1f} {row['n_trials']:>7}  {row['ended']}"
        )
    print(json.dumps(rows))


def _measure(data: Path, seconds: int, folder: Path) -> dict[str, object]:
    run = folder / "run"
    environment = {
        **os.environ,
        "AUTOTL_CACHE": str(folder / "cache"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/m.db",
    }
    folder.mkdir()
    started = time.time()
    subprocess.run(
        [sys.executable, "-m", "autotl.cli", "fit", str(data), "--run", str(run), "--budget", f"{seconds}s"],
        check=True, capture_output=True, env=environment,
    )  # fmt: skip
    taken = time.time() - started
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    first = next(e["time"] for e in events if e["event"] == "first-model")
    document = json.loads((run / "run.json").read_text())["result"]
    return {
        "asked": seconds, "taken": taken, "first_model": first - started, "n_trials": document["n_trials"],
        "ended": document["ended"], "search": document["search"]["balanced_accuracy"]["value"],
    }  # fmt: skip


if __name__ == "__main__":
    main()
