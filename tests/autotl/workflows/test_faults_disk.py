"""Disks that are full, or can only be read: the message says which and what to do, and the run can be carried on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from endurance import stores
from faults import AtPhase, disk, fill, make_room, no_mounts, read_only

from autotl.errors import MachineError
from autotl.runs.config import Config
from autotl.settings import Settings
from autotl.workflows.fit import fit, resume

pytestmark = pytest.mark.skipif(bool(no_mounts()), reason=no_mounts())


@pytest.fixture
def small(tmp_path: Path) -> Any:
    with disk(tmp_path / "small", megabytes=64) as folder:
        yield folder


@pytest.fixture
def config(shapes: Path, tmp_path: Path) -> Config:
    return Config(
        data=shapes, run=tmp_path / "run", budget_seconds=None, trials=3, strategy="probe", heads=("logistic", "knn")
    )  # fmt: skip


def is_unharmed(run: Path) -> bool:
    """Whether everything in a run folder can be read, and each complete trial has its predictions."""
    trials = stores.read_trials(run)
    return not [*stores.broken_parts(run)] and all(predictions for _, predictions in trials.complete.values())


@pytest.mark.heavy
@pytest.mark.parametrize("phase", ["features", "trial", "conclusion"])
def test_a_run_whose_disk_fills_up_says_so_and_is_carried_on(
    phase: str, config: Config, small: Path, plugins: Any, tmp_path: Path
) -> None:
    settings = Settings(cache=tmp_path / "cache")
    config = replace(config, run=small / "run")
    full = AtPhase(phase, lambda: fill(small))
    with pytest.raises(MachineError, match=r"the disk of the run folder .* is full. Make room there") as raised:
        fit(config, plugins=plugins, settings=settings, listeners=(full,))
    assert f"carry on with `autotl resume {config.run}`" in str(raised.value)
    make_room(small)
    assert is_unharmed(config.run)
    before = stores.read_trials(config.run).complete
    carried_on = resume(config.run, plugins=plugins, settings=settings)
    assert carried_on.result().status == "complete"
    assert before.items() <= stores.read_trials(config.run).complete.items()
    assert not stores.leftovers(config.run)


@pytest.mark.heavy
@pytest.mark.parametrize("phase", ["scan", "prepare"])
def test_a_disk_that_is_full_before_the_search_leaves_no_half_made_run(
    phase: str, config: Config, small: Path, plugins: Any, settings: Settings
) -> None:
    config = replace(config, run=small / "run", trials=1)
    with pytest.raises(MachineError, match=r"the disk of the run folder .* is full"):
        fit(config, plugins=plugins, settings=settings, listeners=(AtPhase(phase, lambda: fill(small)),))
    make_room(small)
    if (config.run / "run.json").exists():
        assert is_unharmed(config.run)
        run = resume(config.run, plugins=plugins, settings=settings)
    else:
        run = fit(config, plugins=plugins, settings=settings)
    assert run.result().status == "complete"


@pytest.mark.parametrize("phase", ["scan", pytest.param("features", marks=pytest.mark.heavy)])
def test_a_cache_whose_disk_fills_up_is_named_and_every_record_that_it_gives_is_sound(
    phase: str, config: Config, small: Path, plugins: Any
) -> None:
    settings = Settings(cache=small / "cache")
    with pytest.raises(MachineError, match=r"the disk of the cache .* is full. Make room there, or set .*AUTOTL_CACHE"):
        fit(
            replace(config, trials=1), plugins=plugins, settings=settings,
            listeners=(AtPhase(phase, lambda: fill(small)),),
        )  # fmt: skip
    make_room(small)
    assert not stores.unreadable_shards(settings.cache)
    assert not stores.leftovers(settings.cache)


@pytest.mark.heavy
def test_data_that_can_only_be_read_are_learned_from(config: Config, plugins: Any, settings: Settings) -> None:
    with read_only(config.data):
        run = fit(replace(config, trials=1), plugins=plugins, settings=settings)
    assert run.result().status == "complete"


def test_a_run_folder_and_a_cache_that_can_only_be_read_are_refused_before_any_work(
    config: Config, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    seen: list[Any] = []
    with read_only(locked):
        with pytest.raises(
            MachineError, match=r"the run folder .* can only be read, not written. Name another one with"
        ):
            fit(replace(config, run=locked / "run"), plugins=plugins, settings=settings, listeners=(seen.append,))
        with pytest.raises(MachineError, match=r"the cache .* can only be read, not written. Set .*AUTOTL_CACHE"):
            fit(config, plugins=plugins, settings=Settings(cache=locked / "cache"), listeners=(seen.append,))
    assert not seen


@pytest.mark.heavy
def test_a_run_that_can_only_be_read_is_not_carried_on_and_can_be_copied(
    config: Config, plugins: Any, settings: Settings
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    fit(config, plugins=plugins, settings=settings, listeners=(AtPhase("trial", stop, after=3),))
    before = stores.hash_folder(config.run)
    with read_only(config.run), pytest.raises(MachineError, match="Copy it to a folder of yours"):
        resume(config.run, plugins=plugins, settings=settings)
    assert stores.hash_folder(config.run) == before
