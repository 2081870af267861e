"""A deadline for what plugins do within this process: one that does not answer is not called again."""

from __future__ import annotations

import ctypes
import math
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from autotl.errors import PluginError
from autotl.runtime.blame import describe

MOST_SECONDS, BUDGET_SHARE = 60.0, 0.1
"""A plugin may take so long for one answer, and no more than this share of the budget."""


class Patience:
    """Waits for the plugins of one command.

    A plugin's functions run in a thread of its own, always the same one, so that what belongs to a thread, such as a
    connection, serves again. Python cannot end a thread that sleeps: it is left behind, and not asked again.
    """

    def __init__(self) -> None:
        self._share = math.inf
        self._workers: dict[str, _Worker] = {}

    def share(self, budget_seconds: float | None) -> None:
        """Wait for no answer longer than a share of the budget."""
        self._share = min(MOST_SECONDS, BUDGET_SHARE * budget_seconds) if budget_seconds else math.inf

    @property
    def seconds(self) -> float:
        """For an answer."""
        return min(MOST_SECONDS, self._share)

    def call(self, plugin: str, who: str, function: Callable[[], Any], *, most: float = MOST_SECONDS) -> Any:
        """Call a function of a plugin; PluginError if it does not answer in time, now or before.

        most: seconds where there is no budget.
        """
        worker = self._workers.setdefault(plugin, _Worker(plugin))
        if threading.current_thread() is worker:  # one of its functions calls another
            return function()
        return worker.ask(who, function, min(most, self._share))


class _Worker(threading.Thread):
    def __init__(self, plugin: str) -> None:
        super().__init__(daemon=True, name=f"plugin {plugin}")
        self._plugin, self._stuck = plugin, ""
        self._asked: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[tuple[bool, Any]]]] = (
            queue.SimpleQueue()
        )
        self._one_at_a_time = threading.Lock()

    def ask(self, who: str, function: Callable[[], Any], seconds: float) -> Any:
        with self._one_at_a_time:
            if self._stuck:
                raise PluginError(f"{who} is not asked: {self._stuck}")
            if not self.is_alive():
                self.start()
            answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
            self._asked.put((function, answers))
            try:
                raised, found = answers.get(timeout=None if math.isinf(seconds) else seconds)
            except queue.Empty:
                where = _where(sys._current_frames().get(self.ident or 0))
                self._stuck = f"the plugin {self._plugin!r} did not answer before"
                # Ends a loop, though not a call that waits.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self.ident or 0), ctypes.py_object(SystemExit)
                )
                raise PluginError(
                    f"{who} did not answer within {seconds:.0f} s{where}; the plugin is not asked again"
                ) from None
        if raised:
            raise found
        return found

    def run(self) -> None:
        while not self._stuck:
            function, answers = self._asked.get()
            try:
                answers.put((False, function()))
            except SystemExit as error:
                answers.put((True, PluginError(f"it raised {describe(error, (__file__,))}")))
            except BaseException as error:
                answers.put((True, error))


def _where(frame: FrameType | None) -> str:
    """Where a thread is: the first line that is neither ours nor one of Python's libraries."""
    ours = (__file__, threading.__file__, str(__file__).replace("patience", "blame"))
    stack = [entry for entry in traceback.extract_stack(frame) if entry.filename not in ours] if frame else []
    return f" ({stack[0].filename}, line {stack[0].lineno})" if stack else ""
