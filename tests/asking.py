"""Many processes that ask one study at once. Run as `python asking.py ADDRESS STUDY WORKERS TRIALS_OF_EACH`.

Prints one line of JSON for each process: the trials it was given, as [number, the queued value or null] each, or the
error that ended it.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def ask_at_once(address: str, study: str, *, workers: int, each: int = 1) -> list[dict[str, Any]]:
    """What each of so many processes was given."""
    command = [sys.executable, __file__, address, study, str(workers), str(each)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _work(address: str, name: str, each: int, start: Any, results: Any) -> None:
    import optuna

    from autotl.runs.storage import open_storage
    from autotl.search.leases import LeaseKeeper

    try:
        start.wait()
        study = optuna.create_study(study_name=name, storage=open_storage(address), load_if_exists=True)
        study.sampler = optuna.samplers.RandomSampler()
        keeper, given = LeaseKeeper(), []
        for _ in range(each):
            trial = study.ask()
            keeper.hold(trial)
            queued = trial.storage.get_trial(trial._trial_id).system_attrs.get("fixed_params", {})
            given.append([trial.number, queued.get("x")])
            trial.suggest_float("x", 0.0, 1000.0)
            trial.report(0.5, 0)
            study.tell(trial, 0.5)
            keeper.release(trial)
        results.put({"given": given})
    except BaseException:
        results.put({"error": traceback.format_exc()[-2000:]})


def main(address: str, name: str, workers: int, each: int) -> None:
    """Fork the processes, and print what they were given."""
    import warnings

    import optuna

    import autotl.search.leases
    from autotl.runs.storage import open_storage

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    # What all of them import is imported once.
    assert autotl.search.leases
    if address.startswith("grpc"):
        import grpc

        assert grpc
    else:
        open_storage(address).engine.dispose()
        open_storage("sqlite://").engine.dispose()
    forked = multiprocessing.get_context("fork")
    start, results = forked.Barrier(workers), forked.Queue()
    processes = [
        forked.Process(target=_work, args=(address, name, each, start, results), daemon=True) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        print(json.dumps(results.get()), flush=True)
    for process in processes:
        process.join()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
