"""Thousands of pictures dropped at once on the app's data page, in a real Chromium.

Prints a table and a JSON line: seconds from the drop until the dataset is there, files that arrived whole, and by how
much the server's memory grew (at its peak, and afterwards). Usage: bench_ui_upload.py [N_FILES]; 3,000 by default, of
about 20 kB in 10 classes. Needs playwright and Chromium, and is passed over without them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

N_FILES, N_CLASSES, EDGE_PIXELS = 3000, 10, 144
PATIENCE_SECONDS = 180
LAUNCH = "import sys; from autotl_ui.launch import main; main(int(sys.argv[1]))"


def main() -> None:
    """Drop one folder on one fresh app."""
    n_files = int(sys.argv[1]) if len(sys.argv) > 1 else N_FILES
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with contextlib.suppress(ImportError):
        from playwright.sync_api import sync_playwright

        if chromium:
            with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
                row = _measure(playwright, chromium, Path(scratch), n_files)
            print(f"{'files':>6} {'MB':>6} {'seconds':>8} {'whole':>6} {'peak +MB':>9} {'after +MB':>10}")
            print(
                f"{row['files']:>6} {row['megabytes']:>6.0f} {row['seconds']:>8.1f} {row['whole']:>6} "
                f"{row['peak_growth_mb']:>9.0f} {row['growth_mb']:>10.0f}"
            )
            print(json.dumps(row))
            return
    print("passed over: it needs playwright and Chromium")


def _measure(playwright: Any, chromium: str, scratch: Path, n_files: int) -> dict[str, Any]:
    photos, workspace = scratch / "photos", scratch / "workspace"
    workspace.mkdir()
    sent = _write_pictures(photos, n_files)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(port)],
        env={**os.environ, "AUTOTL_WORKSPACE": str(workspace)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
    try:
        page = _open(browser, port)
        memory = _Memory(server.pid)
        started = time.monotonic()
        _drop(page, photos)
        while not list((workspace / "autotl-data").glob("*.dataset.json")):
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise TimeoutError("the dataset did not appear")
            time.sleep(0.05)
        seconds = time.monotonic() - started
        time.sleep(3)
        peak, after = memory.stop()
    finally:
        browser.close()
        server.terminate()
        server.wait(timeout=20)
    arrived = _contents(workspace / "autotl-data" / "photos")
    return {
        "files": n_files, "megabytes": sum(path.stat().st_size for path in photos.rglob("*.jpg")) / 1e6,
        "seconds": round(seconds, 1), "whole": sum(arrived.get(path) == digest for path, digest in sent.items()),
        "peak_growth_mb": round(peak, 1), "growth_mb": round(after, 1),
    }  # fmt: skip


def _write_pictures(folder: Path, n_files: int) -> dict[str, str]:
    for i in range(n_files):
        path = folder / f"class-{i % N_CLASSES}" / f"{i:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((EDGE_PIXELS, EDGE_PIXELS), 60).convert("RGB").save(path, quality=92)
    return _contents(folder)


def _contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.jpg")
    }


def _open(browser: Any, port: int) -> Any:
    page = browser.new_page()
    for _ in range(100):
        try:
            page.goto(f"http://127.0.0.1:{port}/")
            break
        except Exception:
            time.sleep(0.3)
    page.locator(".zone").wait_for(timeout=60_000)
    page.wait_for_timeout(2000)
    return page


def _drop(page: Any, folder: Path) -> None:
    """Drag a real folder onto the page, through the browser's debugging protocol."""
    box = page.locator(".zone").bounding_box()
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 20}
    protocol = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        protocol.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})


class _Memory:
    """Watches by how many megabytes a process grows."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._before = self._peak = self._now()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[float, float]:
        """The growth at its peak, and now."""
        self._stopped.set()
        self._thread.join()
        return self._peak - self._before, self._now() - self._before

    def _watch(self) -> None:
        while not self._stopped.wait(0.05):
            self._peak = max(self._peak, self._now())

    def _now(self) -> float:
        return float(self._process.memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
