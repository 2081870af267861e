"""An interruption at any phase leaves what is finished, says so in the run's state, and the run can be carried on."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from endurance import stores
from faults import AtPhase

from autotl.runs.config import Config
from autotl.runs.state import find_state
from autotl.runtime import interruption
from autotl.settings import Settings
from autotl.workflows.fit import fit, resume


@pytest.fixture
def config(shapes: Path, tmp_path: Path) -> Config:
    return Config(
        data=shapes, run=tmp_path / "run", budget_seconds=None, trials=3, strategy="probe", heads=("logistic", "knn")
    )  # fmt: skip


@pytest.fixture(autouse=True)
def handlers() -> Any:
    former = {number: signal.getsignal(number) for number in interruption.SIGNALS}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    interruption.listen()
    yield
    for number, handler in former.items():
        signal.signal(number, handler)
    interruption._requested.clear()


def stop() -> None:
    signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    "phase", ["scan", *(pytest.param(one, marks=pytest.mark.heavy) for one in ("prepare", "features"))]
)
def test_before_there_is_a_model_the_run_ends_and_can_be_carried_on_or_begun_again(
    phase: str, config: Config, plugins: Any, tmp_path: Path
) -> None:
    settings = Settings(cache=tmp_path / "cache")
    with pytest.raises(KeyboardInterrupt):
        fit(config, plugins=plugins, settings=settings, listeners=(AtPhase(phase, stop),))
    interruption._requested.clear()
    begun = (config.run / "run.json").exists()
    assert begun == (phase != "scan")
    run = (
        resume(config.run, plugins=plugins, settings=settings)
        if begun
        else fit(config, plugins=plugins, settings=settings)
    )
    assert run.result().status == "complete"


@pytest.mark.heavy
def test_in_a_trial_the_best_model_is_concluded_with(config: Config, plugins: Any, settings: Settings) -> None:
    run = fit(config, plugins=plugins, settings=settings, listeners=(AtPhase("trial", stop, after=3),))
    interruption._requested.clear()
    assert run.result().status == "interrupted"
    before = stores.read_trials(run.folder).complete
    carried_on = resume(run.folder, plugins=plugins, settings=settings)
    assert carried_on.result().status == "complete"
    assert before.items() <= stores.read_trials(run.folder).complete.items()


@pytest.mark.heavy
def test_in_the_conclusion_the_first_lets_it_end_and_the_second_ends_it_at_once(
    config: Config, plugins: Any, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    def stop_twice() -> None:
        stop()
        stop()

    with pytest.raises(KeyboardInterrupt):
        fit(config, plugins=plugins, settings=settings, listeners=(AtPhase("conclusion", stop_twice),))
    interruption._requested.clear()
    assert find_state(config.run).status == "interrupted"
    run = resume(config.run, plugins=plugins, settings=settings, listeners=(AtPhase("conclusion", stop),))
    assert run.result().status == "complete"
    assert "Interrupt it once more to stop at once" in capfd.readouterr().err
