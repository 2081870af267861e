"""The look at the backbones in a process of its own answers with an exit code and a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autotl.runs.config import Config
from autotl.workflows import network_check


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a network, where no weights were ever downloaded."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr("socket.socket.connect", refuse)


def refuse(*_: object) -> None:
    raise OSError("no network")


@pytest.mark.parametrize(
    ("asked", "code", "why"),
    [
        ([], 0, ""),
        (["--backbones=", "--heads=logistic"], 0, ""),
        (["--backbones=resnet50"], 2, "The pretrained weights of resnet50 are not on this machine"),
        (["--heads=resnet50-gap-dense512"], 2, "The pretrained weights of resnet50 are not on this machine"),
        (["--backbones=no-such"], 2, "no-such"),
    ],
)
def test_what_cannot_be_used_is_said(asked: list[str], code: int, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert network_check.main(asked) == code
    said = capsys.readouterr().out
    assert (why in said) if why else said == ""


def test_a_run_is_asked_for_what_it_was_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Config(data=tmp_path / "moved away", run=tmp_path / "run", backbones=("mobilenet",))
    (tmp_path / "run").mkdir()
    for wanted, code in ((config, 2), (replace(config, backbones=()), 0)):
        (tmp_path / "run" / "run.json").write_text(json.dumps({"config": wanted.to_json()}), encoding="utf-8")
        assert network_check.main([str(tmp_path / "run")]) == code
    assert "The pretrained weights of mobilenet are not on this machine" in capsys.readouterr().out
    (tmp_path / "run" / "run.json").write_text("{}", encoding="utf-8")
    assert network_check.main([str(tmp_path / "run")]) == 2
