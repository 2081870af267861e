"""Where a run writes: looked at before any work, and named where a disk is full in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autotl.errors import AutoTLError, MachineError
from autotl.runtime.conditions import Place, explain, require_writable
from autotl.settings import Settings


def cache_place(settings: Settings) -> Place:
    """The cache."""
    return Place(settings.cache, "the cache", "Set the environment variable AUTOTL_CACHE to a folder of yours")


def run_place(folder: Path) -> Place:
    """The run folder."""
    return Place(folder, "the run folder", "Name another one with --run")


def require_places(run: Path, settings: Settings) -> None:
    """Raise MachineError where the folder of a run, or the cache, cannot be written."""
    for place in (run_place(run), cache_place(settings)):
        require_writable(place)


@contextmanager
def conditions_explained(settings: Settings, run: Path | None = None) -> Iterator[None]:
    """Turn conditions of the machine into MachineError, which says how the run is carried on."""
    try:
        yield
    except AutoTLError:
        raise
    except Exception as error:
        places = (*((run_place(run),) if run else ()), cache_place(settings))
        if message := explain(error, places):
            kept = run is not None and (run / "run.json").exists()
            carry_on = f" What is finished is kept: carry on with `autotl resume {run}`." if kept else ""
            raise MachineError(message + carry_on) from error
        raise
