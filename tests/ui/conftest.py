"""A workspace of its own for every test, and a process that stands for a search."""

from __future__ import annotations

import functools
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from streamlit.components.v2 import manifest_scanner


@pytest.fixture(scope="session", autouse=True)
def one_scan_for_components() -> Iterator[None]:
    """Streamlit reads the metadata of everything that is installed for each app, half a second; once a session does."""
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "autotl-runs"
    monkeypatch.setenv("AUTOTL_WORKSPACE", str(tmp_path))
    return folder


@pytest.fixture(autouse=True)
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in drawing a page is seen by its test."""
    monkeypatch.setattr("autotl_ui.widgets.error_boundary.CAUGHT", ())


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def sleeper() -> Iterator[psutil.Process]:
    """A process that stands for a search."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    process = subprocess.Popen(command, start_new_session=True)
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()
