"""From a table of photos and descriptions to a model of both, in a real browser."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from browsing import eventually, sound
from pairs_on_disk import write_listing
from playwright.sync_api import expect

SEARCH_MS = 600_000


@pytest.fixture
def listing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of 48 photos with descriptions, and the photos."""
    folder = tmp_path_factory.mktemp("desk") / "my listing"
    write_listing(folder)
    return folder


def tried_alone(workspace: Path) -> set[str]:
    """The parts whose default source is on the leaderboard."""
    [board] = [*workspace.glob("autotl-runs/*/leaderboard.csv")] or [None]
    rows = board.read_text(encoding="utf-8").splitlines() if board else []
    sources = {"efficientnet-lite0": "image", "minilm-l6-v2": "text"}
    return {part for name, part in sources.items() if any(f",complete,probe,{name}," in row for row in rows)}


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_images_and_texts_are_learned_from_together_and_tried_together(tab: Any, listing: Path, tmp_path: Path) -> None:
    tab.get_by_role("group", name="Upload images").wait_for()
    tab.locator("input.pick-folder").set_input_files(listing)
    tab.get_by_role("heading", name="my listing").wait_for()
    tab.get_by_text("Not right? Choose the columns").click()
    tab.get_by_role("combobox", name="The column that holds the texts").click()
    tab.get_by_role("option", name="description").click()
    tab.get_by_role("button", name="Read these columns").click()
    tab.get_by_text("pairs of images").wait_for()
    tab.get_by_role("radio", name="Pairs").click()
    figure = tab.get_by_role("checkbox", name=re.compile("row-000001"))
    expect(figure.locator("img")).to_be_visible()
    expect(figure.locator("blockquote")).not_to_have_text("…")
    sound(tab)

    tab.get_by_role("button", name="Train on this").click()
    tab.get_by_role("heading", name="Train a model").wait_for()
    tab.get_by_role("radio", name="10 min").click()
    tab.get_by_role("button", name="Start").click()
    eventually(tab, lambda: {"image", "text"} <= tried_alone(tmp_path), within_ms=SEARCH_MS)
    tab.get_by_role("button", name="Stop and keep the best model").click()
    tab.get_by_role("button", name="See the results").click(timeout=SEARCH_MS)
    tab.get_by_role("tab", name="Evidence").click()
    tab.get_by_role("heading", name="What does each part bring?").wait_for()
    expect(tab.get_by_text("Image and text together reach").first).to_be_visible()
    sound(tab)

    tab.get_by_role("link", name="Try", exact=True).click()
    photo = tmp_path / "new.png"
    shutil.copy(listing / "photos" / "000.png", photo)
    tab.locator("input[type=file]").first.set_input_files(photo)
    tab.get_by_label("Its text").fill("The wine data set: alcohol, malic acid, and the colour intensity of each wine.")
    said = tab.locator("p", has=tab.locator("strong")).filter(has_text="%").first

    def is_classified() -> bool:
        """Press the button; until the image is uploaded, the page asks for it."""
        tab.get_by_role("button", name="Classify").first.click()
        expect(said.or_(tab.get_by_text("Add the image, too.")).first).to_be_visible()
        return bool(said.all())

    eventually(tab, is_classified)
    expect(said).to_have_text(re.compile(r"[01] (wine|cancer) [\d.]+ %"))
    sound(tab)

    tab.get_by_role("link", name="Label", exact=True).click()
    count = tab.locator(".labeller .count")
    expect(count).to_have_text(re.compile("^1 of "))
    both = tab.locator(".both")
    expect(both.locator("img")).to_be_visible()
    expect(both.locator("article")).not_to_be_empty()
    tab.keyboard.press("1")
    expect(count).to_have_text(re.compile("^2 of "))
    expect(tab.get_by_text("Saved", exact=True)).to_be_visible()
    sound(tab)
