"""Explains answers with a map of the evidence in each image, made by the best method that the graph allows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.deploy.deployable import load_deployable
from autotl.deploy.gradient_maps import GradientMaps
from autotl.deploy.map_facts import EXACT, GRADIENT, OCCLUSION
from autotl.deploy.occlusion_maps import GRID, by_cell, covered, log_odds, occlusion_map
from autotl.deploy.predictor import Predictor

_SHARE_COVERED = 0.25
_N_RANDOM = 3


@dataclass(frozen=True, eq=False)
class Evidence:
    """Where the evidence for one answer lies.

    label, runner_up: class indices. difference: between their logits (exact), or in log-odds. map: float64 (h, w),
    positive where the image supports the label over the runner-up. method: "exact", "gradient" or "occlusion".
    """

    label: int
    runner_up: int
    difference: float
    map: np.ndarray
    method: str


class Explainer:
    """Explains the answers of a deployable. folder: the deployable's, or its run's.

    Maps are exact if the head is linear. Otherwise they are first-order maps if occlusion confirms them for the image
    (see `confirmed`), and occlusion maps if not.
    """

    def __init__(self, folder: Path) -> None:
        deployable = load_deployable(folder)
        self.predictor = Predictor(deployable.folder)
        self.classes = self.predictor.classes
        known = deployable.metadata.get("map")
        facts = known if isinstance(known, dict) else {}
        self._offset = np.array(facts.get("offset", []))
        self._gradients = _first_order(deployable.folder / "model.onnx") if facts.get("method") == GRADIENT else None

    def explain(self, pixels: np.ndarray, *, grid: int = GRID) -> list[Evidence]:
        """The evidence for the answer to each image; pixels: uint8 (n, height, width, 3); grid: see `occlusion_map`."""
        if not len(pixels):
            return []
        if self.predictor.has_maps:
            return self._exact(pixels)
        answers = self.predictor.probabilities(pixels)
        pairs = [(int(row[0]), int(row[1])) for row in np.argsort(-answers, axis=1, kind="stable")]
        found = []
        for image, row, pair in zip(pixels, answers, pairs, strict=True):
            difference = float(log_odds(row[None], pair)[0])
            smooth = self._gradients.map(image, pair) if self._gradients else None
            if smooth is not None and self.confirmed(image, pair, smooth):
                found.append(Evidence(*pair, difference, smooth, GRADIENT))
            else:
                found.append(Evidence(*pair, difference, self.occluded(image, pair, grid=grid), OCCLUSION))
        return found

    def occluded(self, pixels: np.ndarray, classes: tuple[int, int], *, grid: int = GRID) -> np.ndarray:
        """The occlusion map of one image, even if the model offers a better method."""
        return occlusion_map(self.predictor.probabilities, pixels, classes, grid=grid)

    def _exact(self, pixels: np.ndarray) -> list[Evidence]:
        maps, classes = self.predictor.maps(pixels)
        return [
            Evidence(int(a), int(b), float(found.sum() + self._offset[a] - self._offset[b]), found, EXACT)
            for found, (a, b) in zip(maps.astype(np.float64), classes, strict=True)
        ]

    def confirmed(self, pixels: np.ndarray, classes: tuple[int, int], found: np.ndarray) -> bool:
        """Whether covering the quarter of the image with the most evidence costs more log-odds than other quarters.

        pixels: one image; found: its map. The other quarters are the one with the least evidence and `_N_RANDOM` random
        ones.
        """
        sums, rng = by_cell(found, GRID).ravel(), np.random.default_rng(0)
        order, n = np.argsort(-sums, kind="stable"), round(_SHARE_COVERED * sums.size)
        choices = [order[:n], order[-n:], *(rng.permutation(order)[:n] for _ in range(_N_RANDOM))]
        variants = np.stack([covered(pixels, choice, GRID) for choice in choices])
        odds = log_odds(self.predictor.probabilities(variants), classes)
        return bool(odds[0] < odds[1:].min())


def _first_order(model: Path) -> GradientMaps | None:
    try:
        return GradientMaps(model)
    except ValueError:
        return None
