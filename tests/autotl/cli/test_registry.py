"""`autotl register` at the terminal: which names it takes, and what becomes of a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_runs
import pytest
from typer.testing import CliRunner, Result

from autotl.cli.app import app
from autotl.errors import ConfigError
from autotl.interfaces import AliasChange
from autotl.runs.run import Run, open_run
from autotl.workflows import joint_registration, registration


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run, beside a registry that takes everything."""
    made_runs.write_finished(tmp_path / "run")

    def register(run: Run, name: str, plugins: Any, **_: object) -> AliasChange:
        return AliasChange(name=name, alias="champion", version=1, former=None)

    monkeypatch.setattr(registration, "register_champion", register)
    monkeypatch.setattr(registration, "require_store", lambda *_: None)
    monkeypatch.setattr(registration, "read_records", lambda _: ())
    monkeypatch.setattr("autotl.plugins.Plugins.demand", lambda *_, **__: None)
    return tmp_path / "run"


def ask(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["register", *map(str, arguments)], catch_exceptions=False)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_reason_that_overrules_nothing_is_said_to_be_left_out(run: Path, more: tuple[str, ...]) -> None:
    done = ask(run, "--name", "ok", "--force", "because", *more)
    assert done.exit_code == 0
    assert "was not needed and is not kept" in done.stderr
    if more:
        assert json.loads(done.stdout)["name"] == "ok"
    assert "not needed" not in ask(run, "--name", "ok").stderr


def test_nothing_is_said_of_a_reason_that_overrules_an_audit(run: Path) -> None:
    opened = open_run(run)
    opened.update(config=replace(opened.config, audit=("site",), max_gap=0.1).to_json())
    with pytest.raises(ConfigError, match="was not made"):
        ask(run, "--name", "ok")
    done = ask(run, "--name", "ok", "--force", "because")
    assert (done.exit_code, done.stderr) == (0, "")


def test_a_study_of_several_targets_says_the_same_of_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_runs.write_study(tmp_path / "study", "pet", "place")
    change = AliasChange(name="ok", alias="champion", version=1, former=None)
    monkeypatch.setattr(joint_registration, "register_joint", lambda *_, **__: change)
    assert "not needed and is not kept" in ask(tmp_path / "study", "--name", "ok", "--force", "because").stderr
    opened = open_run(tmp_path / "study")
    opened.update(config=replace(opened.config, max_gap=0.1).to_json())  # no target has an audit
    assert ask(tmp_path / "study", "--name", "ok", "--force", "because").stderr == ""


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_refused_rather_than_taken_for_none(run: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a registered model"):
        ask(run, "--name", name)
