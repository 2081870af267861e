"""The inputs of a champion's graph for items of its run, read as the deployable will read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autotl.data.modalities import modality_named
from autotl.deploy.champion import Champion
from autotl.runs.run import Run


def graph_inputs(run: Run, champion: Champion, items: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs of the graph for some items; ValueError, with the reason, if one of them cannot be read."""
    modality, dataset = modality_named(champion.modality), run.dataset.part(champion.modality)
    folder = next((file.parent for file in champion.beside.values()), Path())
    reader = modality.serving().open_reader(folder, modality.deployed(champion.size, champion.beside).facts)
    given = reader.given([dataset.path(int(item)) for item in items])
    inputs: dict[str, np.ndarray] = reader.inputs([reader.read(one) for one in given])
    return inputs
