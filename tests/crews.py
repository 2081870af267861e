"""Crews whose workers are short shell scripts, for tests of executors."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from autotl.interfaces import Crew

ADDRESS = "postgresql+pg8000://me:swordfish@db/trials"


class MadeUp:
    """A crew, and what its executor said. left: seconds until the end of the search."""

    def __init__(self, folder: Path, script: str, *, n_workers: int = 1, option: str = "") -> None:
        self.folder, self.said, self.left = folder, [], math.inf
        command = ("sh", "-c", f"cd {folder}; {script}")
        self.crew = Crew(
            n_workers=n_workers, option=option, command=lambda number: (*command, str(number)),
            remote_arguments=lambda number: ("worker", "--number", str(number)),
            environment={"AUTOTL_STORAGE": ADDRESS}, first_line=f"{ADDRESS}\n", lead=lambda number, perform: None,
            log=folder / "workers.log", tell=self.said.append, seconds_left=lambda: self.left,
        )  # fmt: skip

    def wait_for(self, seen: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until something is seen."""
        until = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < until, (self.said, self.log)
            time.sleep(0.02)

    @property
    def log(self) -> str:
        """What the workers printed."""
        return self.crew.log.read_text() if self.crew.log.exists() else ""
