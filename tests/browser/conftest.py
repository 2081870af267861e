"""The app, served, and a real browser to look at it with."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAUNCH = "import sys; from autotl_ui.launch import main; main(int(sys.argv[1]))"
PATIENCE_MS = 30_000


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The app, serving the test's own folder as the workspace."""
    with serving(tmp_path) as found:
        yield found


@contextmanager
def serving(workspace: Path) -> Iterator[str]:
    """Start the app on a free port, and end it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(port)],
        cwd=workspace,
        env={**os.environ, "AUTOTL_WORKSPACE": str(workspace)},
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture
def tab(address: str, tmp_path: Path) -> Iterator[Any]:
    """An open page of the app, with the list `problems` of what went wrong in it; skipped without a browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser test needs: pip install playwright")
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        opened = browser.new_page()
        opened.set_default_timeout(PATIENCE_MS)
        opened.problems = []
        opened.on("console", lambda m: opened.problems.append(m.text) if m.type == "error" and not _probe(m) else None)
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        # Whatever is not the app's own address would leave this machine.
        opened.on("request", lambda r: opened.problems.append(r.url) if _foreign(r.url, address) else None)
        opened.goto(address)
        yield opened
        opened.screenshot(path=tmp_path / "last-seen.png")
        browser.close()


def _probe(message: Any) -> bool:
    """Streamlit's page at /train asks there for its server before it asks one level up; the browser logs the 404."""
    return bool(re.search(r"/[a-z]+/_stcore/(health|host-config)$", message.location["url"]))


def _foreign(url: str, address: str) -> bool:
    return url.startswith(("http:", "https:")) and not url.startswith(address)
