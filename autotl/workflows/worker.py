"""One worker: a process that takes trials from the study of a run that another process leads, on any machine."""

from __future__ import annotations

import importlib
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from optuna.storages import BaseStorage

from autotl.errors import ConfigError, RunError
from autotl.plugins import load_preferred
from autotl.runs.events import Listener, Message
from autotl.runs.run import Run, open_run
from autotl.runs.run_share import fetch_run, share_of
from autotl.runs.storage import opened, require_storage
from autotl.runtime import keras_backend
from autotl.runtime.addresses import absolute_address, hide_secrets
from autotl.runtime.clock import steady_time
from autotl.runtime.remote_folder import is_url
from autotl.search.limits import Limits
from autotl.search.open_studies import Standing, leading_version, own_version, standing
from autotl.settings import Settings
from autotl.workflows.worker_data import with_data

LOOK_SECONDS = 5.0
"""Between two looks whether the search has begun or ended."""
FLUSH_SECONDS = 10.0
"""How long its end waits for features that are still being sent to where they are shared."""
MOST_WORKERS = 2_000_000
"""Numbers are below: seeds are made of them."""
_FIRST_DRAWN = 1000
FROM_INPUT = "-"
"""As the address of the storage: it is the first line of standard input, which stays open while the search goes on."""


@dataclass(frozen=True)
class Order:
    """What a worker was asked for.

    run: a run folder, or the URL where a run is shared. storage: the address of the trials, None for the one that the
    run names. data: where the data are on this machine, None for where they were. until: seconds since the epoch.
    number: one that no other worker of the run has; None to draw one. is_over: whether the process that ordered it has
    gone.
    """

    run: str
    storage: str | None = None
    data: Path | None = None
    until: float = math.inf
    number: int | None = None
    is_over: Callable[[], bool] = lambda: False


def work(order: Order, settings: Settings, listener: Listener) -> str:
    """Run trials until the search has ended, or the time is up; returns why it stopped.

    Raises ConfigError, RunError or RemoteError if there is no such run or study, and KeyboardInterrupt if it is
    interrupted; the trial that it ran then is given up.
    """
    keras_backend.prepare()
    number = random.SystemRandom().randrange(_FIRST_DRAWN, MOST_WORKERS) if order.number is None else order.number
    left = _time_left(order)
    run = _found(order, settings, listener, left)
    if run is None:
        return f"the time was up before a run was shared at {order.run}"
    with opened(run.storage) as storage:
        began = _wait_until_open(run, storage, listener, left, lambda: _read_default(order, settings, left, number))
        if began:
            return began
        _require_same_version(run, storage)
        run, missing = with_data(_again(run, order, settings), order.data, settings)
        listener(Message(f"worker {number} takes trials of {order.run}"))
        with _watched(run, storage, left) as seconds_left:
            reason = _take_trials(run, settings, seconds_left, number, missing)
        return "the search has ended" if standing(run, storage) is Standing.ENDED else reason


def _import() -> None:
    """Import what trials need, which takes seconds, while there is nothing else to do."""
    importlib.import_module("autotl.search.study_loop")
    keras_backend.load()


def _take_trials(run: Run, settings: Settings, seconds_left: Callable[[], float], number: int, missing: str) -> str:
    """Run trials; returns why it stopped. missing: why the items are not there, empty if they are."""
    # Imported here, because they import Keras.
    from autotl.search.context import open_context
    from autotl.search.feature_reader import tell_of_sharing
    from autotl.search.study_loop import StudyLoop
    from autotl.search.trial_process import TrialProcess
    from autotl.workflows.worker_data import read_what_is_shared

    plugins = load_preferred(settings, disable=run.config.disable_plugins)
    context = open_context(run, plugins, settings=settings, seconds_left=seconds_left, worker=number)
    networks = TrialProcess(context)
    try:
        if missing:
            read_what_is_shared(context, missing)
        limits = Limits(seconds_left, run.config.budget_seconds, run.config.trials)
        return StudyLoop(context, limits, worker=number, performer=networks).search()
    finally:
        networks.close()
        context.processes.close()
        if share := share_of(run):
            share.send(run)
        tell_of_sharing(run, flush_seconds=FLUSH_SECONDS)


def _time_left(order: Order) -> Callable[[], float]:
    def left() -> float:
        return 0.0 if order.is_over() else order.until - steady_time()

    return left


def _found(order: Order, settings: Settings, listener: Listener, left: Callable[[], float]) -> Run | None:
    """The run, in its folder or in a copy of what is shared of it; None if that is not published in time."""
    run = None
    if not is_url(order.run):
        run = open_run(Path(order.run), (listener,))
    told = False
    while run is None and left() > 0:
        run = fetch_run(order.run, settings.cache / "runs")
        if run is None:
            if not told:
                listener(Message(f"waiting for {order.run}: a run is shared there once its search begins"))
                _import()
            told = True
            time.sleep(min(LOOK_SECONDS, max(0.0, left())))
    if run is None:
        return None
    if run.config.targets:
        raise ConfigError(f"{order.run} has several targets; give the run of one of them, below {order.run}/targets")
    if order.storage:
        require_storage(order.storage, is_new=False)
        run = replace(run, config=replace(run.config, storage=absolute_address(order.storage)))
    return replace(run, listeners=(listener,))


def _again(run: Run, order: Order, settings: Settings) -> Run:
    """The run as it is now: a search may use fewer of the items than it had when it was first seen."""
    now = fetch_run(order.run, settings.cache / "runs") if is_url(order.run) else open_run(Path(order.run))
    return replace(now, config=run.config, listeners=run.listeners) if now else run


def _read_default(order: Order, settings: Settings, left: Callable[[], float], number: int) -> None:
    """Read a part of the features that the search needs first, while the process that leads it reads the others.

    It raises nothing: what goes wrong is reported where the trials need the same.
    """
    from autotl.workflows.default_features import read_default  # it imports Keras

    with suppress(Exception):
        found = _found(order, settings, lambda _event: None, left)
        run, missing = with_data(found, order.data, settings) if found else (None, "no run")
        if run and not missing:
            read_default(run, settings, left, number)


def _wait_until_open(
    run: Run, storage: BaseStorage, listener: Listener, left: Callable[[], float], meanwhile: Callable[[], None]
) -> str:  # fmt: skip
    """Wait until the first trials are queued; returns why there is nothing to do, empty if there is.

    meanwhile: called once the search has begun and its first trials are not queued yet.
    """
    told = has_helped = False
    while (found := standing(run, storage)) is not Standing.OPEN:
        if found is Standing.ENDED:
            return "the search has ended"
        if found is Standing.ABSENT and run.config.storage:
            shown = hide_secrets(run.config.storage)
            raise RunError(
                f"there is no study {run.study_name!r} in {shown}. Give the storage of the run with --storage or "
                "AUTOTL_STORAGE"
            )
        if left() <= 0:
            return "the time was up before the search began"
        if not told:
            listener(Message("waiting until the search has begun"))
            _import()
        told = True
        if found is Standing.BEGINNING and not has_helped:
            meanwhile()
            has_helped = True
            continue
        time.sleep(min(LOOK_SECONDS, max(0.0, left())))
    return ""


def _require_same_version(run: Run, storage: BaseStorage) -> None:
    """Raise ConfigError if another version of AutoTL leads the search: the two may not mean the same by a trial."""
    leading = leading_version(run, storage)
    if leading not in ("", own_version()):
        raise ConfigError(
            f"the search of {run.folder} is led by AutoTL {leading}, and this worker is AutoTL {own_version()}; "
            f"install the same here: pip install autotl=={leading}"
        )


@contextmanager
def _watched(run: Run, storage: BaseStorage, left: Callable[[], float]) -> Iterator[Callable[[], float]]:
    """Seconds left to the worker: none once the study says that the search has ended, and at most the budget of a run.

    The process that led the search may have died.
    """
    began, budget = time.monotonic(), run.config.budget_seconds
    longest = math.inf if budget is None else budget
    over, closed = threading.Event(), threading.Event()

    def watch() -> None:
        while not closed.wait(LOOK_SECONDS):
            try:
                if standing(run, storage) is Standing.ENDED:
                    over.set()
            except Exception:  # the loop says it, if the storage does not come back
                continue

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda: 0.0 if over.is_set() else min(left(), longest - (time.monotonic() - began))
    finally:
        closed.set()
        thread.join(LOOK_SECONDS)
