"""Where a run writes: looked at before any work, and named where a disk is full in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autotl.errors import AutoTLError, MachineError, in_one_line
from autotl.runtime.addresses import hide_secrets, without_secrets
from autotl.runtime.conditions import Place, causes, explain, require_writable
from autotl.settings import Settings


def cache_place(folder: Path) -> Place:
    """The cache, or a folder in it."""
    return Place(folder, "the cache", "Set the environment variable AUTOTL_CACHE to a folder of yours")


def require_cache(folder: Path) -> None:
    """Raise MachineError if the cache, or a folder in it, cannot be written; some may be another user's."""
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
    """Raise MachineError if the folder of a run, or the cache, cannot be written."""
    require_writable(run_place(run))
    require_cache(settings.cache)


@contextmanager
def conditions_explained(
    settings: Settings, run: Path | None = None, *, storage: str | None = None
) -> Iterator[None]:  # fmt: skip
    """Turn conditions of the machine into MachineError, which says how the run is carried on.

    storage: the address of the trials, where they are not in the run folder.
    """
    places = (*((run_place(run),) if run else ()), cache_place(settings.cache))
    try:
        yield
    except AutoTLError:
        raise
    except Exception as error:
        if message := explain(error, places) or (_explain_storage(error, storage) if storage else ""):
            kept = run is not None and (run / "run.json").exists()
            carry_on = f" What is finished is kept: carry on with `autotl resume {run}`." if kept else ""
            raise MachineError(message + carry_on) from error
        raise


def _explain_storage(error: BaseException, storage: str) -> str:
    """What is wrong where the storage of the trials does not answer; empty for any other error."""
    from autotl.runs.storage import is_gone  # imports Optuna, which takes its time

    if not is_gone(error):
        return ""
    reason = without_secrets(in_one_line(list(causes(error))[-1]))
    return f"the storage {hide_secrets(storage)} has gone away, or does not answer: {reason}. Start it again."
