"""First-order maps of a model's evidence, for heads that are smooth but not linear, such as kernels.

The log-odds of the most probable class against the runner-up are approximated as linear around the item: their
gradient with respect to the pooled features replaces a linear head's weights (as in Grad-CAM: Selvaraju et al. 2017).
The gradient is estimated by central differences where the head is narrowest, after its principal components, and
propagated back exactly from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from autotl.deploy.map_facts import average_features, kept_facts
from autotl.deploy.occlusion_maps import log_odds
from autotl.features.frozen_network import open_session
from autotl.graphs.affine_logits import affine_frontier, pull_back
from autotl.graphs.map_output import by_source, map_grid, spread_matrix
from autotl.graphs.pooled_stages import PooledStage, head_of, pooled_stages, with_outputs

MOST_COLUMNS = 8192
"""A wider head would need too many evaluations."""
_STEP = 0.01
"""Step of the central differences, as a share of the columns' root mean square."""
_BATCH_ROWS = 512


class GradientMaps:
    """Makes maps with a deployable's graph. Raises ValueError if the graph does not pool its features."""

    def __init__(self, file: Path) -> None:
        model = onnx.load(file)
        self._model, self._stages = model, pooled_stages(model)
        if not self._stages:
            raise ValueError("the graph does not pool its features")
        self._average = average_features(kept_facts(model))
        self._frontier = affine_frontier(model, self._stages)
        names = [*self._frontier, *(s.source for s in self._stages), *(s.tensor for s in self._stages)]
        self._read = list(dict.fromkeys(names))
        self._network = open_session(with_outputs(model, self._read).SerializeToString())
        self._head = open_session(head_of(model, self._frontier, "probabilities").SerializeToString())

    def map(self, pixels: np.ndarray, classes: tuple[int, int]) -> np.ndarray | None:
        """The map, float64 (h, w), of one image, uint8 (height, width, 3); None if the gradient is 0 or too wide."""
        values = dict(zip(self._read, self._network.run(self._read, {"images": pixels[None]}), strict=True))
        slopes = self._slopes({name: values[name] for name in self._frontier}, classes)
        if slopes is None:
            return None
        weights = {name: column[:, 0] for name, column in pull_back(self._model, self._stages, slopes).items()}
        return attribution(self._stages, values, weights, self._average)

    def _slopes(self, at: Mapping[str, np.ndarray], classes: tuple[int, int]) -> dict[str, np.ndarray] | None:
        """The gradient of the log-odds with respect to each tensor of the frontier, (n_columns, 1)."""
        widths = {name: value[0].size for name, value in at.items()}
        if sum(widths.values()) > MOST_COLUMNS:
            return None
        slopes = {}
        for name, width in widths.items():
            step = max(_STEP * float(np.sqrt(np.mean(np.square(at[name])))), 1e-6)
            up, down = (self._along(at, name, width, sign * step, classes) for sign in (1, -1))
            slopes[name] = ((up - down) / (2 * step))[:, None]
        return slopes if any(np.abs(slope).max() > 0 for slope in slopes.values()) else None

    def _along(
        self, at: Mapping[str, np.ndarray], moved: str, width: int, step: float, classes: tuple[int, int]
    ) -> np.ndarray:
        """The log-odds after a step along each column of a tensor, float64 (width,)."""
        parts = []
        for start in range(0, width, _BATCH_ROWS):
            n = min(_BATCH_ROWS, width - start)
            inputs = {name: np.repeat(value, n, axis=0) for name, value in at.items()}
            inputs[moved].reshape(n, width)[np.arange(n), start + np.arange(n)] += np.float32(step)
            parts.append(log_odds(self._head.run(["probabilities"], inputs)[0], classes))
        return np.concatenate(parts)


def attribution(
    stages: Sequence[PooledStage],
    values: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray],
    average: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Attribute the sum of weights x (feature - average feature) to the positions of the feature maps; float64 (h, w).

    values: the feature maps and pooled stages of one item, by tensor. weights, average: by the stage's tensor,
    (channels,); a missing average counts as 0.
    """
    height, width = map_grid(stages)
    total = np.zeros((height, width))
    for source, pooled in by_source(stages):
        for stage in pooled:
            cells = values[source][0].astype(np.float64)
            cells = cells if stage.channels_first else cells.transpose(2, 0, 1)
            usual = average.get(stage.tensor, np.zeros(stage.channels)).astype(np.float64)
            if stage.pooling == "avg":
                found = np.tensordot(weights[stage.tensor], cells - usual[:, None, None], 1) / cells[0].size
            else:
                highest = cells.max(axis=(1, 2), keepdims=True)
                reached = cells == highest
                part = weights[stage.tensor] * (highest[:, 0, 0] - usual) / reached.sum(axis=(1, 2))
                found = np.tensordot(part, reached, 1)
            total += spread_matrix(stage.height, height) @ found @ spread_matrix(stage.width, width).T
    return total
