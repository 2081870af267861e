"""Fitting any kind of head on feature vectors: the only place that knows scikit-learn from Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

from autotl.errors import ExportError, PluginError
from autotl.graphs.keras_to_onnx import OPSET
from autotl.graphs.surgery import join, keep_output, rename_tensor
from autotl.interfaces import Head
from autotl.predictions import log_loss, log_losses
from autotl.runtime import keras_backend
from autotl.runtime.blas_threads import limit_threads
from autotl.training.calibration import Calibration
from autotl.training.components import location_and_spread

if TYPE_CHECKING:
    import onnx

BATCH_ITEMS = 32
MAX_EPOCHS = 60
PATIENCE_EPOCHS = 6
HOLD_OUT_FRACTION = 0.15
LEARNING_RATE = 1e-3
Scaling: TypeAlias = Literal["none", "columns", "components"]
MANY_NUMBERS = 4_000_000
"""From so many feature values on, linear algebra gains from several threads."""


class Classifier(Protocol):
    """A head that can be fitted on vectors float32 (n, n_features) and labels int (n,).

    gives_margins: what it answers are margins, which become probabilities only by `calibration`; fit that on margins
        of items which the head was not fitted on, and set it.
    """

    gives_margins: bool
    calibration: Calibration | None

    def fit(self, vectors: np.ndarray, labels: np.ndarray) -> None:
        """Fit from scratch; what an earlier call learned is forgotten."""

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """Margins, or class probabilities where it gives no margins; float (n, n_classes)."""

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Class probabilities, float (n, n_classes)."""

    def network(self) -> Any:
        """The fitted head as a Keras model from vectors to probabilities; PluginError if there is none."""

    def to_onnx(self) -> onnx.ModelProto:
        """The fitted head as a graph; input `features` float32 (n, n_features), output `probabilities`."""


def wrap(head: Head, built: Any, n_features: int, n_classes: int, *, seed: int) -> Classifier:
    """Make a classifier of what `head.build` returned; PluginError if it returned something else."""
    if is_network(built):
        return NetworkClassifier(built, n_features, n_classes, scaling=scaling_of(head), seed=seed)
    if not (hasattr(built, "fit") and (hasattr(built, "predict_proba") or hasattr(built, "decision_function"))):
        raise PluginError(
            f"head {head.name!r} built a {type(built).__name__}; expected a scikit-learn classifier with fit and "
            "predict_proba or decision_function, or an uncompiled keras.Model"
        )
    return EstimatorClassifier(built, n_features, n_classes)


def scaling_of(head: Head) -> Scaling:
    """How the input of a Keras head is scaled."""
    if not head.standardise:
        return "none"
    return "components" if head.on_components else "columns"


def is_network(built: Any) -> bool:
    """Whether a head is a Keras model."""
    import keras

    return isinstance(built, keras.Model)


def can_be_tuned(built: Any) -> bool:
    """Whether a head can sit on an unfrozen backbone: a Keras model, or an estimator that becomes one when fitted."""
    return is_network(built) or (hasattr(built, "to_keras") and hasattr(built, "predict_proba"))


def sound_answers(found: np.ndarray, n_items: int, n_classes: int, *, margins: bool) -> np.ndarray:
    """What a head answered, or PluginError if it cannot be: another shape, NaN, or probabilities that are none."""
    if found.shape != (n_items, n_classes):
        raise PluginError(f"the head's answers have shape {found.shape}; expected {(n_items, n_classes)}")
    if not np.isfinite(found).all():
        raise PluginError(f"{(~np.isfinite(found)).any(axis=1).sum()} of the head's {n_items} answers are not finite")
    sums = found.sum(axis=1)
    if not margins and ((found < -1e-6).any() or (np.abs(sums - 1) > 1e-3).any()):
        worst = sums[np.abs(sums - 1).argmax()]
        raise PluginError(f"the head's probabilities are negative or sum to {worst:.4g}; expected rows that sum to 1")
    return found


class EstimatorClassifier:
    """A scikit-learn classifier."""

    def __init__(self, estimator: Any, n_features: int, n_classes: int) -> None:
        self._estimator = estimator
        self._n_features = n_features
        self._n_classes = n_classes
        self.gives_margins = not hasattr(estimator, "predict_proba")
        self.calibration: Calibration | None = None

    @property
    def takes_weights(self) -> bool:
        """Whether items can count more or less."""
        from sklearn.utils.validation import has_fit_parameter

        return bool(has_fit_parameter(self._estimator, "sample_weight"))

    def fit(self, vectors: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Fit a fresh clone. weights: float (n,), of the items, in place of the estimator's own weights of classes."""
        from sklearn.base import clone

        fresh, weighted = clone(self._estimator), {}
        if weights is not None:
            if "class_weight" in fresh.get_params():
                fresh.set_params(class_weight=None)
            weighted = {"sample_weight": weights * (len(weights) / weights.sum())}
        # Small problems spend their time waiting for threads: 1.4 s instead of 0.07 s for 280 x 4,128 numbers.
        with limit_threads(1 if vectors.size < MANY_NUMBERS else None):
            self._fitted = fresh.fit(vectors, labels, **weighted)

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """Margins or probabilities; a class that was absent in training gets the item's lowest margin, or 0."""
        ask = self._fitted.decision_function if self.gives_margins else self._fitted.predict_proba
        found = np.asarray(ask(vectors))
        if found.ndim == 1:  # scikit-learn gives one margin for two classes
            found = np.stack([-found, found], axis=1)
        found = sound_answers(found, vectors.shape[0], len(self._fitted.classes_), margins=self.gives_margins)
        every = np.zeros((vectors.shape[0], self._n_classes))
        if self.gives_margins:  # so that an item's answer does not depend on the other items
            every += found.min(axis=1, keepdims=True)
        every[:, self._fitted.classes_.astype(int)] = found
        return every

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Class probabilities; margins without a calibration are treated as log-odds."""
        answers = self.answers(vectors)
        return self._calibration().probabilities(answers) if self.gives_margins else answers

    def to_onnx(self) -> onnx.ModelProto:
        """The estimator's own graph if it brings one, else what skl2onnx makes of it; calibrated."""
        if len(self._fitted.classes_) != self._n_classes:
            raise ExportError("a class has no training image, so the head cannot be exported")
        graph = self._fitted.to_onnx() if hasattr(self._fitted, "to_onnx") else self._converted()
        return join(graph, self._calibration().to_onnx(), {"margins": "margins"}) if self.gives_margins else graph

    def network(self) -> Any:
        """The fitted estimator as a Keras model from vectors to probabilities, where it brings one."""
        if len(self._fitted.classes_) != self._n_classes:
            raise PluginError("a class has no training image, so the head cannot be set on a network")
        return self._fitted.to_keras()

    def _calibration(self) -> Calibration:
        return self.calibration or Calibration(np.eye(self._n_classes), np.zeros(self._n_classes))

    def _converted(self) -> onnx.ModelProto:
        """Convert with skl2onnx, without its list-of-dictionaries output."""
        import skl2onnx
        from skl2onnx.common.data_types import FloatTensorType

        if self.gives_margins:
            raise ExportError(
                f"{type(self._fitted).__name__} gives margins but brings no graph; add a method to_onnx() to it"
            )
        inputs = [("features", FloatTensorType([None, self._n_features]))]
        try:
            model = skl2onnx.convert_sklearn(
                self._fitted, initial_types=inputs, target_opset=OPSET, options={id(self._fitted): {"zipmap": False}}
            )
        except Exception as error:
            raise ExportError(f"skl2onnx cannot convert {type(self._fitted).__name__}: {error}") from error
        return keep_output(model, model.graph.output[-1].name, "probabilities")


class NetworkClassifier:
    """A Keras head, trained on vectors with Adam and early stopping on a stratified part held out.

    model: the head itself; `network()` adds the scaling of its input that it was trained with.
    scaling: "columns" to mean 0 and deviation 1, "components" all by one factor, or "none".
    """

    gives_margins = False
    calibration: Calibration | None = None
    loss: Any = "sparse_categorical_crossentropy"

    def __init__(self, model: Any, n_features: int, n_classes: int, *, scaling: Scaling, seed: int) -> None:
        import keras

        self.model = model
        self._n_classes = n_classes
        self._seed = seed
        self._scaling = scaling
        self._mean = np.zeros(n_features, dtype=np.float32)
        self._deviation = np.ones(n_features, dtype=np.float32)
        model.compile(keras.optimizers.Adam(LEARNING_RATE), self.loss, jit_compile=keras_backend.compiles_steps())
        model.optimizer.build(model.trainable_variables)
        # Compiled once and reset for each fold: tracing a graph costs more than training a small head.
        self._initial = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]

    def fit(self, vectors: np.ndarray, labels: np.ndarray) -> None:
        """Reset, then train until the held-out loss has not improved for some epochs."""
        self._train(vectors, labels, None)

    def fit_weighted(self, vectors: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> None:
        """The same for classes, where items count by weights, float (n,), in training and in the held-out loss."""
        self._train(vectors, labels, weights * (len(weights) / weights.sum()))

    def _train(self, vectors: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> None:
        for variable, value in zip(
            (*self.model.variables, *self.model.optimizer.variables), self._initial, strict=True
        ):
            variable.assign(value)
        if self._scaling == "components":
            # One scale for all: components of small variance are mostly noise, which must stay small.
            self._deviation = np.full(vectors.shape[1], max(float(vectors.std()), 1e-6), dtype=np.float32)
        if self._scaling == "columns":
            self._mean, deviation = location_and_spread(vectors)
            self._deviation = np.where(deviation > 0, deviation, np.float32(1))
        inputs = self._scaled(vectors)
        train, held_out = self._hold_out(labels)
        rng = np.random.default_rng(self._seed)
        best, best_loss, waited = self.model.get_weights(), np.inf, 0
        for _ in range(MAX_EPOCHS):
            for batch in batches(train, BATCH_ITEMS, rng):
                self.model.train_on_batch(inputs[batch], labels[batch], None if weights is None else weights[batch])
            loss = (
                self._held_out_loss(inputs[held_out], labels[held_out]) if weights is None
                else self._weighted_loss(inputs[held_out], labels[held_out], weights[held_out])
            )  # fmt: skip
            if loss < best_loss - 1e-4:
                best, best_loss, waited = self.model.get_weights(), loss, 0
            else:
                waited += 1
            if waited >= PATIENCE_EPOCHS:
                break
        self.model.set_weights(best)

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """Class probabilities, float64 so that rows sum to 1."""
        found = predict(self.model, self._scaled(vectors))
        return sound_answers(found, len(vectors), self._n_classes, margins=False)

    probabilities = answers

    def network(self) -> Any:
        """The head as a Keras model from raw features to probabilities."""
        import keras

        inputs = keras.Input((len(self._mean),))
        scaling = keras.layers.Rescaling((1 / self._deviation).tolist(), (-self._mean / self._deviation).tolist())
        return keras.Model(inputs, self.model(scaling(inputs)))

    def to_onnx(self) -> onnx.ModelProto:
        """Write the Keras model's graph."""
        from autotl.graphs.keras_to_onnx import to_onnx

        model = to_onnx(self.network())
        rename_tensor(model, model.graph.input[0].name, "features")
        return keep_output(model, model.graph.output[0].name, "probabilities")

    def _scaled(self, vectors: np.ndarray) -> np.ndarray:
        return (vectors - self._mean) / self._deviation

    def _held_out_loss(self, inputs: np.ndarray, labels: np.ndarray) -> float:
        return log_loss(labels, predict(self.model, inputs))

    def _weighted_loss(self, inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
        losses = log_losses(labels, predict(self.model, inputs))
        return float(np.average(losses, weights=weights if weights.any() else None))

    def _hold_out(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Item numbers to train on, and those held out: of each class that has enough, the same fraction."""
        return self._hold_out_of(labels, self._n_classes)

    def _hold_out_of(self, labels: np.ndarray, n_classes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(self._seed)
        held_out = []
        for label in range(int(labels.max()) + 1 if n_classes is None else n_classes):
            members = rng.permutation(np.flatnonzero(labels == label))
            held_out.append(members[: round(len(members) * HOLD_OUT_FRACTION)])
        chosen = np.concatenate(held_out)
        if len(chosen) == 0:  # too few to hold any out: watch the training loss
            return np.arange(len(labels)), np.arange(len(labels))
        return np.setdiff1d(np.arange(len(labels)), chosen), chosen


def batches(items: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Shuffled batches of one size; the odd rest is dropped, for another shape would be traced again."""
    shuffled = rng.permutation(items)
    if len(shuffled) < size:
        return [shuffled]
    return [shuffled[i : i + size] for i in range(0, len(shuffled) - size + 1, size)]


def predict(model: Any, inputs: np.ndarray) -> np.ndarray:
    """Class probabilities of a Keras model in batches padded to one shape, float64 (n, n_classes), rows sum to 1."""
    probabilities = raw_answers(model, inputs)
    return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))


def raw_answers(model: Any, inputs: np.ndarray) -> np.ndarray:
    """What a Keras model says in batches padded to one shape, float64 (n, n_outputs)."""
    parts = []
    for start in range(0, len(inputs), BATCH_ITEMS):
        part = np.asarray(inputs[start : start + BATCH_ITEMS])
        padding = [(0, BATCH_ITEMS - len(part))] + [(0, 0)] * (part.ndim - 1)
        parts.append(model.predict_on_batch(np.pad(part, padding))[: len(part)])
    return np.asarray(np.concatenate(parts).astype(np.float64))
