"""The command `worker`."""

from __future__ import annotations

import math
import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from autotl.cli.options import Storage
from autotl.runtime.user_paths import expand_home


def worker(
    run: Annotated[str, typer.Option(metavar="RUN", help="The run's folder, or the URL where `fit --share` put it.")],
    storage: Storage = None,
    data: Annotated[
        Path | None,
        typer.Option(
            parser=expand_home,
            metavar="DATA",
            help="Where the data are on this machine. [default: as for fit]",
        ),
    ] = None,
    until: Annotated[
        float | None, typer.Option(metavar="EPOCH", help="Stop at this time, in seconds since 1970.")
    ] = None,
    number: Annotated[
        int | None, typer.Option(min=1, max=1_999_999, help="One that no other worker has. [default: drawn at random]")
    ] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Stop when standard input is closed: who started this one has ended.")
    ] = False,
) -> None:
    """Take part in the search of another process, on this machine or another one, until it has ended.

    Needs the address of its storage and, for what is not shared or cached, its data. The password of the storage is
    better given by AUTOTL_STORAGE; with `--storage -` the address is the first line of standard input, and the worker
    ends where that is closed.
    """
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.runs.run import STORAGE_VARIABLE
    from autotl.runtime.standard_input import StandardInput
    from autotl.settings import settings
    from autotl.workflows.worker import FROM_INPUT, Order, work

    given = storage or os.environ.get(STORAGE_VARIABLE) or None
    leader = StandardInput() if storage == FROM_INPUT else None
    order = Order(
        run, leader.first_line() if leader else given, data, math.inf if until is None else until, number,
        leader.closed.is_set if leader else lambda: False,
    )  # fmt: skip
    if with_parent:  # at once, though it may be importing: what it began is left to the others
        StandardInput().watch(lambda: os.kill(os.getpid(), signal.SIGTERM))
    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        try:
            reason = work(order, settings(), printer)
        except KeyboardInterrupt:
            typer.echo("worker: interrupted; what it had begun is left to the others", err=True)
            raise
    typer.echo(f"worker: {reason}", err=True)
