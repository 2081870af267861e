"""Events as lines of JSON in a file, for programs that follow what is going on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from autotl.errors import ConfigError

_SECONDS = 0.25
"""How often progress is told within a stage."""


class EventLines:
    """A listener that writes events to a file, one object per line; of progress only what is news."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: TextIO = path.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise ConfigError(
                f"the events cannot be written to {path} ({error.strerror}). Name another file with --events FILE."
            ) from None
        self._stage, self._told = "", 0.0

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Write one event."""
        if event["event"] == "progress":
            now, stage = time.monotonic(), str(event["stage"])
            if stage == self._stage and now - self._told < _SECONDS and event["done"] < event["total"]:
                return
            self._stage, self._told = stage, now
        self._file.write(json.dumps(event) + "\n")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
