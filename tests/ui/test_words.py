"""Text that others wrote, as a page shows it."""

from __future__ import annotations

import pytest

from autotl_ui.words import plain


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
