"""A few runs on a small backbone, killed at random moments of a fixed seed; `make endurance` does it for an hour."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
from loose_plugins import tiny_backbone

from endurance.commands import kill_commands
from endurance.report import Kill, is_sound, to_markdown
from endurance.rounds import Round, Setting

N_KILLS, N_COMMANDS, MOST_RUNS = 6, 4, 10

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.mark.heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("workers", [1, 3])
def test_killed_runs_lose_nothing_and_end_with_a_champion(workers: int, shapes: Path, tmp_path: Path) -> None:
    rng, kills = random.Random(0), list[Kill]()
    options = ("--trials", "4", "--backbones", "tiny", "--heads", "logistic,knn", "--register", "shapes")
    options += ("--workers", str(workers))
    environment = {"AUTOTL_PLUGINS": str(Path(tiny_backbone.__file__).parent), "PYTHONPATH": os.pathsep.join(sys.path)}
    setting = Setting(tmp_path, shapes, options, environment)
    for number in range(MOST_RUNS):  # a run may end before its last kill
        played = Round(setting, f"run-{number}", rng, kills)
        try:
            played.play(N_KILLS - len(kills))
            if workers == 1 and len(kills) >= N_KILLS:
                kill_commands(played, rng, N_COMMANDS)
        finally:
            played.close()
        if len(kills) >= N_KILLS:
            break
    assert is_sound(kills), to_markdown(kills)
    assert len(kills) >= N_KILLS, to_markdown(kills)
