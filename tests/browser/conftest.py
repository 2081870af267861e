"""The app, served, and an open page of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import PATIENCE_MS, browsing, free_port, serving


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The app, serving the test's own folder as the workspace."""
    with serving(tmp_path, free_port()) as found:
        yield found


@pytest.fixture
def tab(address: str, tmp_path: Path) -> Iterator[Any]:
    """An open page of the app, with the list `problems` of what went wrong in it; skipped without a browser."""
    with browsing() as browser:
        opened = browser.new_page()
        opened.set_default_timeout(PATIENCE_MS)
        opened.problems = []
        opened.on("console", lambda m: opened.problems.append(m.text) if m.type == "error" else None)
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        # Whatever is not the app's own address would leave this machine.
        opened.on("request", lambda r: opened.problems.append(r.url) if _foreign(r.url, address) else None)
        opened.goto(address)
        yield opened
        opened.screenshot(path=tmp_path / "last-seen.png")


def _foreign(url: str, address: str) -> bool:
    return url.startswith(("http:", "https:")) and not url.startswith(address)
