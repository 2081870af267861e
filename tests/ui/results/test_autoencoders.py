"""The section about autoencoders: it trains one as a job, and shows what each has learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_runs
import pytest
from app_pages import open_page, open_section, words
from made_autoencoders import write_made
from streamlit.testing.v1 import AppTest

from autotl.runs.autoencoders import SAMPLES, SHEETS, autoencoder_folder
from autotl_ui.results import run_jobs


@pytest.fixture
def run(runs: Path) -> Path:
    made_runs.write_finished(runs / "good")
    return runs / "good"


def shown() -> AppTest:
    return open_section(open_page("results", run="good"), "Autoencoders")


def test_what_was_learned_is_shown_with_its_sheets(run: Path) -> None:
    write_made(run)
    said = words(shown())
    assert "The vae reconstructs" in said
    for title in SHEETS.values():
        assert title in said
    assert "54 images of 16 x 16 pixels" in said


def test_a_sheet_that_is_gone_is_left_out(run: Path) -> None:
    write_made(run)
    (autoencoder_folder(run, "vae") / SAMPLES).unlink()
    assert SHEETS[SAMPLES] not in words(shown())


def test_a_click_starts_a_job_for_this_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[Any, ...]] = []
    monkeypatch.setattr(run_jobs.jobs, "start", lambda *given, **_more: started.append(given))
    app = shown()
    app.selectbox(key="autoencoder-method").set_value("autoencoder")
    app.selectbox(key="autoencoder-seconds").set_value(30)
    app.button(key="autoencoder-train").click().run()
    [(target, arguments)] = started
    assert target == run / "autoencoders" / "job"
    assert arguments[:6] == ["autoencode", str(run), "--method", "autoencoder", "--seconds", "30"]


def test_a_run_of_texts_has_no_such_section(run: Path) -> None:
    state = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps({**state, "modality": "text"}), encoding="utf-8")
    app = open_page("results", run="good")
    assert "Report" in [tab.label for tab in app.tabs]
    assert "Autoencoders" not in [tab.label for tab in app.tabs]
