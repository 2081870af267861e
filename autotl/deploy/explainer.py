"""Why a model answers as it does: a map of the evidence for each image, by the best method that its graph allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.deploy.deployable import load_deployable
from autotl.deploy.gradient_maps import GradientMaps
from autotl.deploy.map_facts import EXACT, GRADIENT, OCCLUSION
from autotl.deploy.occlusion_maps import GRID, log_odds, occlusion_map, windows
from autotl.deploy.predictor import Predictor

LEAST_AGREEMENT = 0.3
"""Mean rank correlation with occlusion from which on a map to first order is believed."""
_N_CHECKED = 3


@dataclass(frozen=True, eq=False)
class Evidence:
    """Where the evidence for one answer lies.

    label, runner_up: class indices. difference: of their logits (exact) or log-odds. map: float64 (h, w), positive
    where a part speaks for the label against the runner-up. method: "exact", "gradient" or "occlusion".
    """

    label: int
    runner_up: int
    difference: float
    map: np.ndarray
    method: str


class Explainer:
    """A deployable that says where it sees the evidence. folder: its own, or that of its run.

    Exact where the head is linear. Otherwise to first order, if the first images show that this agrees with occlusion,
    and else by occlusion.
    """

    def __init__(self, folder: Path) -> None:
        deployable = load_deployable(folder)
        self.predictor = Predictor(deployable.folder)
        self.classes = self.predictor.classes
        known = deployable.metadata.get("map")
        facts = known if isinstance(known, dict) else {}
        self._offset = np.array(facts.get("offset", []))
        self._gradients = _first_order(deployable.folder / "model.onnx") if facts.get("method") == GRADIENT else None
        self.agreement: float | None = None
        """The mean rank correlation of maps to first order with occlusion; None while it was not measured."""

    def explain(self, pixels: np.ndarray, *, grid: int = GRID) -> list[Evidence]:
        """The evidence for the answer to each image; pixels: uint8 (n, height, width, 3), grid: of occlusion."""
        if not len(pixels):
            return []
        if self.predictor.has_maps:
            return self._exact(pixels)
        answers = self.predictor.probabilities(pixels)
        pairs = [(int(row[0]), int(row[1])) for row in np.argsort(-answers, axis=1, kind="stable")]
        if self._gradients and self.agreement is None:
            self._check(pixels[:_N_CHECKED], pairs, grid)
        found = []
        for image, row, pair in zip(pixels, answers, pairs, strict=True):
            difference = float(log_odds(row[None], pair)[0])
            smooth = self._gradients.map(image, pair) if self._gradients else None
            if smooth is not None:
                found.append(Evidence(*pair, difference, smooth, GRADIENT))
            else:
                found.append(Evidence(*pair, difference, self.occluded(image, pair, grid=grid), OCCLUSION))
        return found

    def occluded(self, pixels: np.ndarray, classes: tuple[int, int], *, grid: int = GRID) -> np.ndarray:
        """The map of one image by occlusion, whatever the model offers."""
        return occlusion_map(self.predictor.probabilities, pixels, classes, grid=grid)

    def _exact(self, pixels: np.ndarray) -> list[Evidence]:
        maps, classes = self.predictor.maps(pixels)
        return [
            Evidence(int(a), int(b), float(found.sum() + self._offset[a] - self._offset[b]), found, EXACT)
            for found, (a, b) in zip(maps.astype(np.float64), classes, strict=True)
        ]

    def _check(self, pixels: np.ndarray, pairs: Sequence[tuple[int, int]], grid: int) -> None:
        """Leave maps to first order alone where they do not agree with occlusion."""
        assert self._gradients is not None
        agreements = []
        for image, pair in zip(pixels, pairs, strict=False):
            smooth = self._gradients.map(image, pair)
            covered = self.occluded(image, pair, grid=grid)
            agreements.append(0.0 if smooth is None else rank_correlation(by_window(smooth, grid), covered))
        self.agreement = float(np.mean(agreements))
        if self.agreement < LEAST_AGREEMENT:
            self._gradients = None


def _first_order(model: Path) -> GradientMaps | None:
    try:
        return GradientMaps(model)
    except ValueError:
        return None


def by_window(found: np.ndarray, grid: int) -> np.ndarray:
    """The sums of a map over the windows of occlusion, float64 (grid, grid)."""
    sums = [found[rows, columns].sum() for rows, columns in windows(found.shape[0], found.shape[1], grid)]
    return np.array(sums).reshape(grid, grid)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's; 0 where one of them is constant."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one.ravel(), other.ravel()).statistic)
