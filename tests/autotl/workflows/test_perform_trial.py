"""Trials of other machines as documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.workflows import perform_trial


class Server:
    """Stands for what performs the trials of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.is_closed = folder, False

    def close(self) -> None:
        self.is_closed = True


def test_a_run_is_opened_once_and_closed_when_trials_of_another_one_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perform_trial, "_servers", {})
    monkeypatch.setattr(perform_trial, "_open", Server)
    first = perform_trial._server(Path("a"))
    assert perform_trial._server(Path("a")) is first
    assert not first.is_closed
    second = perform_trial._server(Path("b"))
    assert (second.folder, first.is_closed, second.is_closed) == (Path("b"), True, False)
