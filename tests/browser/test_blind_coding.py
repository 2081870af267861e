"""Coding a sample in a real browser: with the keys, by name, and nothing to see of what others said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import made_runs
import pytest
from browsing import eventually, settled, sound
from playwright.sync_api import expect

from autotl.runs.validation import in_force, read_codings, read_sample, validation_folder
from autotl.workflows.people_sample import draw_sample

pytestmark = pytest.mark.heavy


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "autotl-runs" / "shapes"
    made_runs.write_finished(folder)
    draw_sample(folder, 4, sheet=tmp_path / "sheet.csv")
    return folder


def begin(tab: Any, coder: str) -> None:
    tab.goto(f"{tab.url.split('/label')[0].rstrip('/')}/label")
    tab.get_by_text("Code a sample, blind").click()
    settled(tab)
    name = tab.get_by_role("textbox", name="Your name")
    name.fill(coder)
    name.press("Enter")
    tab.locator(".labeller .frame img").wait_for()


def labels(run: Path, coder: str) -> list[str]:
    found = in_force(read_codings(validation_folder(run)))
    items = read_sample(validation_folder(run)).items
    return [found[item, coder].label if (item, coder) in found else "" for item in items]


def test_keys_code_one_person_after_another(run: Path, tab: Any) -> None:
    first, second, third = sorted(made_runs.CLASSES)
    begin(tab, "Ann")
    for key in ("1", "2", "x", "3", "u", "3"):  # x would exclude an image elsewhere; here it is no key
        tab.keyboard.press(key)
    expect(tab.locator(".labeller .count")).to_have_text("4 of 4")
    eventually(tab, lambda: labels(run, "Ann") == [first, second, third, ""])
    expect(tab.get_by_role("button", name="Exclude")).to_have_count(0)
    begin(tab, "Ann")  # who comes back goes on with what is left
    expect(tab.locator(".labeller .count")).to_have_text("1 of 1")
    begin(tab, "Bo")
    expect(tab.locator(".labeller .count")).to_have_text("1 of 4")
    for name in made_runs.CLASSES:
        expect(tab.locator(".labeller .reason")).not_to_contain_text(name)
    sound(tab)
