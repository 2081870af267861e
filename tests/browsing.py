"""The app as a process of its own, and a real browser to look at it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from autotl_ui.widgets.error_boundary import SAID

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAUNCH = "import sys; from autotl_ui.launch import main; main(int(sys.argv[1]))"
PATIENCE_MS = 30_000


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(workspace: Path, port: int) -> Iterator[str]:
    """Start the app on this port, and end it afterwards."""
    command = [sys.executable, "-c", LAUNCH, str(port)]
    with running(command, port, cwd=workspace, env={**os.environ, "AUTOTL_WORKSPACE": str(workspace)}):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(command: Sequence[str], port: int, **how: Any) -> Iterator[None]:
    """A server, from when its port answers on."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, **how)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    try:
        yield
    finally:
        server.terminate()
        server.wait(timeout=20)


@contextmanager
def browsing() -> Iterator[Any]:
    """A browser; the test is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser test needs: pip install playwright")
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


def settled(tab: Any) -> None:
    """Wait until the page has been drawn to its end."""
    from playwright.sync_api import expect

    # Streamlit says so itself.
    expect(tab.locator('[data-testid="stApp"]')).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=PATIENCE_MS
    )


def sound(tab: Any) -> None:
    """No exception box, no part that could not be drawn, nothing in the console, no request to another machine."""
    from playwright.sync_api import expect

    settled(tab)
    expect(tab.locator('[data-testid="stException"]')).to_have_count(0)
    expect(tab.get_by_text(SAID)).to_have_count(0)
    assert tab.problems == []


def choose(tab: Any, box: str, option: str) -> None:
    """Pick from a select box, whose list closes by itself where the page is drawn anew just then."""
    from playwright.sync_api import TimeoutError as NotThereError
    from playwright.sync_api import expect

    settled(tab)  # or it is picked from the list of the part before, which is about to go
    for _ in range(6):
        tab.get_by_role("combobox", name=box).click()
        try:
            tab.get_by_role("option", name=option, exact=True).click(timeout=5_000)
            expect(tab.get_by_role("combobox", name=box)).to_have_value(option)
        except (NotThereError, AssertionError):
            continue
        return
    raise AssertionError(f"{option} cannot be chosen in {box}")


def eventually(tab: Any, true: Callable[[], object], *, within_ms: int = PATIENCE_MS) -> None:
    """Wait for what `expect` has no words for."""
    deadline = time.monotonic() + within_ms / 1000
    while not true():
        assert time.monotonic() < deadline, "it did not become true"
        tab.wait_for_timeout(50)
