"""Several labels an item: a Keras head whose softmax is replaced by a sigmoid for each label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.errors import PluginError
from autotl.graphs.surgery import join, keep_output
from autotl.predictions import mean_loss
from autotl.targets import strata
from autotl.training.calibration import Calibration, identity
from autotl.training.classifiers import NetworkClassifier, Scaling, raw_answers
from autotl.training.log_odds import log_odds, log_odds_graph

if TYPE_CHECKING:
    import onnx


class LabelNetwork(NetworkClassifier):
    """One network for all labels; its answers are log-odds, float (n, n_labels), calibrated for each label.

    Labels of which it is unknown whether they apply do not count in its loss.
    """

    gives_margins = True

    def __init__(self, model: Any, n_features: int, n_labels: int, *, scaling: Scaling, seed: int) -> None:
        import keras

        last = model.layers[-1]
        if getattr(last, "activation", None) is not keras.activations.softmax:
            raise PluginError("the head's network does not end in a softmax, so it cannot learn several labels")
        last.activation = keras.activations.sigmoid
        self.loss = _masked_loss
        super().__init__(model, n_features, n_labels, scaling=scaling, seed=seed)

    def fit(self, vectors: np.ndarray, labels: np.ndarray) -> None:
        """Reset, then train until the held-out loss has not improved for some epochs."""
        super().fit(vectors, labels.astype(np.float32))

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """Log-odds, float (n, n_labels)."""
        return log_odds(raw_answers(self.model, self._scaled(vectors)))

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Of each label, float (n, n_labels), from 0 to 1."""
        return (self.calibration or identity(self._n_classes)).probabilities(self.answers(vectors))

    def to_onnx(self) -> onnx.ModelProto:
        """The network's graph; `features` in, calibrated `probabilities` (n, n_labels) out."""
        odds = join(super().to_onnx(), log_odds_graph(self._n_classes), {"probabilities": "shares"})
        calibration: Calibration = self.calibration or identity(self._n_classes)
        model = join(odds, calibration.to_onnx(), {"odds": "margins"})
        return keep_output(model, model.graph.output[-1].name, "probabilities")

    def _held_out_loss(self, inputs: np.ndarray, labels: np.ndarray) -> float:
        return mean_loss(labels.astype(np.int8), raw_answers(self.model, inputs))

    def _hold_out(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._hold_out_of(strata(labels))


def _masked_loss(true: Any, predicted: Any) -> Any:
    """The mean log loss of the labels that are known."""
    from keras import ops

    known = ops.cast(true >= 0, predicted.dtype)
    shares = ops.clip(predicted, 1e-7, 1 - 1e-7)
    losses = -ops.where(true > 0, ops.log(shares), ops.log(1 - shares)) * known
    return ops.sum(losses, axis=-1) / ops.maximum(ops.sum(known, axis=-1), 1)
