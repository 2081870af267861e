"""What a page shows is its text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotl.texts.html_text import shown_text


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<p>One</p><p>two <b>bo</b>ld</p>", "One\ntwo bold"),
        ("a\n  b<br>c<br/>d", "a b\nc\nd"),
        ("<html><head><title>T</title><style>p {}</style></head><body>B</body></html>", "T\nB"),
        ("x<SCRIPT type='a>b'>if (1 < 2) </p> y()</script >z", "xz"),
        ("a<!-- <p>no</p> -->b<!DOCTYPE html><?xml v='1'?>c", "abc"),
        ("a<!-- for ever <p>no</p>", "a"),
        ("a<style>for ever <p>no</p>", "a"),
        ("1 < 2 &lt; 3 &amp;amp; &eacute;&#233;&#xe9; &nbsp; &unknown;", "1 < 2 < 3 &amp; ééé &unknown;"),
        ('<a title="a > b" href=x>link</a>', "link"),
        ("<p title=it's>text</p>", "text"),
        ("<td>1</td><td>2</td>", "1\n2"),
        ("<template/>shown<svg><text>hidden</text></svg>", "shown"),
        ("plain", "plain"),
        ("", ""),
        ("unfinished <b", "unfinished <b"),
    ],
)
def test_tags_are_left_out_and_blocks_are_lines(source, shown):
    assert shown_text(source) == shown


@given(st.text(alphabet="ab<>/!-'\" =&;#script\n", max_size=80))
def test_any_source_gives_a_text(source):
    assert isinstance(shown_text(source), str)


@pytest.mark.parametrize("part", ["<!--", "<a ", "<", "<!", "</", "<![CDATA[", "<script>", '<a x="', "<a a='", "&#"])
def test_the_time_grows_with_the_length_only(part):
    began = time.perf_counter()
    shown_text(part * (1_000_000 // len(part)))
    assert time.perf_counter() - began < 20
