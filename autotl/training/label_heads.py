"""Several labels an item: a head of two classes for each label, on the same features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.errors import PluginError
from autotl.graphs.blocks import choices, matrices
from autotl.graphs.surgery import join, keep_output
from autotl.interfaces import Head
from autotl.targets import known_labels
from autotl.training.calibration import Calibration, identity
from autotl.training.classifiers import Classifier, wrap
from autotl.training.log_odds import log_odds, log_odds_graph

if TYPE_CHECKING:
    import onnx

STRENGTHS = (1.0, 0.1, 10.0)
"""Factors of a head's C, of which each label has the one that its out-of-fold answers prefer; the first wins a tie."""


class LabelClassifier:
    """A two-class head for each label; its answers are log-odds, which become probabilities by `calibration`.

    build: makes the head as its plugin does. A head with a parameter C is fitted with several strengths of it, and the
    calibration chooses one for each label: answers are float (n, n_labels * n_strengths), those of one label together.
    Items of which a label is unknown are left out where that label is learned. A label that all other items have, or
    none, gets log-odds of 0, so that its share among all items is its probability.
    """

    gives_margins = True

    def __init__(self, head: Head, build: Callable[[], Any], n_features: int, n_labels: int, *, seed: int) -> None:
        self._head, self._build, self._n_features, self._seed = head, build, n_features, seed
        self._n_labels = n_labels
        first = build()
        self.strengths = STRENGTHS if _has_strength(first) else STRENGTHS[:1]
        wrap(head, first, n_features, 2, seed=seed)  # refuses what is not a head
        self._fitted: dict[int, Classifier | None] = {}
        self.calibration: Calibration | None = None

    def fit(self, vectors: np.ndarray, labels: np.ndarray) -> None:
        """Fit from scratch; once there is a calibration, only what it chose."""
        known, self._fitted = known_labels(labels), {}
        for column in self._chosen():
            label, strength = divmod(column, len(self.strengths))
            rows = np.flatnonzero(known[:, label])
            applies = (labels[rows, label] > 0).astype(int)
            if len(np.unique(applies)) < 2:
                self._fitted[column] = None
                continue
            one = wrap(self._head, self._of_strength(strength), self._n_features, 2, seed=self._seed)
            one.fit(vectors if len(rows) == len(labels) else vectors[rows], applies)
            self._fitted[column] = one

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """Log-odds, float (n, n_labels * n_strengths)."""
        found = np.zeros((vectors.shape[0], self._n_labels * len(self.strengths)))
        for column, one in self._fitted.items():
            if one is not None:
                found[:, column] = log_odds(one.probabilities(vectors)[:, 1])
        return found

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Of each label, float (n, n_labels), from 0 to 1."""
        return self._calibration().probabilities(self.answers(vectors))

    def network(self) -> Any:
        """Raise PluginError: there is no network of several heads."""
        raise PluginError("heads of several labels cannot sit on a network that is fine-tuned")

    def to_onnx(self) -> onnx.ModelProto:
        """The fitted heads side by side; `features` in, calibrated `probabilities` (n, n_labels) out."""
        chosen = self._chosen()
        graph = choices({"features": self._n_features}, {f"features_{i}": ["features"] for i in chosen})
        for column in chosen:
            one = self._fitted[column]
            own = _no_odds(self._n_features)
            if one is not None:
                shares = join(one.to_onnx(), _second(), {"probabilities": "pair"})
                own = join(shares, log_odds_graph(1), {"shares": "shares"})
            own = keep_output(own, own.graph.output[-1].name, f"odds_{column}")
            graph = join(graph, own, {f"features_{column}": "features"})
        names = {f"odds_{i}": 1 for i in chosen}
        graph = join(graph, choices(names, {"margins": list(names)}), {name: name for name in names})
        every = self._calibration()
        kept = Calibration(every.weights[chosen], every.intercept, every.link)
        model = join(graph, kept.to_onnx(), {"margins": "margins"})
        return keep_output(model, model.graph.output[-1].name, "probabilities")

    def _calibration(self) -> Calibration:
        return self.calibration or identity(self._n_labels, len(self.strengths))

    def _chosen(self) -> list[int]:
        """The columns that are needed: all of them until there is a calibration."""
        if self.calibration is None:
            return list(range(self._n_labels * len(self.strengths)))
        return np.flatnonzero(self.calibration.weights.any(axis=1)).tolist()

    def _of_strength(self, strength: int) -> Any:
        built, factor = self._build(), self.strengths[strength]
        return built if factor == 1 else built.set_params(**_stronger(built, factor))


def _has_strength(built: Any) -> bool:
    return hasattr(built, "get_params") and bool(_stronger(built, 1.0))


def _stronger(built: Any, factor: float) -> Mapping[str, float]:
    """The parameters that say how freely an estimator fits, such as the C of the last step of a pipeline."""
    found = built.get_params()
    names = [name for name in found if name == "C" or name.endswith("__C")]
    return {name: found[name] * factor for name in names if isinstance(found[name], int | float)}


def _second() -> onnx.ModelProto:
    """The second of two columns."""
    from onnx import helper

    nodes = [helper.make_node("Gather", ["pair", "place"], ["shares"], axis=1)]
    return matrices(nodes, [("pair", 2)], [("shares", 1)], {"place": np.array([1])})


def _no_odds(n_features: int) -> onnx.ModelProto:
    from autotl.graphs.blocks import affine

    return affine(np.zeros((n_features, 1)), np.zeros(1), "features", "odds")
