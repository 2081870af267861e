"""The keyboard labeller in a real browser: keys, mouse, undo, a reload in the middle, many classes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from label_data import write_pets, write_picture

from autotl.patch import patch_file, read_patch
from autotl_ui.workspace import Workspace

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser test needs: pip install playwright")
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAUNCH = "import sys; from autotl_ui.launch import main; main(int(sys.argv[1]))"
PATIENCE_MS = 30_000
PROBES = "/_stcore/"
"""Streamlit asks for these below a page's address too, where they are not."""

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: apt-get install chromium)")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Cats and dogs, and eight pictures without a label, of which the third cannot be shown."""
    one = write_pets(Workspace(tmp_path), n_unlabelled=8)
    (one.path / "unlabelled" / "2.png").write_bytes(b"no picture")
    return one.path


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "AUTOTL_WORKSPACE": str(tmp_path)}
    command = [sys.executable, "-c", LAUNCH, str(port)]
    server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/label"
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture
def tab(address: str, pets: Path) -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        opened = browser.new_page()
        opened.set_default_timeout(PATIENCE_MS)
        opened.problems = []
        opened.on(
            "console",
            lambda m: opened.problems.append(m.text) if m.type == "error" and PROBES not in str(m.location) else None,
        )
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        opened.goto(address)
        begin(opened)
        yield opened
        assert opened.problems == []
        assert opened.locator('[data-testid="stException"]').count() == 0
        browser.close()


def begin(tab: Any) -> None:
    tab.locator(".labeller .frame img").wait_for()


def press(tab: Any, *keys: str) -> None:
    for key in keys:
        tab.keyboard.press(key)


def stand(tab: Any, text: str) -> None:
    """Wait until the labeller says that it is at this picture, and everything so far is saved."""
    tab.locator(".labeller .count", has_text=text).wait_for()
    tab.locator(".labeller .kept", has_text="Saved").wait_for()


def labels(pets: Path) -> dict[str, str]:
    return {decision.item.removeprefix("unlabelled/"): decision.label for decision in read_patch(patch_file(pets))}


def test_keys_label_and_undo_and_a_reload_loses_nothing(tab: Any, pets: Path) -> None:
    press(tab, "1", "2")  # the third is skipped by itself, for it cannot be shown
    stand(tab, "4 of 8")
    tab.locator(".labeller .news", has_text="number 3").wait_for()
    press(tab, "x", "Space", "2", "u")
    stand(tab, "6 of 8")
    assert labels(pets) == {"0.png": "cat", "1.png": "dog", "3.png": ""}
    press(tab, "ArrowLeft", "1")  # what was skipped, after all
    stand(tab, "6 of 8")
    assert labels(pets)["4.png"] == "cat"
    tab.reload()
    begin(tab)
    tab.locator(".labeller .count", has_text="of 4").wait_for()
    assert len(labels(pets)) == 4


def test_a_burst_of_keys_is_kept_whole(tab: Any, pets: Path) -> None:
    press(tab, *"1212121")
    tab.locator(".labeller .frame", has_text="That was all").wait_for()
    tab.locator(".labeller .kept", has_text="Saved").wait_for()
    assert list(labels(pets).values()) == ["cat", "dog", "cat", "dog", "cat", "dog", "cat"]


def test_buttons_do_what_keys_do_and_typing_elsewhere_labels_nothing(tab: Any, pets: Path) -> None:
    tab.locator(".labeller").get_by_role("button", name="dog").click()
    press(tab, "1")  # keys work on after a click
    stand(tab, "4 of 8")
    tab.locator(".labeller").get_by_role("button", name="Undo").click()
    stand(tab, "2 of 8")
    tab.get_by_text("Name and classes").click()
    tab.get_by_role("textbox", name="Your name, if you like").press_sequentially("x1 Ann")
    press(tab, "Enter")
    tab.wait_for_timeout(500)
    assert labels(pets) == {"0.png": "dog"}


def test_with_many_classes_the_first_letters_pick(tab: Any, pets: Path) -> None:
    for number in range(9):
        write_picture(pets / f"bird {chr(ord('a') + number)}" / "0.png", shade=number)
    tab.reload()
    begin(tab)
    press(tab, *"bird", "Space", *"c")  # a name in full needs no Enter
    stand(tab, "2 of 8")
    press(tab, "d", "Enter")  # what begins with it comes before what has a word that does
    stand(tab, "4 of 8")
    assert labels(pets) == {"0.png": "bird c", "1.png": "dog"}
