"""Where a run writes: looked at before any work, and named where a disk is full in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autotl.errors import AutoTLError, MachineError
from autotl.runtime.conditions import Place, explain, require_writable
from autotl.settings import Settings


def cache_place(folder: Path) -> Place:
    """The cache, or a folder in it."""
    return Place(folder, "the cache", "Set the environment variable AUTOTL_CACHE to a folder of yours")


def require_cache(folder: Path) -> None:
    """Raise MachineError where the cache, or a folder in it, cannot be written; some may be another user's."""
    require_writable(cache_place(folder))
    for part in sorted(folder.iterdir() if folder.exists() else ()):
        if part.is_dir():
            require_writable(cache_place(part))


def run_place(folder: Path) -> Place:
    """The folder of a new run, or of one that there is, such as one of another user."""
    remedy = "Name another one with --run"
    with suppress(OSError):  # out of reach
        if (folder / "run.json").exists():
            remedy = "Copy it to a folder of yours, and name the copy"
    return Place(folder, "the run folder", remedy)


def require_places(run: Path, settings: Settings) -> None:
    """Raise MachineError where the folder of a run, or the cache, cannot be written."""
    require_writable(run_place(run))
    require_cache(settings.cache)


@contextmanager
def conditions_explained(settings: Settings, run: Path | None = None) -> Iterator[None]:
    """Turn conditions of the machine into MachineError, which says how the run is carried on."""
    places = (*((run_place(run),) if run else ()), cache_place(settings.cache))
    try:
        yield
    except AutoTLError:
        raise
    except Exception as error:
        if message := explain(error, places):
            kept = run is not None and (run / "run.json").exists()
            carry_on = f" What is finished is kept: carry on with `autotl resume {run}`." if kept else ""
            raise MachineError(message + carry_on) from error
        raise
