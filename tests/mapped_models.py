"""Linear probes on a frozen network as whole graphs with maps, made without a search; and what their maps are worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from autotl.deploy.maps import add_map
from autotl.deploy.occlusion_maps import by_cell, covered, log_odds
from autotl.features.frozen_network import FrozenNetwork, freeze, open_session
from autotl.graphs.blocks import affine, choices
from autotl.graphs.surgery import join, prune
from autotl.training.components import PrincipalComponents, fit_components
from autotl_plugins.heads._linear_solver import LogisticClassifier

BATCH = 16
SHARES = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])


@dataclass(frozen=True)
class Probe:
    """A linear probe: its network, components, and weights float32 (n_components + 1, n_classes), intercepts last."""

    network: FrozenNetwork
    components: PrincipalComponents
    weights: np.ndarray

    def graph(self, weights: np.ndarray | None = None) -> onnx.ModelProto:
        """From images to probabilities, with these weights or its own."""
        given = self.weights if weights is None else weights
        read = {column.tensor: column.stop - column.start for column in self.network.columns}
        head = affine(given[:-1], given[-1], "features", "probabilities", softmax=True)
        head = join(self.components.to_onnx(), head, {"components": "features"})
        heads = join(choices(read, {"all": list(read)}), head, {"all": "features"})
        return join(prune(onnx.load(self.network.file), list(read)), heads, {name: name for name in read})

    def shuffled(self, seed: int) -> np.ndarray:
        """Random weights of the same size as its own."""
        rng = np.random.default_rng(seed)
        return np.asarray(rng.normal(0, self.weights.std(axis=0), self.weights.shape), np.float32)


def fit_probe(pixels: np.ndarray, labels: np.ndarray, backbone: Any, cache: Path, *, C: float = 0.01) -> Probe:
    """Fit the untuned default on pixels uint8 (n, height, width, 3)."""
    network = freeze(backbone, pixels.shape[1:3], cache=cache)
    session = open_session(network.file)
    parts = [
        np.concatenate(session.run(list(network.tensors), {"images": pixels[i : i + BATCH]}), axis=1)
        for i in range(0, len(pixels), BATCH)
    ]
    features = np.concatenate(parts)
    components = fit_components(lambda items: features[items], np.arange(len(features)), seed=0)
    head = LogisticClassifier(C=C).fit(components(features), labels)
    return Probe(network, components, head.coef_)


@dataclass(frozen=True)
class Mapped:
    """A graph with maps, in a session. offset: of each class; see `autotl.deploy.map_facts`."""

    session: Any
    offset: np.ndarray

    @classmethod
    def of(cls, graph: onnx.ModelProto, pixels: np.ndarray) -> Mapped:
        from autotl.deploy.map_facts import map_facts

        mapped = add_map(graph, pixels)
        return cls(open_session(mapped.SerializeToString()), np.array(map_facts(mapped)["offset"]))

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        parts = [
            self.session.run(["probabilities"], {"images": pixels[i : i + BATCH]})[0]
            for i in range(0, len(pixels), BATCH)
        ]
        return np.concatenate(parts)

    def maps(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = [
            self.session.run(["map", "map_classes"], {"images": pixels[i : i + BATCH], "explain": np.array(True)})
            for i in range(0, len(pixels), BATCH)
        ]
        maps, classes = zip(*parts, strict=True)
        return np.concatenate(maps), np.concatenate(classes)


def curve_area(model: Any, image: np.ndarray, pair: tuple[int, int], order: np.ndarray, *, keep: bool) -> float:
    """The mean log-odds while cells are covered in an order (deletion), or uncovered (insertion: keep)."""
    n = round(len(order) ** 0.5)
    variants = np.stack([covered(image, order[: round(share * len(order))], n, keep=keep) for share in SHARES])
    return float(np.trapezoid(log_odds(model.probabilities(variants), pair), SHARES))


def areas(model: Any, image: np.ndarray, pair: tuple[int, int], found: np.ndarray, seed: int) -> tuple[float, ...]:
    """Deletion and insertion by a map, and at random: (deletion, insertion, random deletion, random insertion)."""
    order = np.argsort(-by_cell(found).ravel(), kind="stable")
    random = np.random.default_rng(seed).permutation(len(order))
    return tuple(curve_area(model, image, pair, by, keep=keep) for by in (order, random) for keep in (False, True))


def plant(image: np.ndarray, rng: np.random.Generator, side: int) -> tuple[np.ndarray, tuple[int, int]]:
    """An image with a small checked patch somewhere, and the centre (row, column) of the patch."""
    height, width = image.shape[:2]
    row, column = int(rng.integers(0, height - side)), int(rng.integers(0, width - side))
    squares = (np.indices((side, side)) // max(1, side // 4)).sum(axis=0) % 2
    planted = image.copy()
    planted[row : row + side, column : column + side] = np.where(squares[..., None], (250, 210, 20), (60, 10, 120))
    return planted, (row + side // 2, column + side // 2)


def points_at(found: np.ndarray, centre: tuple[int, int], side: int, size: int) -> bool:
    """Whether the strongest evidence, seen through a window of the patch's size, lies within a patch of its centre.

    size: pixels of the image's sides.
    """
    from scipy.ndimage import uniform_filter

    cell = size / len(found)
    smooth = uniform_filter(found, max(1, round(side / cell)), mode="constant")
    row, column = ((i + 0.5) * cell for i in np.unravel_index(int(smooth.argmax()), found.shape))
    return max(abs(row - centre[0]), abs(column - centre[1])) <= side
