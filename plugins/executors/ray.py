"""Trials as tasks of Ray: the process that leads the search asks its study for them and tells how they ended."""

from __future__ import annotations

import importlib
import json
import math
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autotl.errors import AutoTLError, ConfigError, OutOfTimeError, WorkerLostError, in_one_line
from autotl.hookspecs import hookimpl
from autotl.interfaces import Crew, Executor
from autotl_plugins.executors._ray_cluster import connected, require_nodes, shared_settings
from autotl_plugins.executors._ray_head import Head, watched_head
from autotl_plugins.executors._ray_options import LOCAL, Options, obstacle_before_ray, parse

LAST_SECONDS = 30.0
"""A task that has not ended so long after the time of its trial is cancelled."""
LOOK_SECONDS = 0.5


def perform_as_task(function: str, document: str, variables: Mapping[str, str]) -> str:
    """Perform a trial in the process of a task. function: "module:name"; document and answer: JSON.

    variables: of the leading process, for those that the node does not set itself.
    """
    for name, value in variables.items():
        os.environ.setdefault(name, value)
    module, _, name = function.partition(":")
    return json.dumps(getattr(importlib.import_module(module), name)(json.loads(document)))


class Tasks:
    """Has trials performed by tasks, one for each thread that calls `perform`."""

    def __init__(self, ray: Any, asked: Options, function: str, head: Head) -> None:
        self._ray, self._function, self._head = ray, function, head
        gpus = asked.num_gpus
        if gpus is None:
            gpus = float(bool(ray.cluster_resources().get("GPU")))
        self._task = ray.remote(
            num_cpus=asked.num_cpus, num_gpus=gpus, max_calls=asked.max_calls, max_retries=0
        )(perform_as_task)  # fmt: skip
        self._held: set[Any] = set()
        self._cancelled, self._lock = threading.Event(), threading.Lock()

    def perform(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have one trial performed; raises what it raises, and WorkerLostError if its process or its node is gone.

        Raises KeyboardInterrupt if the search was cancelled meanwhile, OutOfTimeError if it goes on for too long, and
        NoWorkersError if there is no Ray any more.
        """
        self._head.await_answer(self._cancelled.is_set)
        task = self._task.remote(self._function, json.dumps(document), shared_settings())
        with self._lock:
            self._held.add(task)
        try:
            if self._cancelled.is_set():
                raise KeyboardInterrupt
            left = document["seconds_left"]
            self._await(task, math.inf if left is None else max(0.0, left) + LAST_SECONDS)
            answer: Mapping[str, Any] = json.loads(self._result(task))
            return answer
        finally:
            with self._lock:
                self._held.discard(task)

    def _await(self, task: Any, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._ray.wait([task], timeout=LOOK_SECONDS)[0]:
            self._head.require()
            if time.monotonic() > until:
                self._cancel(task)
                raise OutOfTimeError(f"it had not ended {LAST_SECONDS:g} seconds after the search")

    def cancel(self) -> None:
        """End all tasks, and begin no more."""
        self._cancelled.set()
        with self._lock:
            held = list(self._held)
        for task in held:
            self._cancel(task)

    def _cancel(self, task: Any) -> None:
        with suppress(self._ray.exceptions.RayError):
            self._ray.cancel(task, force=True)

    def _result(self, task: Any) -> str:
        errors = self._ray.exceptions
        try:
            return str(self._ray.get(task))
        except errors.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, Exception) else RuntimeError(in_one_line(error))) from None
        except errors.RayError as error:
            if self._cancelled.is_set():
                raise KeyboardInterrupt from None
            self._head.await_answer(self._cancelled.is_set)  # with the head node every other trial would be lost, too
            raise WorkerLostError(f"Ray lost the process that ran it ({type(error).__name__})") from None


@contextmanager
def start(crew: Crew) -> Iterator[None]:
    """Lead each worker of the crew in a thread of this process, and have its trials performed by Ray."""
    asked = parse(crew.option)
    with (
        connected(asked, crew.n_workers, crew.log) as ray,
        watched_head(ray.get_runtime_context().gcs_address) as head,
    ):
        tasks = Tasks(ray, asked, crew.perform, head)
        threads = [
            threading.Thread(target=_lead, args=(crew, number, tasks), name=f"ray-{number}", daemon=True)
            for number in range(1, crew.n_workers + 1)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
            for thread in threads:
                while thread.is_alive():
                    thread.join(LOOK_SECONDS)  # a wait without end would not let a Ctrl-C through
        except BaseException:
            tasks.cancel()
            for thread in threads:
                thread.join(LAST_SECONDS)
            raise


def _lead(crew: Crew, number: int, tasks: Tasks) -> None:
    try:
        crew.lead(number, tasks.perform)
    except KeyboardInterrupt:  # the search was interrupted, and the trial given up
        pass
    except Exception as error:
        said = str(error) if isinstance(error, AutoTLError) else f"{type(error).__name__}: {in_one_line(error)}"
        crew.tell(f"worker {number}, whose trials Ray runs, ended; the search goes on without it: {said}")


def obstacle(option: str, run: str) -> str:
    """Whether there is Ray, and a cluster whose nodes have AutoTL and see the run folder."""
    try:
        asked = parse(option)
        if why := obstacle_before_ray(asked):
            return why
        if asked.address != LOCAL:
            if "://" in run:
                return f"its tasks need a run folder that all nodes share, and the run is to be found at {run}"
            require_nodes(asked, Path(run))
    except (ValueError, ConfigError) as error:
        return str(error)
    return ""


@hookimpl
def register_executors() -> Iterable[Executor]:
    """Offer the tasks of Ray."""
    return [Executor("ray", start, obstacle)]
