"""Processes that are started with a mark, so that all of their descendants are found, also those that outlive them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "AUTOTL_ENDURANCE_MARK"
AUTOTL = (sys.executable, "-P", "-m", "autotl.cli")


class Attempt:
    """A command in a session of its own, and all the processes that it starts.

    output: the file that both of its streams are appended to.
    """

    def __init__(
        self, command: Sequence[str | Path], *, environment: Mapping[str, str], cwd: Path, output: Path
    ) -> None:
        self._mark = uuid.uuid4().hex
        with output.open("ab") as file:
            self._process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=cwd,
                env={**environment, MARK: self._mark}, start_new_session=True,
            )  # fmt: skip

    @property
    def exit_code(self) -> int | None:
        """The exit code of the command; None while it runs."""
        return self._process.poll()

    def members(self) -> list[psutil.Process]:
        """The processes that live now, the command's own first."""
        found = [process for process in psutil.process_iter() if _mark_of(process) == self._mark]
        return sorted(found, key=lambda process: process.pid != self._process.pid)

    def kill_all(self) -> None:
        """Kill every process at once: all are stopped first, so that none can react to the end of another."""
        for sent in (signal.SIGSTOP, signal.SIGKILL):
            for process in self.members():
                with suppress(psutil.Error):
                    process.send_signal(sent)
        self._process.wait()

    def kill_one(self, number: int) -> str:
        """Kill one process, as the out-of-memory killer does; returns what it was."""
        members = self.members()
        if not members:
            return ""
        chosen = members[number % len(members)]
        with suppress(psutil.Error):
            what = "the leading process" if chosen.pid == self._process.pid else " ".join(chosen.cmdline())[-90:]
            chosen.kill()
            return what
        return ""

    def interrupt(self) -> None:
        """Ask the command to end, as a service manager does."""
        self._process.terminate()

    def left_over(self, *, seconds: float) -> list[str]:
        """The processes that are still there after a while; they are ended."""
        until = time.monotonic() + seconds
        while (members := self.members()) and time.monotonic() < until:
            time.sleep(0.1)
        names = []
        for process in members:
            with suppress(psutil.Error):
                names.append(" ".join(process.cmdline())[-120:])
                process.kill()
        return names

    def wait(self, seconds: float) -> int | None:
        """The exit code; None where it does not end in time."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None


def _mark_of(process: psutil.Process) -> str:
    try:
        text = Path(f"/proc/{process.pid}/environ").read_bytes()
    except OSError:
        return ""
    start = f"{MARK}=".encode()
    found = next((part for part in text.split(b"\0") if part.startswith(start)), b"=")
    status = ""
    with suppress(psutil.Error):
        status = process.status()
    return "" if status == psutil.STATUS_ZOMBIE else os.fsdecode(found.partition(b"=")[2])
