"""Workers that are started by hand: they find the run where it is shared, and learn of its end from the study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autotl.errors import in_one_line
from autotl.runs.events import Message
from autotl.runs.run import Run
from autotl.runs.run_share import publish
from autotl.runtime.addresses import without_secrets
from autotl.runtime.remote_folder import RemoteError
from autotl.search.open_studies import set_ended


@contextmanager
def open_to_workers(run: Run) -> Iterator[None]:
    """Let workers take part meanwhile, and tell them in the end that it is over."""
    set_ended(run, ended=False)
    try:
        publish(run)
    except RemoteError as error:
        run.emit(Message(f"workers elsewhere cannot take part: {error}"))
    else:
        if run.config.share:
            run.emit(Message(f"workers take part with `autotl worker --storage URL --run {run.config.share}`"))
    try:
        yield
    finally:
        tell_end(run)


def tell_end(run: Run) -> None:
    """Tell workers that the search has ended; a storage that is gone must not cost the search."""
    try:
        set_ended(run, ended=True)
    except Exception as error:
        reason = without_secrets(in_one_line(error))
        run.emit(Message(f"workers that were started elsewhere could not be told that the search has ended: {reason}"))
