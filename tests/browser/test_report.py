"""The report in a real browser: nothing is cut off on a phone, on a screen or on paper, and it asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import browsing
from made_reports import made_contents

from autotl.evidence.said import Said
from autotl.interfaces import Figure, Table
from autotl.predictions import Predictions
from autotl.reports.report import write_report

CLASSES = [f"a rather long name of the class number {i:02d}" for i in range(25)]
PAPER_PIXELS = 680
"""The width of a sheet of A4 between margins of 1.5 cm, at 96 dots an inch."""
TABLE = Table(
    "A wide table",
    ("what kind of image it is", "images", "error", "low", "high", "what it is compared with", "difference", "verdict"),
    tuple(
        (f"kind {i} of images, described at length", 10, 0.1, 0.05, 0.2, "all others", 0.02, "may be chance")
        for i in range(5)
    ),
    note="A note.",
)
FIGURE = Figure(
    "A figure",
    {
        "data": {"values": [{"name": name, "value": i / 25} for i, name in enumerate(CLASSES)]},
        "mark": "bar",
        "encoding": {"y": {"field": "name", "type": "nominal"}, "x": {"field": "value", "type": "quantitative"}},
    },
    alt="bars",
)
# Pixels by which a part of the page sticks out of its box, or of the page, with the words it begins with.
CUT = """() => [...document.querySelectorAll("body *")]
    .filter(e => !e.closest("svg") && getComputedStyle(e).display !== "inline")
    .map(e => [Math.max(e.getBoundingClientRect().right - innerWidth, 0), e.tagName, e.textContent.trim().slice(0, 40)])
    .filter(([pixels]) => pixels > 1)"""


@pytest.fixture
def report(toy_dataset: Any, plugins: Any, tmp_path: Path) -> Path:
    """A report of 25 classes with long names, many mistakes, a wide table and a figure."""
    folder = tmp_path / "run"
    labels = np.arange(500) % 25
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(25, 0.3), 500) + np.eye(25)[labels] * 0.5
    tested = Predictions(np.arange(500), labels, probabilities / probabilities.sum(axis=1, keepdims=True))
    said = (Said("subgroups", (TABLE, FIGURE), ("one sentence", "another")),)
    run, contents = made_contents(folder, toy_dataset([CLASSES[i] for i in labels]), tested, plugins, said=said)
    write_report(run, contents)
    return folder / "report.html"


@pytest.fixture
def browser() -> Iterator[Any]:
    with browsing() as found:
        yield found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_never_scrolls_sideways_and_asks_for_nothing(report, browser, width, dark):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: problems.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not problems
    ink, paper = (page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor"))
    bright = [sum(map(int, colour[4:-1].split(", "))) / 3 for colour in (ink, paper)]
    assert (bright[0] > 200 > 60 > bright[1]) if dark else (bright[0] < 60 < 200 < bright[1])


def test_on_paper_no_column_is_cut_and_all_is_dark_on_white(report, browser, tmp_path):
    page = browser.new_page(viewport={"width": PAPER_PIXELS, "height": 900}, color_scheme="dark")
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate(CUT) == []
    hidden = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert page.evaluate(hidden) == 0
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 39, 51)"
    page.pdf(path=tmp_path / "report.pdf", format="A4", margin=dict.fromkeys(("left", "right"), "1.5cm"))
    assert (tmp_path / "report.pdf").stat().st_size > 20_000


def test_a_table_that_is_wider_than_a_phone_can_be_scrolled_to_its_end(report, browser):
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(report.as_uri())
    boxes = "[...document.querySelectorAll('.scroll')]"
    assert page.evaluate(f"{boxes}.some(e => e.scrollWidth > e.clientWidth)")
    assert page.evaluate(f"{boxes}.every(e => getComputedStyle(e).overflowX == 'auto')")
