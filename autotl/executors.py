"""Where the workers of a search run: a kind of plugin."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
Perform: TypeAlias = Callable[[Document], Document]
"""Runs one trial somewhere: given the document of a `TrialTask`, it returns what `perform_document` answers there."""


@dataclass(frozen=True)
class Crew:
    """The workers that an executor starts beside the process that leads the search.

    n_workers: how many. option: what the user wrote after the executor's name and a colon, as "srun -n1" in
        "command:srun -n1"; empty for nothing.
    command: program and arguments of a worker process, by its number from 1. Such a process takes trials from the
        study by itself, and ends with the search.
    environment: the variables that it needs beside those of this process; the address of the store is among them, with
        its password.
    program: what runs AutoTL on this machine, as `command` does; elsewhere it may be "autotl".
    remote_arguments: what follows it on another machine, to which variables may not travel. Such a worker reads
        `first_line`, the address of the store, from its standard input, and ends where that is closed.
    lead: lead(number, perform) takes trials from the study in the thread that calls it and has each performed by
        `perform`, until the search ends: for executors whose workers do not reach the study.
    perform: where the worker of `lead` can import AutoTL: runs the document of a trial there, as "module:function".
    log: the file for what workers print, in the run folder. tell: says a sentence to the user.
    seconds_left: until the end of the search; negative after it.
    """

    n_workers: int
    option: str
    command: Callable[[int], tuple[str, ...]]
    environment: Mapping[str, str]
    lead: Callable[[int, Perform], None]
    log: Path
    tell: Callable[[str], None]
    perform: str = "autotl.workflows.perform_trial:perform_document"
    seconds_left: Callable[[], float] = lambda: math.inf
    program: tuple[str, ...] = ("autotl",)
    remote_arguments: Callable[[int], tuple[str, ...]] = lambda _number: ()
    first_line: str = ""


@dataclass(frozen=True)
class Executor:
    """A way to run trials in several processes, on this machine or on others.

    start(crew): a context manager that starts the workers. Its end waits for their last trials; where the search ends
        by an exception, it ends them.
    obstacle(option, run): why it cannot be used, with what to do about it; empty if it can. run: where workers find the
        run: its folder, which may not exist yet, or a URL. It is asked before any work.
    """

    name: str
    start: Callable[[Crew], AbstractContextManager[None]]
    obstacle: Callable[[str, str], str] = lambda _option, _run: ""
