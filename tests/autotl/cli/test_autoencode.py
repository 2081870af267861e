"""`autotl autoencode` at the terminal: what it asks for, what it prints, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_runs
import pytest
from made_autoencoders import FOUND, write_made
from typer.testing import CliRunner

from autotl.cli.app import app
from autotl.errors import ConfigError
from autotl.runs.autoencoders import AutoencoderResult
from autotl.runs.event_log import read_events
from autotl.runs.events import Progress
from autotl.workflows import autoencode as workflow
from autotl.workflows.autoencode_request import AutoencoderRequest


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made_runs.write_finished(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[AutoencoderRequest]:
    """What would have been trained; nothing is."""
    requests: list[AutoencoderRequest] = []

    def trained(run: Path, asked: AutoencoderRequest, *, listeners: Any, **_: Any) -> AutoencoderResult:
        requests.append(asked)
        for listener in listeners:
            listener(Progress("autoencode", 1, 1))
        write_made(run)
        return FOUND

    monkeypatch.setattr(workflow, "autoencode", trained)
    return requests


def ask(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["autoencode", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_it_prints_what_was_found_and_where_it_is(run: Path, asked: list[AutoencoderRequest]) -> None:
    said = ask(run)
    assert asked == [AutoencoderRequest()]
    assert "- The vae reconstructs <images>." in said
    for path in ("autoencoders/vae", "autoencoders/vae/rare.csv", "report.html"):
        assert str(run / path) in said


def test_options_are_passed_on_and_events_written(run: Path, asked: list[AutoencoderRequest], tmp_path: Path) -> None:
    options = ("--method", "autoencoder", "--edge", 64, "--latents", 8, "--seconds", "5m", "--epochs", 3, "--seed", 7)
    document = json.loads(ask(run, *options, "--json", "--events", tmp_path / "events.jsonl"))
    assert asked == [AutoencoderRequest("autoencoder", 64, 8, 300.0, 3, 7)]
    assert AutoencoderResult.from_json(document) == FOUND
    assert [event.kind for event in read_events(tmp_path / "events.jsonl")] == ["progress"]


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--seconds", "soon"), "--seconds 'soon' is not a duration"), (("--edge", 31), "--edge is 31")],
)
def test_what_cannot_be_is_refused(run: Path, options: tuple[object, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ask(run, *options)
    assert not (run / "autoencoders").exists()


def test_an_interruption_says_what_became_of_the_results(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "autoencode", interrupted)
    done = CliRunner().invoke(app, ["autoencode", str(run)])
    assert done.exit_code == 130
    assert "Interrupted. Nothing was written; an earlier result stays as it was." in done.stderr
