"""A page is drawn little by little: a test waits for what must become true, and never asks at once or after a while."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# Nothing waits in these, wherever the answer goes; `eventually` asks again.
STATES = r"\.count\(\)|\.is_(checked|visible|hidden|enabled|disabled|editable)\(|\.query_selector|\.eval_on_selector"
TEXTS = (
    r"\.(inner_text|text_content|input_value|get_attribute|inner_html|all|all_inner_texts|all_text_contents|title)\(|"
    r"\b(tab|page|desk|other)\.url\b"
)
AT_ONCE = re.compile(rf"^(?!.*\beventually\().*({STATES})|\b(assert|if|elif|while)\b.*({TEXTS})|({TEXTS}).*[!=]= ")
AFTER_A_WHILE = re.compile(r"wait_for_timeout\(|\bsleep\(|networkidle|setTimeout\(")


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
        "    found = tab.get_by_text('x').count()",
        "    if tab.get_by_role('button').is_visible():",
        "while not desk.get_by_role('switch').is_checked():",
        "    same = title.inner_text() == before",
        "    if other.url.endswith('label'):",
        "    assert [row.inner_text() for row in tab.locator('tr').all()] == []",
        "    image = tab.query_selector('img')",
    ],
)
def test_what_asks_at_once_is_recognised(line: str) -> None:
    assert AT_ONCE.search(line)


@pytest.mark.parametrize("line", ["sleep(1)", "tab.wait_for_load_state('networkidle')", "tab.wait_for_timeout(100)"])
def test_what_waits_for_a_while_is_recognised(line: str) -> None:
    assert AFTER_A_WHILE.search(line)


@pytest.mark.parametrize("line", ["eventually(tab, lambda: tab.get_by_text('x').count() == 2)", "other.goto(desk.url)"])
def test_what_waits_for_a_condition_passes(line: str) -> None:
    assert not AT_ONCE.search(line)
