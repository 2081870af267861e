"""The app in a real browser: every page of a finished run, without an error anywhere."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from autotl_ui import testing

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser test needs: pip install playwright")
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAUNCH = "import sys; from autotl_ui.launch import main; main(int(sys.argv[1]))"
PATIENCE_MS = 30_000

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: apt-get install chromium)")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The app, serving a workspace with one finished run."""
    testing.write_finished(tmp_path / "autotl-runs" / "good")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(port)],
        cwd=tmp_path,
        env={**os.environ, "AUTOTL_WORKSPACE": str(tmp_path)},
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture
def tab(address: str) -> Iterator[Any]:
    """An open page of the app, with the list `problems` of what went wrong in it."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        opened = browser.new_page()
        opened.set_default_timeout(PATIENCE_MS)
        opened.problems = []
        opened.on("console", lambda m: opened.problems.append(m.text) if m.type == "error" else None)
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        # Whatever is not the app's own address would leave this machine.
        opened.on("request", lambda r: opened.problems.append(r.url) if foreign(r.url, address) else None)
        opened.goto(address)
        yield opened
        browser.close()


def foreign(url: str, address: str) -> bool:
    return url.startswith(("http:", "https:")) and not url.startswith(address)


def test_every_page_of_a_finished_run_works_without_a_single_error(tab: Any, tmp_path: Path) -> None:
    tab.get_by_role("heading", name="Train a model").wait_for()
    check(tab)

    tab.get_by_role("link", name="Runs", exact=True).click()
    tab.get_by_role("heading", name="good").wait_for()
    tab.get_by_text("0.750 to 0.900").first.wait_for()
    tab.locator('[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg').first.wait_for()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download the model").click()
    assert zipfile.ZipFile(download.value.path()).namelist() == ["good/metadata.json", "good/model.onnx"]
    tab.get_by_role("tab", name="All scores").click()
    tab.get_by_role("tab", name="Report").click()
    report = tab.frame_locator("iframe[title='Report of good']").frame_locator("iframe")
    report.get_by_text("All about it.").wait_for()
    check(tab)

    tab.get_by_role("link", name="Try it").click()
    tab.get_by_role("heading", name="Try a model").wait_for()
    Image.new("RGB", (30, 20), "white").save(tmp_path / "white.png")
    tab.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(tmp_path / "white.png")
    tab.locator("strong", has_text=testing.CLASSES[-1]).wait_for()
    check(tab)


def check(tab: Any) -> None:
    """No Streamlit exception box, nothing in the console, no request to another machine."""
    tab.wait_for_timeout(500)
    assert tab.locator('[data-testid="stException"]').count() == 0
    assert tab.problems == []
