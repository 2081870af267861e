"""Biases that were planted on real images: deep feature reweighting finds most of what the champion misses."""

from __future__ import annotations

from pathlib import Path

import planted_biases
import pytest

from autotl.evidence.debias import ACCURACY, WORST
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.settings import Settings
from autotl.workflows.debias import DebiasRequest, debias
from autotl.workflows.fit import fit

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", ["faces", "watermark"])
def test_dfr_raises_the_worst_subgroup_by_ten_points_at_no_cost(name: str, tmp_path: Path, settings: Settings) -> None:
    write, by = planted_biases.PLANTED[name]
    plugins = load_plugins(disable=("mlflow",))
    config = Config(
        write(tmp_path / name, 0), tmp_path / "run", budget_seconds=None, trials=1, strategy="probe", groups="original",
        backbones=("efficientnet-lite0",),
    )  # fmt: skip
    run = fit(config, plugins=plugins, settings=settings)
    found = debias(run.folder, DebiasRequest(by, ("dfr",)), plugins=plugins, settings=settings)
    [method] = found.methods
    assert found.champion[WORST].value < 0.3
    assert method.differences[WORST].value > 0.1
    assert method.differences[WORST].low > 0
    assert method.differences[ACCURACY].value > -0.02
    assert method.verdict == "better"
