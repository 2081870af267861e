"""The features of the untuned default, which a search needs first: its workers read parts of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from autotl.errors import NoWorkersError, in_one_line
from autotl.plugins import load_preferred
from autotl.runs.events import Message
from autotl.runs.run import Run
from autotl.runs.storage import opened
from autotl.search.context import SearchContext
from autotl.search.limits import Limits
from autotl.search.open_studies import Standing, standing
from autotl.settings import Settings
from autotl.workflows.perform_trial import Elsewhere

LONG_SECONDS = 60.0
"""Where reading them takes longer, workers begin with it; they need some ten seconds to start."""
LOOK_SECONDS = 1.0
"""Between two looks whether the first trials are queued."""


def takes_long(context: SearchContext) -> bool:
    """Whether workers should begin with reading a part."""
    return context.costs.reading_seconds(*context.space.default().reading.place) > LONG_SECONDS


def read_default(run: Run, settings: Settings, seconds_left: Callable[[], float], number: int) -> None:
    """Read what other processes of the run have not read. number: of this process among them."""
    from autotl.search.context import open_context

    plugins = load_preferred(settings, disable=run.config.disable_plugins)
    context = open_context(run, plugins, settings=settings, seconds_left=seconds_left, worker=number)
    with closing(context.processes):
        default = context.space.default()
        context.reader.features(default.backbone, default.reading.size)


def read_elsewhere(run: Run, elsewhere: Elsewhere, number: int, limits: Limits) -> None:
    """Have a part read elsewhere, and wait until the first trials are queued.

    Raises NoWorkersError if nothing is left there; what else goes wrong is said, and ends nothing.
    """
    with opened(run.storage) as storage:
        if standing(run, storage) is Standing.OPEN:
            return
        try:
            elsewhere.read_default(number, limits.seconds_left())
        except NoWorkersError:
            raise
        except Exception as error:  # this worker's first trial needs the same, and fails with its reason
            run.emit(Message(f"a worker did not help with reading the features: {in_one_line(error)}"))
        while standing(run, storage) is Standing.BEGINNING and limits.seconds_left() > 0:
            time.sleep(LOOK_SECONDS)
