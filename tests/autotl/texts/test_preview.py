"""The beginning of a text fits on a page."""

from __future__ import annotations

from autotl.texts.preview import escaped_excerpt, excerpt, excerpt_of_file


def test_a_short_text_is_shown_as_it_is_on_one_line():
    assert excerpt("  One\n\n two\tthree ") == "One two three"
    assert excerpt("") == ""


def test_a_long_one_is_cut_at_a_word():
    assert excerpt("one two three four", 9) == "one two…"
    assert excerpt("one two three four", 7) == "one two…"
    assert excerpt("x" * 50, 9) == "x" * 9 + "…"
    assert excerpt("one" + " " * 500 + "two", 9) == "one…"
    assert len(excerpt("word " * 10**6)) <= 201


def test_markup_is_escaped():
    assert (
        escaped_excerpt("<script>alert('1 & 2')</script>")
        == "&lt;script&gt;alert(&#x27;1 &amp; 2&#x27;)&lt;/script&gt;"
    )
    assert escaped_excerpt("&" * 300, 5) == "&amp;" * 5 + "…"


def test_what_would_turn_the_page_around_is_left_out():
    assert excerpt("a\u202eb\u2066c שלום") == "abc שלום"


def test_a_file_that_is_not_a_text_has_no_preview(tmp_path):
    (tmp_path / "a.html").write_bytes(b"<p>Hello</p>")
    (tmp_path / "b.txt").write_bytes(b"%PDF-")
    assert excerpt_of_file(tmp_path / "a.html") == "Hello"
    assert excerpt_of_file(tmp_path / "b.txt") == ""
