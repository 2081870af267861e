"""What counts as a word."""

from __future__ import annotations

import pytest

from autotl.texts.words import words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("!?…😀", []),
        ("The Quick_fox, 2 times!", ["the", "quick_fox", "2", "times"]),
        ("don't", ["don", "t"]),
        ("ÜBER Straße", ["über", "straße"]),
        ("漢字 かな x", ["漢", "字", "か", "な", "x"]),
        ("สวัสดี", list("สวัสดี")),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("привет мир", ["привет", "мир"]),
    ],
)
def test_words_are_runs_of_letters_and_in_scripts_without_spaces_characters(text, words):
    assert words_of(text) == words
