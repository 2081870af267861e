"""A child process in which a run is opened, so that its networks can be trained there."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autotl.errors import HeadError, OutOfTimeError
from autotl.plugins import Plugins
from autotl.runs.event_log import parse_event
from autotl.runs.events import Event
from autotl.runs.run import Run
from autotl.runtime.guarded_process import ChildEndedError, Document, GuardedProcess
from autotl.search.context import SearchContext
from autotl.settings import Settings

OPEN_SECONDS = 300.0
"""Importing the frameworks and opening the run takes some seconds, on a busy machine a minute."""
CHILD = "autotl.search.trial_child"
"""The module that the process runs."""


class RunProcess:
    """Starts the process when it is needed, again where it has ended; close it.

    order: returns the message that opens the run there, see `opening`.
    """

    def __init__(self, order: Callable[[], Document]) -> None:
        self._order = order
        self._process: GuardedProcess | None = None
        self._is_opening = False

    @property
    def is_running(self) -> bool:
        """Whether the process has been started."""
        return self._process is not None and self._process.is_alive

    def start(self) -> None:
        """Start the process unless it runs; this waits for nothing. OSError or ChildEndedError if that fails."""
        if not self.is_running:
            self.close()
            self._process = GuardedProcess(CHILD)
            self._begin_to_open()

    def opened(self, answer: Callable[[GuardedProcess], object]) -> GuardedProcess:
        """The process, once it has opened the run; answer(process): waits for its answer."""
        process = self._process
        assert process
        if self._is_opening:
            limit = time.monotonic() + OPEN_SECONDS
            with process.watched(lambda: limit - time.monotonic(), process.may_hold(math.inf)):
                answer(process)
            self._is_opening = False
        return process

    @contextmanager
    def kept_ready(self) -> Iterator[None]:
        """Have another one ready where it ends; where anything else is raised no half-read answer is left behind."""
        try:
            yield
        except ChildEndedError:
            self._begin_again()
            raise
        except BaseException:
            self.close()
            raise

    def renew(self) -> None:
        """End what does the work, with all that it holds, and have another one ready."""
        assert self._process
        self._process.renew()
        self._begin_again()

    def close(self) -> None:
        """End the process."""
        process, self._process, self._is_opening = self._process, None, False
        if process:
            process.end()

    def _begin_again(self) -> None:
        try:
            if self.is_running:
                self._begin_to_open()
            else:
                self.close()
        except ChildEndedError:
            self.close()

    def _begin_to_open(self) -> None:
        """Have the process open the run; `opened` waits for it."""
        assert self._process
        self._process.send(self._order())
        self._is_opening = True


def loads_again(plugins: Plugins) -> bool:
    """Whether another process can load the same plugins; not what Python code has passed in."""
    return all(one.origin != "caller" or not one.offers for one in plugins.loaded.values())


def opening(run: Run, contexts: Iterable[SearchContext]) -> Document:
    """The message that opens a run there as it is here, with the same plugins; contexts: of the run, or its targets."""
    first, *others = contexts
    loaded = first.plugins.loaded.values()
    files = [one.source for one in loaded if one.origin == "file"]
    known = {name: traits for context in (first, *others) for name, traits in _known_traits(context).items()}
    return {
        "do": "open", "run": str(run.folder), "root": str(run.dataset.root),
        "settings": first.settings.model_dump(mode="json"), "traits": known,
        "plugins": [one.name for one in loaded if one.origin != "caller"],
        "plugin_folder": str(Path(files[0]).parent) if files else "",
    }  # fmt: skip


def _known_traits(context: SearchContext) -> dict[str, dict[str, bool]]:
    space = context.space
    heads = {**space.heads, space.default_head.name: space.default_head}
    return {name: asdict(context.processes.traits(head)) for name, head in heads.items()}


def answer_of(
    process: GuardedProcess, emit: Callable[[Event], None], heard: Mapping[str, Callable[[Any], None]]
) -> Mapping[str, Any]:  # fmt: skip
    """What the child answers; the events that it tells meanwhile are emitted, and else `heard` is called, by its kind.

    Raises HeadError for an error there, OutOfTimeError as it was raised there, and OSError for a condition of the
    machine.
    """
    while True:
        answer, _ = process.receive()
        kind = next(iter(answer), "")
        if kind == "event":
            if event := parse_event(json.dumps(answer["event"]).encode()):
                emit(event)
        elif kind in heard:
            heard[kind](answer[kind])
        elif kind == "error":
            raise HeadError(f"{answer['error']}: {answer['message']}", str(answer["traceback"]))
        elif kind == "late":
            raise OutOfTimeError(answer["late"])
        elif kind == "condition":
            number, text, file = answer["condition"]
            raise OSError(number, text, file)
        else:
            return answer
        process.reply({})


def advice(how: str, settings: Settings, *, shares_machine: bool) -> str:
    """What to do about a process that ended in some way. shares_machine: with other workers of the run."""
    if not how.startswith("used "):
        return ""
    if settings.trial_memory_gb:
        return "; set AUTOTL_TRIAL_MEMORY_GB to allow more"
    return "; close other programs, or use fewer --workers" if shares_machine else "; close other programs"
