"""From a folder of texts to predictions of new ones, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from browsing import eventually, sound
from playwright.sync_api import expect

SEARCH_MS = 240_000
_THINGS = ("film", "concert", "book", "dinner", "journey", "speech", "match", "garden", "hotel", "lecture")
_JUDGEMENTS = {
    "praise": ("wonderful and moving", "a great joy", "brilliant from beginning to end", "warm and very funny"),
    "blame": ("dull and far too long", "a sad failure", "boring from beginning to end", "cold and badly made"),
}


@pytest.fixture
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 short reviews that praise or blame, and two long ones without a label."""
    folder = tmp_path_factory.mktemp("desk") / "reviews of mine"
    for label, judgements in _JUDGEMENTS.items():
        for number, thing in enumerate(_THINGS * 4):
            said = judgements[number // len(_THINGS)]
            file = folder / label / f"{number:02d}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"On day {number * 3} we came to the {thing}; it was {said}.", encoding="utf-8")
    (folder / "unlabelled").mkdir()
    for number in range(2):
        lines = "\n".join(f"Line {line} of review {number}." for line in range(100))
        (folder / "unlabelled" / f"{number}.txt").write_text(lines, encoding="utf-8")
    return folder


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_upload_label_train_look_at_the_mistakes_and_try(tab: Any, reviews: Path, tmp_path: Path) -> None:
    tab.get_by_role("group", name="Upload images").wait_for()
    tab.locator("input.pick-folder").set_input_files(reviews)
    tab.get_by_role("heading", name="reviews of mine").wait_for()
    expect(tab.locator("blockquote").first).to_contain_text("we came to the")
    sound(tab)
    tab.get_by_role("radio", name="Texts").click()
    tab.get_by_role("checkbox", name="blame/00.txt").click()
    tab.get_by_role("button", name="Exclude").click()
    tab.get_by_text("39 texts.").wait_for()
    [patch] = (tmp_path / "autotl-data").glob("*.patch.csv")
    assert patch.read_text().splitlines()[1].startswith("exclude,blame/00.txt")
    sound(tab)

    tab.get_by_role("link", name="Label", exact=True).click()
    article = tab.get_by_role("document", name="The text to label")
    expect(article).to_contain_text("Line 99 of review 0.")
    tab.keyboard.press("PageDown")
    eventually(tab, lambda: article.evaluate("(one) => one.scrollTop") > 0)
    tab.keyboard.press("2")
    expect(article).to_contain_text("Line 99 of review 1.")
    eventually(tab, lambda: "relabel,unlabelled/0.txt,praise" in patch.read_text())
    sound(tab)

    tab.get_by_role("link", name="Data", exact=True).click()
    tab.get_by_role("button", name="Train on this").click()
    tab.get_by_role("heading", name="Train a model").wait_for()
    tab.get_by_role("radio", name="1 min").click()
    tab.get_by_role("button", name="Start").click()
    tab.get_by_role("button", name="See the results").click(timeout=SEARCH_MS)
    tab.get_by_text("What it gets wrong").wait_for()
    expect(tab.locator("blockquote").first).to_contain_text("we came to the")
    sound(tab)

    tab.get_by_role("link", name="Try", exact=True).click()
    tab.get_by_label("A text").fill("Yesterday we saw the play; it was wonderful and very funny.")
    tab.get_by_role("button", name="Classify").first.click()
    said = tab.locator("p", has=tab.locator("strong")).filter(has_text="%").first
    expect(said).to_have_text(re.compile(r"praise [\d.]+ %"))
    tab.get_by_text("Which words speak for it?").click()
    tab.get_by_text("Blue words speak for praise").wait_for()
    sound(tab)
