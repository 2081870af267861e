"""A page is drawn little by little: a test waits for what must become true, and never asks at once or after a while."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

AT_ONCE = re.compile(
    r"assert\b.*(\.count\(\)|\.is_(checked|visible|hidden|enabled|disabled|editable)\(|\.(inner_text|text_content|"
    r"input_value|get_attribute|inner_html|all_inner_texts|all_text_contents)\(|\btab\.url\b)"
)
AFTER_A_WHILE = re.compile(r"wait_for_timeout\(|time\.sleep\(")


@pytest.mark.parametrize("file", sorted(Path(__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_browser_tests_wait_with_expect(file: Path) -> None:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if file != Path(__file__):
            assert not AT_ONCE.search(line), f"{file.name}:{number} asks at once; use playwright's expect"
            assert not AFTER_A_WHILE.search(line), f"{file.name}:{number} sleeps; wait for a condition with expect"


@pytest.mark.parametrize(
    "line",
    [
        "    assert tab.get_by_text('x').count() == 0",
        "assert desk.get_by_role('switch').is_checked()",
        "    assert title.inner_text() == before",
        "    assert 'run=good' in tab.url",
    ],
)
def test_what_asks_at_once_is_recognised(line: str) -> None:
    assert AT_ONCE.search(line)
