"""The conductor: the one place that knows the whole chain, from a folder of images to a deployable."""

from __future__ import annotations

import importlib
import math
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import filelock

from autotl import backend
from autotl.checks import run_checks
from autotl.conclude import conclude, save_early
from autotl.dataset import Dataset, require_learnable, scan
from autotl.errors import AutoTLError, RunError
from autotl.explore import Explorer, Limits, make_space
from autotl.leaderboard import Leaderboard
from autotl.plugins import Plugins
from autotl.run import Config, Listener, Run, create, open_run, require_free
from autotl.split import split
from autotl.trials import Laboratory

CLOSING_SECONDS = 5.0
"""Report, evidence and registry, on top of a refit and an export, whose duration is measured."""


class Clock:
    """Wall-clock seconds of one job, those of earlier attempts at the same run included."""

    def __init__(self, budget_seconds: float | None, spent_seconds: float = 0.0) -> None:
        self.budget_seconds = budget_seconds
        self._started = time.monotonic() - spent_seconds

    def spent(self) -> float:
        """Seconds used so far."""
        return time.monotonic() - self._started

    def left(self) -> float:
        """Seconds left of the budget; infinite without one."""
        return math.inf if self.budget_seconds is None else self.budget_seconds - self.spent()


def search(
    config: Config, *, plugins: Plugins, cache: Path, listeners: tuple[Listener, ...] = (), clock: Clock | None = None
) -> Run:
    """Run a whole study: scan, check, split, search, conclude; returns the run, whose `document()` is the result.

    An interruption (KeyboardInterrupt) after the first trial ends the search early, with status "interrupted".
    Raises AutoTLError where the data, the configuration or a plugin asked for is at fault.
    """
    clock = clock or Clock(config.budget_seconds)
    backend.prepare()
    require_free(config.run)
    _require_available(config, plugins)
    # Keras takes seconds to import: that long the scan has a core to itself anyway.
    threading.Thread(target=importlib.import_module, args=("keras_tuner",), daemon=True).start()
    dataset = _scan(config, listeners)
    require_learnable(dataset, config.data)
    run = create(config, dataset, split(dataset, seed=config.seed), listeners)
    findings = run_checks(dataset, plugins)
    run.update(findings=[asdict(finding) for finding in findings])
    run.emit(
        "dataset", n_items=len(dataset.items), quarantined=len(dataset.quarantined), ignored=dataset.ignored,
        classes=list(dataset.classes), fingerprint=dataset.fingerprint,
        **{part: len(getattr(run.split, part)) for part in ("train", "validation", "test")},
    )  # fmt: skip
    for finding in findings:
        run.emit("finding", **asdict(finding))
    return _conduct(run, plugins, cache, clock)


def resume(folder: Path, *, plugins: Plugins, cache: Path, listeners: tuple[Listener, ...] = ()) -> Run:
    """Carry on a run that was interrupted or killed, with what is left of its budget; a finished one is returned."""
    run = open_run(folder, listeners)
    state = run.state()
    if state["status"] == "complete":
        return run
    missing = [path for path in run.dataset.items["path"] if not (run.dataset.root / path).exists()]
    if missing:
        raise RunError(
            f"{len(missing)} of the {len(run.dataset.items)} images of {folder} are gone, the first: {missing[0]} "
            f"(in {run.dataset.root}). Put them back, or start a new run with `autotl fit`."
        )
    backend.prepare()
    run.update(status="running")
    return _conduct(run, plugins, cache, Clock(run.config.budget_seconds, state["spent_seconds"]))


def _conduct(run: Run, plugins: Plugins, cache: Path, clock: Clock) -> Run:
    """Search and conclude, alone on the run folder."""
    lock = filelock.FileLock(run.folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise RunError(f"another process is working on {run.folder}; wait for it, or stop it first") from None
    with lock:
        plugins.notify("on_search_begin", run=run)
        # The baselines are run whatever the budget: without them there is nothing to show.
        laboratory = Laboratory(run, plugins, cache=cache, seconds_left=lambda: math.inf)
        closing = [CLOSING_SECONDS]
        limits = Limits(lambda: clock.left() - closing[0], clock.budget_seconds, run.config.trials)
        explorer = Explorer(laboratory, make_space(laboratory), limits)
        announce = _Announcer(run, plugins, explorer, clock)
        explorer.requeue_lost()
        status = "complete"
        workers: list[subprocess.Popen[bytes]] = []
        try:
            default = explorer.baselines()
            announce()
            if default.state != "complete":
                raise AutoTLError(f"the untuned default could not be run: {default.reason}")
            began = clock.spent()
            if not run.champion.exists():
                save_early(laboratory, default)
                run.emit("message", text=f"a first model is saved in {run.champion}")
            closing[0] += 2 * (clock.spent() - began)
            laboratory.seconds_left = limits.seconds_left
            explorer.warm_start()
            workers = _start_workers(run, limits)
            run.emit("message", text=f"search ended: {explorer.explore(after_trial=announce)}")
        except KeyboardInterrupt:
            if not run.champion.exists():
                run.update(status="interrupted", spent_seconds=clock.spent())
                raise
            status = "interrupted"
            run.emit("message", text="interrupted: concluding with the best trial so far")
        finally:
            _stop_workers(workers, patient=status == "complete")
        announce()
        laboratory.seconds_left = lambda: math.inf
        document = conclude(laboratory, explorer.leaderboard(), status=status, why_no_fine_tuning=explorer.why())
        run.update(result=document | {"seconds": clock.spent()}, status=status, spent_seconds=clock.spent())
        plugins.notify("on_search_end", run=run)
        run.update(result=run.document() | {"seconds": clock.spent()}, spent_seconds=clock.spent())
        run.emit("end", status=status, seconds=round(clock.spent(), 2))
    return run


class _Announcer:
    """Tells watchers and listeners of every trial that ended, whichever process ran it, once."""

    def __init__(self, run: Run, plugins: Plugins, explorer: Explorer, clock: Clock) -> None:
        self._run, self._plugins, self._explorer, self._clock = run, plugins, explorer, clock
        self._announced = set(run.state().get("announced", ()))

    def __call__(self) -> None:
        board = self._explorer.leaderboard()
        for trial in sorted(board.trials, key=lambda t: t.number):
            if trial.number not in self._announced:
                self._announced.add(trial.number)
                self._run.emit("trial", name=board.title(trial), **asdict(trial), **_best(board))
                self._plugins.notify("on_trial_end", run=self._run, trial=trial)
        board.write(self._run.folder / "leaderboard.csv")
        self._run.update(announced=sorted(self._announced), spent_seconds=self._clock.spent())


def _best(board: Leaderboard) -> dict[str, Any]:
    best = board.best()
    return {"best_trial": best.number, "best_value": best.value} if best else {}


def _scan(config: Config, listeners: tuple[Listener, ...]) -> Dataset:
    def progress(done: int, total: int) -> None:
        for listener in listeners:
            listener({"time": time.time(), "event": "progress", "stage": "scan", "done": done, "total": total})

    return scan(config.data, groups=config.groups, attributes=config.attributes, progress=progress)


def _require_available(config: Config, plugins: Plugins) -> None:
    """Raise before any work where a name is unknown or the weights of a backbone asked for cannot be had."""
    plugins.pick("evaluator", config.objective)
    plugins.pick("sampler", config.sampler)
    heads = [plugins.pick("head", name) for name in config.heads]
    by_recipe = [head.recipe.backbone for head in heads if head.recipe and head.recipe.backbone]
    for name in dict.fromkeys((*config.backbones, *by_recipe)):
        plugins.pick("backbone", name).weights(True)


def _start_workers(run: Run, limits: Limits) -> list[subprocess.Popen[bytes]]:
    """Start the processes that search beside this one."""
    seconds = limits.seconds_left()
    deadline = "" if math.isinf(seconds) else str(time.time() + seconds)
    command = [sys.executable, "-m", "autotl.worker", str(run.folder), deadline]
    log = (run.folder / "workers.log").open("ab")
    with log:
        return [subprocess.Popen(command, stdout=log, stderr=log) for _ in range(run.config.workers - 1)]


def _stop_workers(workers: list[subprocess.Popen[bytes]], *, patient: bool) -> None:
    """Wait for the workers' last trials, or end them at once."""
    for worker in workers:
        if not patient:
            worker.terminate()
        worker.wait()
