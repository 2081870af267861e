"""The command `autotl`, in a process of its own or in this one, where it takes a fraction of the time."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from autotl.cli import app, output

Result = subprocess.CompletedProcess[str]


def run_alone(*arguments: str | Path, cwd: Path | None = None, **env: str) -> Result:
    """Run the command line as a process of its own."""
    command = [sys.executable, "-m", "autotl.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={**os.environ, **env}, timeout=240)


def run_here(*arguments: str | Path, cwd: Path | None = None, **env: str) -> Result:
    """Run the command line in this process: from its arguments to the exit code, with all that reaches descriptors."""
    command = ["autotl", *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        patch.setattr(sys, "argv", command)
        patch.setattr(app, "_leave", sys.exit)  # else a thread of another test would have it end this process
        patch.setattr(app.interruption, "listen", lambda: None)
        patch.setattr("autotl.runtime.clock.seconds_since_process_began", lambda: 1.0)
        patch.setattr(output, "_documents", None)
        patch.setenv("PYDANTIC_DISABLE_PLUGINS", "__all__")
        for name, value in env.items():
            patch.setenv(name, value)
        if cwd:
            patch.chdir(cwd)
        with _led_to(out, 1), _led_to(err, 2), _text(1) as stdout, _text(2) as stderr:
            patch.setattr(sys, "stdout", stdout)
            patch.setattr(sys, "stderr", stderr)
            code = _exit_code()
        return subprocess.CompletedProcess(command, code, _read(out), _read(err))


def _exit_code() -> int:
    try:
        app.main()
    except SystemExit as end:
        assert end.code is None or isinstance(end.code, int)
        return end.code or 0
    finally:
        gc.enable()
        for opened in filter(None, (sys.stderr, output._documents)):
            opened.close()
    return 0


@contextmanager
def _led_to(file: IO[bytes], descriptor: int) -> Iterator[None]:
    kept = os.dup(descriptor)
    os.dup2(file.fileno(), descriptor)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)


def _text(descriptor: int) -> io.TextIOWrapper:
    return os.fdopen(os.dup(descriptor), "w", buffering=1, encoding="utf-8")


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
