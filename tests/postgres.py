"""A real PostgreSQL server, from Debian's package, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_USER = "nobody"
"""The server refuses to run as root."""


def postgres_programs() -> Path | None:
    """The folder with PostgreSQL's programs, the newest; None where it is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: float(found.parent.name))
    found = shutil.which("initdb")
    return debian[-1] if debian else Path(found).parent if found else None


class Postgres:
    """A server that can be stopped and started again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._server: subprocess.Popen[bytes] | None = None
        if os.getuid() == 0:
            shutil.chown(folder, _USER)
        self._run("initdb", "-D", str(folder / "data"), "-U", "autotl", "-A", "trust", "--no-sync")

    def address(self, database: str = "postgres", driver: str = "pg8000") -> str:
        """The address of a database, as --storage takes it."""
        return f"postgresql+{driver}://autotl@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers; it ends with the thread that calls this."""
        command = self._command(
            "postgres", "-D", str(self._folder / "data"), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
            "-c", f"unix_socket_directories={self._folder}", "-c", "fsync=off", dies_with_us=True,
        )  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", start_new_session=True)
        deadline = time.monotonic() + 60
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, as a crash would."""
        if self._server is not None:
            self._run("pg_ctl", "stop", "-D", str(self._folder / "data"), "-m", "immediate")
            self._server.wait(30)
            self._server = None

    def new_database(self) -> str:
        """Make an empty database; its name."""
        name = f"trials_{uuid.uuid4().hex[:8]}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "autotl", name)
        return name

    def _run(self, *command: str) -> None:
        subprocess.run(self._command(*command), check=True, capture_output=True, timeout=60, cwd="/")

    def _command(self, program: str, *arguments: str, dies_with_us: bool = False) -> list[str]:
        options = ["--pdeathsig=QUIT"] if dies_with_us else []
        if os.getuid() == 0:
            options += [f"--reuid={_USER}", "--regid=nogroup", "--clear-groups"]
        return [*(["setpriv", *options] if options else []), str(self._programs / program), *arguments]


@contextmanager
def started_postgres() -> Iterator[Postgres]:
    """A server with its files in a temporary folder; skips the test where PostgreSQL is not installed."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    with tempfile.TemporaryDirectory(prefix="autotl-postgres-", ignore_cleanup_errors=True) as folder:
        server = Postgres(programs, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
