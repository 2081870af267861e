"""Adds doubts (sets, unsure, none of these) to a champion's graph, and checks the graph's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from autotl.deploy.champion import Champion
from autotl.errors import ExportError
from autotl.features.frozen_network import Column, FrozenNetwork, open_session

if TYPE_CHECKING:
    import onnx

STAGE, POOLING = "joined", "avg"
"""The features of the frozen network from which novelty is detected."""
PROBABILITIES_TOLERANCE, P_VALUE_TOLERANCE = 1e-4, 0.02


class Distances(Protocol):
    """See `evidence.abstention.novelty.ClassDistances`."""

    @property
    def axes(self) -> np.ndarray: ...
    @property
    def offset(self) -> np.ndarray: ...
    @property
    def centres(self) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Novelty:
    """A detector of images that are like none of the classes.

    network: the frozen network whose features it reads (`STAGE`, `POOLING`). detector: see `Distances`. distances:
    float32 (m,), the distances of the calibration items.
    """

    network: FrozenNetwork
    detector: Distances
    distances: np.ndarray

    @property
    def columns(self) -> tuple[Column, ...]:
        """The feature columns that the detector reads."""
        return self.network.select(STAGE, POOLING)


def add_set(
    model: onnx.ModelProto, thresholds: np.ndarray, *, penalty: float | None, free_ranks: int
) -> onnx.ModelProto:
    """The graph with the output `set`; see `graphs.doubts.membership`."""
    from autotl.graphs.beside import beside
    from autotl.graphs.doubts import SWITCH, membership

    return beside(model, membership(thresholds, penalty=penalty, free_ranks=free_ranks), switch=SWITCH)


def add_unsure(model: onnx.ModelProto, threshold: float, n_classes: int) -> onnx.ModelProto:
    """The graph with the output `unsure`; see `graphs.doubts.unsure`."""
    from autotl.graphs.beside import beside
    from autotl.graphs.doubts import SWITCH, unsure

    return beside(model, unsure(threshold, n_classes), switch=SWITCH)


def add_novelty(model: onnx.ModelProto, novelty: Novelty) -> onnx.ModelProto:
    """The graph with the output `none_of_these`; layers of the frozen network that it lacks are added."""
    from autotl.graphs.beside import beside
    from autotl.graphs.blocks import choices
    from autotl.graphs.doubts import SWITCH
    from autotl.graphs.doubts import novelty as nodes
    from autotl.graphs.surgery import join, prune

    widths = {column.tensor: column.stop - column.start for column in novelty.columns}
    found = novelty.detector
    head = join(
        choices(widths, {"features": list(widths)}),
        nodes(found.axes, found.offset, found.centres, novelty.distances),
        {"features": "features"},
    )
    branch = join(prune(novelty.network.graph(), list(widths)), head, {name: name for name in widths})
    return beside(model, branch, switch=SWITCH)


def without_doubts(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph without doubts, for models that differ from the calibrated one: the guarantees do not hold for them."""
    from autotl.graphs.doubts import NONE_OF_THESE, SET, UNSURE
    from autotl.graphs.surgery import prune

    names = [output.name for output in model.graph.output]
    kept = [name for name in names if name not in (SET, UNSURE, NONE_OF_THESE)]
    return model if kept == names else prune(model, kept)


def prove(
    champion: Champion, model: onnx.ModelProto, inputs: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray],
    *, margins: np.ndarray | float = 1.0,
) -> Champion:  # fmt: skip
    """The champion with a new graph, after checking the graph's outputs on the champion's replay items.

    expected: the expected values, by output. margins: for boolean outputs, the distance of each score from its
    threshold; a difference counts only if this distance is larger than `PROBABILITIES_TOLERANCE`. Raises ExportError
    if an output differs from what is expected, or if the probabilities have changed.
    """
    session = open_session(model.SerializeToString())
    wanted = {"probabilities": champion.replay_probabilities, **expected}
    for (name, values), found in zip(wanted.items(), session.run(list(wanted), dict(inputs)), strict=True):
        tolerance = P_VALUE_TOLERANCE if name == "none_of_these" else PROBABILITIES_TOLERANCE
        if found.shape != np.shape(values):
            raise ExportError(f"the output {name} has the shape {found.shape}, not {np.shape(values)}")
        if found.dtype != bool and not np.abs(found - values).max() <= tolerance:
            raise ExportError(f"the output {name} differs by {np.abs(found - values).max():.2g} from what was computed")
        if found.dtype == bool and (wrong := (found != values) & (margins > PROBABILITIES_TOLERANCE)).any():
            raise ExportError(f"the output {name} differs for {wrong.sum()} of {found.size} values")
    return replace(champion, graph=model)
