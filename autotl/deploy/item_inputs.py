"""The inputs of a champion's graph for items of its run, read as the deployable will read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from autotl.data.modalities import modality_named
from autotl.deploy.champion import Champion
from autotl.runs.run import Run


def open_champion_reader(champion: Champion) -> Any:
    """The `ItemReader` of a champion, as its deployable will open it."""
    modality = modality_named(champion.modality)
    folder = next((file.parent for file in champion.beside.values()), Path())
    return modality.serving().open_reader(folder, modality.deployed(champion.size, champion.beside).facts)


def graph_inputs(run: Run, champion: Champion, items: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs of the graph for some items; ValueError, with the reason, if one of them cannot be read."""
    dataset, reader = run.dataset.part(champion.modality), open_champion_reader(champion)
    given = reader.given([dataset.path(int(item)) for item in items])
    inputs: dict[str, np.ndarray] = reader.inputs([reader.read(one) for one in given])
    return inputs
