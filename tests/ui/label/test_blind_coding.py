"""The Label page takes codings of a sample: by name, blind, and compares them with the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_runs
import pytest
from app_pages import open_page, words
from label_data import write_pets
from streamlit.testing.v1 import AppTest

from autotl.evidence.run_evidence import read_evidence
from autotl.runs.validation import keep_answers, read_codings, read_sample, validation_folder
from autotl.workflows.people_sample import draw_sample
from autotl_ui.label import blind_coding
from autotl_ui.label.blind_coding import CODE
from autotl_ui.label.coding_session import KEY
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def run(runs: Path) -> Path:
    made_runs.write_finished(runs / "shapes")
    return runs / "shapes"


def coding_page(coder: str = "") -> AppTest:
    app = open_page("label")
    app.segmented_control(key="label-purpose").set_value(CODE).run()
    if coder:
        begin(app, coder)
    assert not app.exception
    return app


def begin(app: AppTest, coder: str) -> None:
    if "other-coder" in [one.key for one in app.button]:
        app.button(key="other-coder").click().run()
    app.text_input(key="coder-name").set_value(coder)
    app.button(key="begin-coding").click().run()
    assert not app.exception


def data_of(app: AppTest) -> dict[str, Any]:
    [component] = app.get("bidi_component")
    found: dict[str, Any] = json.loads(component.proto.json)
    return found


def test_without_a_model_there_is_nothing_to_compare_people_with(runs: Path) -> None:
    write_pets(Workspace(runs.parent))
    app = open_page("label")
    assert "label-purpose" not in [one.key for one in app.segmented_control]


def test_a_sample_is_drawn_coded_and_compared(run: Path) -> None:
    app = coding_page()
    assert "No images were drawn" in words(app)
    app.number_input(key="n-drawn").set_value(2)
    app.button(key="draw").click().run()
    assert not app.exception
    items = read_sample(validation_folder(run)).items
    assert len(items) == 2
    assert "2 images were drawn" in words(app)
    for coder in ("Ann", "Bo"):
        begin(app, coder)
        data = data_of(app)
        assert (data["total"], data["classes"], data["blind"], data["excludes"]) == (
            2, sorted(made_runs.CLASSES), True, False,
        )  # fmt: skip
        assert all(task.keys() == {"src", "text", "words", "reason"} for task in data["tasks"])
        actions = [{"n": n, "kind": "label", "index": n - 1, "label": made_runs.CLASSES[n]} for n in (1, 2)]
        app.session_state[KEY] = {"report": {"log": coder, "queue": data["queue"], "position": 2, "actions": actions}}
        app.run()
        assert not app.exception
    assert [(one.coder, one.item) for one in read_codings(validation_folder(run))] == [
        (coder, item) for coder in ("Ann", "Bo") for item in items
    ]
    app.button(key="compare").click().run()
    assert "among the results" in app.success[0].value
    evidence = read_evidence(run)
    assert evidence
    assert evidence.panels[0].panel == "people"


def test_nothing_on_the_page_tells_what_others_or_the_model_say(run: Path) -> None:
    draw_sample(run, 3, sheet=run.parent / "sheet.csv")
    app = coding_page("Ann")
    shown = json.dumps(data_of(app)["tasks"]) + words(app)
    for item in read_sample(validation_folder(run)).items:
        assert Path(item).name not in shown
    assert "guess" not in shown


def test_what_takes_too_long_is_stopped_and_said(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blind_coding, "_SECONDS", 0.01)
    app = coding_page()
    app.button(key="draw").click().run()
    assert not app.exception
    assert "was stopped" in words(app)
    assert not read_sample(validation_folder(run)).items


def test_damage_is_said_and_the_page_stays(run: Path) -> None:
    validation_folder(run).mkdir()
    (validation_folder(run) / "sample.json").write_text("{")
    app = coding_page()
    assert "cannot be read" in words(app)


def test_a_name_that_cannot_be_shown_is_refused(run: Path, tmp_path: Path) -> None:
    draw_sample(run, 4, sheet=tmp_path / "sheet.csv")
    app = coding_page("Ann\u202eb")
    assert "U+202E" in words(app)
    assert "\u202e" not in words(app)
    assert not app.get("bidi_component")
    begin(app, "Ann")
    assert app.get("bidi_component")


def test_where_the_sample_is_gone_no_other_is_offered(run: Path, tmp_path: Path) -> None:
    [item] = draw_sample(run, 1, sheet=tmp_path / "sheet.csv").items
    keep_answers(validation_folder(run), [(item, "Ann", made_runs.CLASSES[0])])
    (validation_folder(run) / "sample.json").unlink()
    app = coding_page()
    assert "Put back sample.json" in words(app)
    assert "draw" not in [one.key for one in app.button]
