"""The section about methods against bias: what was tried, and what tries them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_runs
import pytest
from app_pages import open_page, open_section, words
from made_debias import made_method, made_outcome
from streamlit.testing.v1 import AppTest

from autotl.runs.audit import AuditSummary
from autotl.runs.debias import write_outcome
from autotl_ui.results import run_jobs


@pytest.fixture
def run(runs: Path) -> Path:
    made_runs.write_finished(runs / "good")
    return runs / "good"


def shown() -> AppTest:
    return open_section(open_page("results", run="good"), "Methods against bias")


def test_a_click_compares_all_methods_by_class(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[Any, ...]] = []
    monkeypatch.setattr(run_jobs.jobs, "start", lambda *given, **_more: started.append(given))
    app = shown()
    assert "trained again so that it does better" in words(app)
    assert "no panel" not in words(app)
    app.button(key="debias-start").click().run()
    [(target, arguments)] = started
    assert target == run / "debias" / "job"
    assert arguments[:6] == ["debias", str(run), "--method", "all", "--limit", "10m"]
    assert "--by" not in arguments


def test_methods_and_an_audited_attribute_can_be_selected(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = json.loads((run / "run.json").read_text(encoding="utf-8"))
    state["result"]["audit"] = AuditSummary(("skin",), {"search": 72, "test": 18}).to_json()
    (run / "run.json").write_text(json.dumps(state), encoding="utf-8")
    started: list[tuple[Any, ...]] = []
    monkeypatch.setattr(run_jobs.jobs, "start", lambda *given, **_more: started.append(given))
    app = shown()
    app.selectbox(key="debias-by").set_value("skin")
    app.multiselect(key="debias-methods").set_value(["dfr", "jtt"])
    app.selectbox(key="debias-limit").set_value("60s")
    app.button(key="debias-start").click().run()
    [(_target, arguments)] = started
    assert arguments[2:8] == ["--method", "dfr,jtt", "--limit", "60s", "--by", "skin"]


def test_the_outcomes_of_all_attributes_are_shown(run: Path) -> None:
    write_outcome(run, made_outcome(made_method("dfr"), failed="it broke"))
    write_outcome(run, made_outcome(made_method("group-dro", gain=0.0), by=None))
    app = shown()
    said = words(app)
    for text in ("Dfr is better: by 0.3", "group-dro is undecided".capitalize(), "jtt: it broke", "db-vae"):
        assert text in said
    assert len(app.dataframe) == 4
