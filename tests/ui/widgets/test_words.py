"""Text that others wrote, as a page shows it."""

from __future__ import annotations

import re

import pytest

from autotl.data.item_kinds import IMAGES, TEXTS
from autotl_ui.widgets.words import plain, unlinked, worded


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("1. first", "1\\. first"),
        ("2) second", "2\\) second"),
        ("- dash", "\\- dash"),
        ("+ plus", "\\+ plus"),
        ("    code", " code"),
        ("&lt;b&gt;", "\\&lt;b\\&gt;"),
        ("a\n# heading\n---", "a\n\\# heading\n\\---"),
        (":red[*x*]", "\\:red\\[\\*x\\*\\]"),
        ("a\u202eb", "a\ufffdb"),
        ("x-y, 1.5, a=b", "x-y, 1.5, a=b"),
    ],
)
def test_no_name_becomes_markdown(text: str, escaped: str) -> None:
    assert plain(text) == escaped


@pytest.mark.parametrize("text", ["see https://a.example/b", "HTTP://a.example", "www.a.example", "me+you@a.example"])
def test_what_looks_like_an_address_is_shown_as_it_is_and_leads_nowhere(text: str) -> None:
    shown = unlinked(text)
    assert shown.replace("\u2060", "") == text
    assert not re.search(r"https?://|www\.|\w@", shown, re.IGNORECASE)


@pytest.mark.parametrize("text", ["models:/my pets@champion", "sqlite:////tmp/a.db", "wwwild", "a@b"])
def test_what_no_browser_takes_for_an_address_stays(text: str) -> None:
    assert unlinked(text) == text


@pytest.mark.parametrize(
    ("said", "of_texts"),
    [
        ("An image of 12 images, imagined.", "A text of 12 texts, imagined."),
        ("Images at 1x256 pixels", "Texts at 256 tokens"),
        ("word-counts at 1x1 pixels did best", "word-counts did best"),
        (":material/broken_image:", ":material/broken_image:"),
    ],
)
def test_a_sentence_about_images_is_worded_for_texts(said: str, of_texts: str) -> None:
    assert worded(said, TEXTS) == of_texts
    assert worded(said, IMAGES) == said
