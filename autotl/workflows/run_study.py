"""From a run folder to its result: baselines, search, conclusion, with watchers told of each step."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import filelock

from autotl.checks.leakage import inflation_sentence
from autotl.checks.run_checks import run_checks, worst_first
from autotl.deploy.registry import register
from autotl.errors import AutoTLError, RunError
from autotl.evidence.leaderboard import Leaderboard
from autotl.interfaces import Finding, TrialRecord
from autotl.plugins import Plugins
from autotl.predictions import Predictions
from autotl.runs.run import Run, open_run
from autotl.runtime.clock import Clock
from autotl.search.expected_gain import gain_sentence
from autotl.search.explorer import Explorer
from autotl.search.laboratory import Laboratory
from autotl.search.planner import Limits
from autotl.search.space import make_space
from autotl.trial import DEFAULT_HEAD, candidate_of
from autotl.workflows.conclusion import conclude
from autotl.workflows.default_probe import probe_default
from autotl.workflows.first_model import make_first_model, save_first_model
from autotl.workflows.refit import champion_trials

INSPECTION_SECONDS = 40.0
"""With less time left than this the data are not looked at through the untuned default; `autotl check` does that."""
CLOSING_SECONDS = 3.0
"""Report, evidence, registry and the end of the process; refit and export, which are measured, come on top."""
SECONDS_PER_ITEM = 0.0007
"""Of the conclusion: a thousand resamples for the interval of every score of three sets of predictions."""
CONCLUDING_EXPORTS = 3
"""The conclusion takes about so many times what refitting and exporting the default took."""


def run_study(run: Run, plugins: Plugins, cache: Path, clock: Clock) -> Run:
    """Search and conclude, alone on the run folder."""
    lock = filelock.FileLock(run.folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise RunError(f"another process is working on {run.folder}; wait for it, or stop it first") from None
    with lock:
        run.settle()
        run.emit("begin", spent_seconds=round(clock.spent(), 2))  # an attempt: the first, or one that carries on
        run.update(status="running")
        plugins.notify("on_search_begin", run=run)
        try:
            status = _search_and_conclude(run, plugins, cache, clock)
        except BaseException as error:
            ended = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            run.update(status=ended, error=str(error), spent_seconds=clock.spent())
            plugins.notify("on_search_end", run=run)
            raise
        plugins.notify("on_search_end", run=run)
        if run.config.register:
            _register(run, run.config.register, plugins)
        document = run.document() | {"seconds": clock.spent(), "tracking": run.tracking()}
        # Last: a run that is killed before is carried on, and recorded, again.
        run.update(result=document, status=status, spent_seconds=clock.spent())
        run.emit("end", status=status, seconds=round(clock.spent(), 2))
    return run


def _register(run: Run, name: str, plugins: Plugins) -> None:
    """Put the champion into the registry; a search that has ended is not lost where that fails."""
    try:
        change = register(run, name, plugins)
    except AutoTLError as error:
        run.emit("message", text=str(error))
        return
    if run.tracking() is None:  # where a tracker's note says nothing of it
        run.emit("message", text=f"registered as models:/{change.name}@{change.alias}, version {change.version}")


def _search_and_conclude(run: Run, plugins: Plugins, cache: Path, clock: Clock) -> str:
    """Run baselines, search and conclusion; returns "complete", or "interrupted" where it was cut short."""
    split = run.split
    closing = [CLOSING_SECONDS + SECONDS_PER_ITEM * (len(split.development) + 2 * len(split.test)), 0.0]

    def seconds_left() -> float:
        return clock.left() - sum(closing)

    # The baselines are run whatever the budget: without them there is nothing to show.
    laboratory = Laboratory(run, plugins, cache=cache, seconds_left=lambda: math.inf)
    laboratory = make_first_model(laboratory, clock, seconds_left)
    run = laboratory.run
    limits = Limits(seconds_left, clock.budget_seconds, run.config.trials)
    explorer = Explorer(laboratory, make_space(laboratory), limits)
    announce = _Announcer(run, plugins, explorer, clock)
    explorer.requeue_lost()
    status = "failed"
    workers: list[subprocess.Popen[bytes]] = []
    mixed = True
    try:
        default = explorer.baselines()
        announce()
        if default.state != "complete":
            raise RunError(f"the untuned default could not be run: {default.reason}")
        closing[0] += CONCLUDING_EXPORTS * save_first_model(laboratory, default)
        # What is looked at costs one more cross-validation of the default, which cannot be cut short.
        if not run.config.refit and seconds_left() > INSPECTION_SECONDS + laboratory.probe_cost(DEFAULT_HEAD):
            _inspect(laboratory, default)
        laboratory.seconds_left = limits.seconds_left

        def after_trial() -> None:
            announce()
            closing[1] = explorer.champion_seconds()

        if run.config.refit:
            again = champion_trials(open_run(run.config.refit))
            explorer.repeat(again)
            reason = f"the champion of {run.config.refit.name} is fitted again, and nothing else was to be tried"
            explorer.plan.why_no_fine_tuning = reason
            mixed = len(again) > 1
        else:
            explorer.warm_start()
            workers = _start_workers(run, limits)
            reason = explorer.explore(after_trial=after_trial)
        run.update(ended=reason)
        run.emit("message", text=f"search ended: {reason}")
        if mixed:
            explorer.blend()
        status = "complete"
    except KeyboardInterrupt:
        if not run.champion.exists() or explorer.leaderboard().best() is None:
            raise
        status = "interrupted"
        run.emit("message", text="interrupted: concluding with the best trial so far")
    finally:
        _stop_workers(run, workers, patient=status == "complete")
    announce()
    laboratory.seconds_left = lambda: math.inf
    document = conclude(laboratory, explorer.leaderboard(), status=status, why_no_fine_tuning=explorer.why())
    run.update(result=document | {"seconds": clock.spent()}, spent_seconds=clock.spent())
    shutil.rmtree(run.folder / "pixels", ignore_errors=True)
    return status


def _inspect(laboratory: Laboratory, default: TrialRecord) -> None:
    """Look at the data through the untuned default, once, and record what that finds."""
    run = laboratory.run
    if "inflation" in run.state():
        return
    predictions = Predictions.load(run.trial_folder(default.number) / "predictions.npz")
    inspection = probe_default(laboratory, candidate_of(default), predictions)
    found = run_checks(run.dataset, laboratory.plugins, inspection.probe)
    known = [Finding(**finding) for finding in run.state().get("findings", [])]
    inflation = inspection.inflation
    findings = [asdict(finding) for finding in worst_first(known + found)]
    run.update(findings=findings, inflation=inflation and inflation.to_json())
    if inflation:
        run.emit("message", text=inflation_sentence(inflation))
    for finding in found:
        run.emit("finding", **asdict(finding))


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
                self._run.emit("trial", name=board.title(trial), **trial.to_json(), **_best(board))
                self._plugins.notify("on_trial_end", run=self._run, trial=trial)
        board.write(self._run.folder / "leaderboard.csv")
        expected_gain = self._explorer.expected_gain()
        if expected_gain:
            numbers = {"gain": expected_gain.value, "low": expected_gain.low, "high": expected_gain.high}
            sentence = gain_sentence(expected_gain, board.objective)
            self._run.update(expected_gain={**numbers, "sentence": sentence})
        self._run.update(announced=sorted(self._announced), spent_seconds=self._clock.spent())


def _best(board: Leaderboard) -> dict[str, Any]:
    best = board.best()
    return {"best_trial": best.number, "best_value": best.score.value} if best else {}


def _start_workers(run: Run, limits: Limits) -> list[subprocess.Popen[bytes]]:
    """Start the processes that search beside this one."""
    seconds = limits.seconds_left()
    deadline = "" if math.isinf(seconds) else str(time.time() + seconds)
    command = [sys.executable, "-m", "autotl.workflows.worker", str(run.folder), deadline]
    n = run.config.workers - 1
    log = (run.folder / "workers.log").open("ab")
    with log:
        return [subprocess.Popen([*command, str(i)], stdout=log, stderr=log) for i in range(1, n + 1)]


def _stop_workers(run: Run, workers: list[subprocess.Popen[bytes]], *, patient: bool) -> None:
    """Wait for the workers' last trials, or end them at once."""
    for worker in workers:
        if not patient:
            worker.terminate()
        if worker.wait() and patient:
            run.emit("message", text=f"a worker failed; {run.folder / 'workers.log'} says why")
