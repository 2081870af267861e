"""The beginning of a text fits on a page."""

from __future__ import annotations

from autotl.texts.preview import MOST_CHARACTERS, excerpt, whole_text


def test_a_short_text_is_shown_as_it_is_on_one_line():
    assert excerpt("  One\n\n two\tthree ") == "One two three"
    assert excerpt("") == ""


def test_a_long_one_is_cut_at_a_word():
    assert excerpt("one two three four", 9) == "one two…"
    assert excerpt("one two three four", 7) == "one two…"
    assert excerpt("x" * 50, 9) == "x" * 9 + "…"
    assert excerpt("one" + " " * 500 + "two", 9) == "one…"
    assert len(excerpt("word " * 10**6)) <= 201


def test_what_would_turn_the_page_around_is_left_out():
    assert excerpt("a\u202eb\u2066c שלום") == "abc שלום"


def test_a_whole_text_keeps_its_lines_up_to_some_length():
    assert whole_text("a\n\n  b\u202e") == "a\n\n  b"
    assert whole_text("x" * MOST_CHARACTERS) == "x" * MOST_CHARACTERS
    assert whole_text("x" * 10**6) == "x" * MOST_CHARACTERS + "…"
