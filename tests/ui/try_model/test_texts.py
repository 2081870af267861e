"""Texts on the Try page: typed, in files and in tables, with the words that speak for the answer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import made_runs
import pytest
from app_pages import open_page, words
from made_texts import write_text_model

from autotl.deploy.word_attributions import WordEvidence
from autotl_ui.jobs import jobs
from autotl_ui.try_model.word_reasons import coloured, strongest


@pytest.fixture
def run(runs: Path) -> str:
    """A finished run whose model takes texts."""
    made_runs.write_finished(runs / "good")
    state = json.loads((runs / "good" / "run.json").read_text(encoding="utf-8"))
    (runs / "good" / "run.json").write_text(json.dumps({**state, "modality": "text"}), encoding="utf-8")
    shutil.rmtree(runs / "good" / "champion")
    write_text_model(runs / "good" / "champion")
    return "good"


def test_a_typed_text_and_a_file_are_classified(run: str) -> None:
    app = open_page("try", run=run)
    assert not app.toggle
    app.text_area(key="typed").set_value("What a wonderful film")
    app.button(key="classify-text").click().run()
    assert not app.exception
    assert "**good** 88.1 %" in words(app)
    mail = b"Subject: dull\r\nContent-Type: text/plain\r\n\r\nA dull evening.\r\n"
    app.file_uploader(key="text-files").set_value(
        [("a.eml", mail, "message/rfc822"), ("b.txt", b"\0\1" * 99, "")]
    ).run()
    assert not app.exception
    assert "**bad** 98.2 %" in words(app)
    assert "b.txt cannot be read as a text" in words(app)


def test_a_table_that_is_uploaded_is_classified_row_by_row(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **_: commands.append(arguments))
    app = open_page("try", run=run)
    app.selectbox(key="batch-data").set_value("\0uploaded").run()
    app.button(key="classify").click().run()
    assert "Upload a table first" in words(app)
    app.file_uploader(key="text-table").set_value([("new.csv", b"said,when\na dull film,1\nwonderful,2\n", "")]).run()
    app.selectbox(key="text-table-column").set_value("said").run()
    app.button(key="classify").click().run()
    assert not app.exception
    [command] = commands
    assert Path(command[2]).read_bytes().startswith(b"said,when")
    assert command[-2:] == ["--text", "said"]


def test_words_are_coloured_by_what_they_speak_for_and_nothing_in_them_is_html() -> None:
    found = WordEvidence(1, 0, 2.0, (("<b>Wonderful,</b>", 2.0), ("but", 0.0), ("dull", -1.0)), 0.0, "exact")
    page = coloured(found)
    assert "<b>" not in page and "&lt;b&gt;Wonderful" in page
    assert page.count("<span") == 2
    assert strongest(WordEvidence(1, 0, 2.0, (("Fine,", 1.0), ("fine", 0.5), ("dull", -1.0)), 0.0, "exact")) == ["fine"]
