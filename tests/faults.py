"""Faults of the machine, made to happen at a chosen phase of a run: full and read-only disks, and what else may go."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from endurance.phases import phase_after

from autotl.runs.events import Event

_NEW_MOUNTS = 0x00020000
_FILLER = ".filler"
_CHUNK = 1 << 20


@dataclass
class AtPhase:
    """A listener that does something once, as soon as a phase of a run begins.

    after: how many events of the phase go by before.
    """

    phase: str
    do: Callable[[], None]
    after: int = 0
    seen: list[str] = field(default_factory=lambda: ["start"])
    done: bool = False

    def __call__(self, event: Event) -> None:
        self.seen.append(phase_after(self.seen[-1], event.to_json()))
        if not self.done and self.seen.count(self.phase) > self.after:
            self.done = True
            self.do()


@cache
def no_mounts() -> str:
    """Why no disks can be mounted here, empty if they can: what is mounted is only there for this process."""
    if os.geteuid() or threading.current_thread() is not threading.main_thread():
        return "mounting takes root"
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare") or libc.unshare(_NEW_MOUNTS):
        return f"no namespace of its own: {os.strerror(ctypes.get_errno())}"
    done = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True)
    return done.stderr.strip()


@contextmanager
def disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A disk of its own at a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """A folder that nobody can write to, not even root."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    """Leave no byte free on the disk of a folder."""
    with (folder / _FILLER).open("wb", buffering=0) as file:
        size = _CHUNK
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2


def make_room(folder: Path) -> None:
    """Take away what filled the disk."""
    (folder / _FILLER).unlink()


def copy_data(data: Path, to: Path) -> Path:
    """A copy of a dataset that may be harmed."""
    return Path(shutil.copytree(data, to))
