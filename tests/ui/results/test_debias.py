"""The section about methods against bias: what was tried, and the command that tries them."""

from __future__ import annotations

from pathlib import Path

import made_runs
import pytest
from app_pages import open_page, open_section, words
from made_debias import made_method, made_outcome
from streamlit.testing.v1 import AppTest

from autotl.runs.debias import write_outcome


@pytest.fixture
def run(runs: Path) -> Path:
    made_runs.write_finished(runs / "good")
    return runs / "good"


def shown() -> AppTest:
    return open_section(open_page("results", run="good"), "Methods against bias")


def test_before_anything_was_tried_the_command_is_shown(run: Path) -> None:
    app = shown()
    assert "trained again so that it does better" in words(app)
    assert any(f"autotl debias {run}" in code.value for code in app.code)


def test_the_outcomes_of_all_attributes_are_shown(run: Path) -> None:
    write_outcome(run, made_outcome(made_method("dfr"), failed="it broke"))
    write_outcome(run, made_outcome(made_method("group-dro", gain=0.0), by=None))
    app = shown()
    said = words(app)
    for text in ("Dfr is better: by 0.3", "group-dro is undecided".capitalize(), "jtt: it broke", "db-vae"):
        assert text in said
    assert len(app.dataframe) == 4
