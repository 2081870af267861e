"""A child process in which a run is opened, so that its trials can be performed there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from autotl.runtime.guarded_process import ChildEndedError, Document, GuardedProcess
from autotl.search.context import SearchContext

OPEN_SECONDS = 300.0
"""Importing the frameworks and opening the run takes some seconds, on a busy machine a minute."""
CHILD = "autotl.search.trial_child"
"""The module that the process runs."""


class RunProcess:
    """Starts the process when it is needed, again where it has ended; close it."""

    def __init__(self, context: SearchContext) -> None:
        self._context = context
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
        self._process.send(_order(self._context))
        self._is_opening = True


def _order(context: SearchContext) -> Document:
    """What opens the run there as it is here, with the same plugins."""
    loaded, space = context.plugins.loaded.values(), context.space
    files = [one.source for one in loaded if one.origin == "file"]
    heads = {**space.heads, space.default_head.name: space.default_head}
    known = {name: asdict(context.processes.traits(head)) for name, head in heads.items()}
    return {
        "do": "open", "run": str(context.run.folder), "root": str(context.run.dataset.root),
        "settings": context.settings.model_dump(mode="json"), "traits": known,
        "plugins": [one.name for one in loaded if one.origin != "caller"],
        "plugin_folder": str(Path(files[0]).parent) if files else "",
    }  # fmt: skip
