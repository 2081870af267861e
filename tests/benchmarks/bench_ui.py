"""How fast the app answers, and whether its memory grows, while a real search uses every core: in a real browser.

One server, one Chromium, 200 clicks: from page to page, to the running search and its tabs.
A click's latency is the time until what it leads to is on the screen. Needs Chromium and playwright.
Usage: bench_ui.py [N_CLICKS] [idle | greedy]; to compare with: without a search, or with one that does not step back.
Prints a table and a JSON line.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAUNCH = "import sys; from autotl_ui.launch import main; main(int(sys.argv[1]))"
DRAWN = """before => {
    const title = document.querySelector("h1"), app = document.querySelector(".stApp");
    return title && title.innerText !== before && app.dataset.testScriptState === "notRunning";
}"""
"""Another page is there, whole."""
GREEDY = "from autotl_ui.jobs.lanes import LANES, Lane; LANES['fit'] = Lane('search', 1, 0); "
WARM_UP = 20
"""The first clicks load the pages' code, and their memory is no growth."""


def main() -> None:
    """Start the app, a search in it, and click."""
    from playwright.sync_api import sync_playwright

    n_clicks = next((int(text) for text in sys.argv[1:] if text.isdigit()), 200)
    chromium = next(
        found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))
    )
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        workspace = Path(scratch)
        _lay_out(workspace)
        port = _free_port()
        environment = {**os.environ, "AUTOTL_WORKSPACE": scratch, "PYTHONPATH": str(ROOT)}
        launch = (GREEDY if "greedy" in sys.argv else "") + LAUNCH
        server = subprocess.Popen([sys.executable, "-c", launch, str(port)], env=environment, stdout=subprocess.DEVNULL)
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
            tab = browser.new_page()
            tab.set_default_timeout(30_000)
            _wait_for(port)
            tab.goto(f"http://127.0.0.1:{port}/train")
            if "idle" not in sys.argv:
                _start_search(tab)
            rows = _click(tab, n_clicks, psutil.Process(server.pid))
            browser.close()
        finally:
            server.terminate()
            server.wait(timeout=20)
            _stop_searches(workspace)
    _report(rows)


def _lay_out(workspace: Path) -> None:
    """A dataset of 1,797 images."""
    from autotl.cli.demo import write_digits
    from autotl_ui.workspace.data_sets import DataSet, save_data_set
    from autotl_ui.workspace.workspace import Workspace

    write_digits(workspace / "digits")
    save_data_set(Workspace(workspace), DataSet("digits", "Digits", workspace / "digits"))


def _start_search(tab: Any) -> None:
    tab.get_by_text("2 h", exact=True).click()
    tab.get_by_role("button", name="Start").click()
    # From its first trials on it uses every core.
    tab.locator('[data-testid="stVegaLiteChart"]').first.wait_for(timeout=240_000)


def _click(tab: Any, n_clicks: int, server: psutil.Process) -> list[dict[str, float]]:
    """Click through the app; a row for each click: its latency, the server's memory, and how busy the machine was."""
    rows = []
    psutil.cpu_percent()
    for number, (name, click) in zip(range(WARM_UP + n_clicks), cycle(_clicks(tab)), strict=False):
        began = time.perf_counter()
        click()
        seconds = time.perf_counter() - began
        if number >= WARM_UP:
            busy = psutil.cpu_percent()
            rows.append(
                {"what": name, "seconds": seconds, "mb": server.memory_info().rss / 1e6, "busy": busy}
            )  # fmt: skip
        tab.wait_for_timeout(250)
    return rows


def _clicks(tab: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    """What is clicked, and how one sees that it was answered."""

    def go(link: str) -> Callable[[], None]:
        def click() -> None:
            before = tab.locator("h1").first.inner_text()
            tab.get_by_test_id("stSidebarNav").get_by_role("link", name=link, exact=True).click()
            tab.wait_for_function(DRAWN, arg=before)

        return click

    def watch() -> None:
        tab.get_by_role("link", name="running").or_(tab.get_by_role("link", name="starting")).first.click()
        tab.get_by_text("so far, about").first.wait_for()

    def open_tab(name: str) -> Callable[[], None]:
        def click() -> None:
            tab.get_by_role("tab", name=name).click()
            tab.locator(f'[role="tab"][aria-selected="true"]:has-text("{name}")').wait_for()

        return click

    yield "to Data", go("Data")
    yield "to Train", go("Train")
    if "idle" not in sys.argv:
        yield "to the running search", watch
        yield "to a tab", open_tab("History")
        yield "to a tab", open_tab("Trials")
    yield "to Results", go("Results")
    yield "to Label", go("Label")
    yield "to Models", go("Models")


def _report(rows: list[dict[str, Any]]) -> None:
    print(f"{'click':<24}{'n':>5}{'median s':>10}{'95th %':>9}{'worst':>8}")
    for name in [*dict.fromkeys(row["what"] for row in rows), "all"]:
        seconds = sorted(row["seconds"] for row in rows if name in (row["what"], "all"))
        late = seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
        print(f"{name:<24}{len(seconds):>5}{statistics.median(seconds):>10.3f}{late:>9.3f}{seconds[-1]:>8.3f}")
    tenth = max(1, len(rows) // 10)
    first, last = (statistics.median(row["mb"] for row in part) for part in (rows[:tenth], rows[-tenth:]))
    busy = statistics.mean(row["busy"] for row in rows)
    print(f"memory of the app: {first:.0f} MB in the first tenth of the clicks, {last:.0f} MB in the last")
    print(f"the machine was {busy:.0f} % busy")
    print(json.dumps({"n": len(rows), "mb_first": first, "mb_last": last, "busy": busy}))


def _stop_searches(workspace: Path) -> None:
    from autotl_ui.jobs import jobs

    for file in (workspace / "autotl-runs").glob("*.job.json"):
        job = jobs.read(file.with_name(file.name.removesuffix(".job.json")))
        if job and job.alive:
            process = psutil.Process(job.pid)
            process.kill()
            process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the app did not start")


if __name__ == "__main__":
    main()
