"""The folder of a re-fit."""

from __future__ import annotations

from pathlib import Path

import made_runs

from autotl_ui.workspace.refit import free_folder


def test_a_refit_gets_a_folder_that_nothing_has_used(runs: Path) -> None:
    runs.mkdir()
    assert free_folder(runs / "good").name == "good-refit"
    made_runs.write_failed(runs / "good-refit", "only a test")
    assert free_folder(runs / "good").name == "good-refit-2"
    (runs / "good-refit-2").mkdir()
    assert free_folder(runs / "good-refit").name == "good-refit-3"
