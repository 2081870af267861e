"""A dataset that goes away while a run learns from it, such as with its network drive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endurance import stores
from faults import AtPhase, copy_data

from autotl.errors import AutoTLError, RunError
from autotl.runs.config import Config
from autotl.settings import Settings
from autotl.workflows.fit import fit, resume


@pytest.fixture
def config(shapes: Path, tmp_path: Path) -> Config:
    return Config(
        data=copy_data(shapes, tmp_path / "drive" / "shapes"), run=tmp_path / "run", budget_seconds=None, trials=3,
        strategy="probe", heads=("logistic", "knn"),
    )  # fmt: skip


@pytest.fixture
def unplug(config: Config) -> Callable[[], None]:
    def unplug() -> None:
        config.data.parent.rename(config.data.parent.with_name("unplugged"))

    return unplug


def plug_in(config: Config) -> None:
    config.data.parent.with_name("unplugged").rename(config.data.parent)


@pytest.mark.heavy
@pytest.mark.parametrize("phase", ["scan", "prepare", "features", "trial", "conclusion"])
def test_data_that_go_away_are_named_and_the_run_is_carried_on_once_they_are_back(
    phase: str, config: Config, unplug: Callable[[], None], plugins: Any, tmp_path: Path
) -> None:
    settings = Settings(cache=tmp_path / "cache")
    with pytest.raises(AutoTLError) as raised:
        fit(config, plugins=plugins, settings=settings, listeners=(AtPhase(phase, unplug),))
    assert str(config.data) in str(raised.value)
    assert "Put it back" in str(raised.value)
    if (config.run / "run.json").exists():
        with pytest.raises(RunError, match=r"of the 60 images of .* are gone, .* Put them back"):
            resume(config.run, plugins=plugins, settings=settings)
    plug_in(config)
    begun = (config.run / "run.json").exists()
    run = (
        resume(config.run, plugins=plugins, settings=settings)
        if begun
        else fit(config, plugins=plugins, settings=settings)
    )
    assert run.result().status == "complete"
    assert {cause for cause, _ in stores.read_trials(config.run).failed.values()} <= {"lost"}
