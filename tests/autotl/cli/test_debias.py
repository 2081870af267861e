"""`autotl debias` at the terminal: what it asks for, what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_debias import made_method, made_outcome
from typer.testing import CliRunner

from autotl.cli.app import app
from autotl.runs.debias import DebiasOutcome
from autotl.workflows import debias as workflow
from autotl.workflows.debias import DebiasRequest

OUTCOME = made_outcome(made_method("dfr"), made_method("class-balanced", gain=0.0))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[DebiasRequest]:
    """What would have been tried; nothing is. A method of the name "broken" fails."""
    requests: list[DebiasRequest] = []

    def tried(run: Path, request: DebiasRequest, **_: Any) -> DebiasOutcome:
        requests.append(request)
        return made_outcome(made_method("dfr"), failed="it broke") if "broken" in request.methods else OUTCOME

    monkeypatch.setattr(workflow, "debias", tried)
    return requests


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["debias", "some-run", *arguments])


def test_the_options_are_what_is_tried(asked: list[DebiasRequest], tmp_path: Path) -> None:
    assert run().exit_code == 0
    assert run(
        "--by", "skin", "--method", "dfr,jtt", "--seeds", "7", "--limit", "90s", "--attributes", "a.csv", "--out", "new"
    ).exit_code == 0  # fmt: skip
    assert asked == [
        DebiasRequest(None, ("all",), 5, None, 600.0, None),
        DebiasRequest("skin", ("dfr", "jtt"), 7, Path("a.csv"), 90.0, Path("new")),
    ]


def test_tables_sentences_and_what_was_left_out_are_printed(asked: list[DebiasRequest]) -> None:
    shown = run("--by", "skin").stdout
    for text in ("Methods against bias, by skin", "dfr is better: by 0.3.", "face, skin=<dark>", "Note: one note."):
        assert text in shown
    assert "Left out: db-vae: it learns from images." in shown


def test_one_json_document_is_printed(asked: list[DebiasRequest]) -> None:
    assert json.loads(run("--json").stdout) == json.loads(json.dumps(OUTCOME.to_json()))


def test_a_method_that_failed_is_named_and_is_no_success(asked: list[DebiasRequest]) -> None:
    done = run("--method", "dfr,broken")
    assert done.exit_code == 2
    assert "the method 'jtt' failed: it broke" in done.stderr
    assert "dfr is better" in done.stdout


def test_a_time_limit_that_is_none_is_refused(asked: list[DebiasRequest]) -> None:
    assert "--limit" in str(run("--limit", "soon").exception)
    assert not asked
