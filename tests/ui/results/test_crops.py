"""The evidence for crops shows the sheet of images that the run keeps of them."""

from __future__ import annotations

import json
from pathlib import Path

import made_runs
from app_pages import open_page, open_section, words
from PIL import Image

from autotl.evidence.panels import CORE, CROPS, ShownPanel
from autotl.runs.crops import SHEET_TITLE, crop_sheet


def test_the_sheet_stands_beside_what_is_said_and_only_where_there_is_one(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    panel = ShownPanel(CROPS, CORE, (), sentences=("The model looks at faces.",))
    (runs / "good" / "evidence" / "panels.json").write_text(json.dumps([panel.to_json()]), encoding="utf-8")
    without = open_section(open_page("results", run="good"), "Evidence")
    assert "The model looks at faces" in words(without)
    assert SHEET_TITLE not in words(without)
    Image.new("RGB", (8, 8)).save(crop_sheet(runs / "good"))
    app = open_section(open_page("results", run="good"), "Evidence")
    assert not app.exception
    assert SHEET_TITLE in words(app)
    assert len(app.image) == 1
