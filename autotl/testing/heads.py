"""Conformance checks for heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.interfaces import (
    Head,
)
from autotl.targets import NUMBER
from autotl.testing.number_heads import N_FEATURES, check_number_head, random_values
from autotl.testing.support import doing, named, prepare_keras, require, require_targets

if TYPE_CHECKING:
    from autotl.training.classifiers import Classifier


def check_head(head: Head, *, n_trials: int = 3) -> None:
    """Check that a head builds, learns, repeats itself and converts to ONNX, for 3 and for 2 classes, or for numbers.

    n_trials: number of random points of its search space that are built and fitted besides the defaults.
    """
    prepare_keras()

    subject = named(head, "head")
    require_targets(subject, head.targets)
    if set(head.targets) - {NUMBER}:
        _check_classes(subject, head, n_trials)
    if NUMBER in head.targets:
        check_number_head(subject, head, n_trials)


def _check_classes(subject: str, head: Head, n_trials: int) -> None:
    from autotl.search.hyperparameters import defaults

    with doing(f"{subject}: build with the defaults of its search space"):
        defaults(lambda hp: head.build(hp, N_FEATURES, 3))
    for n_classes in (3, 2):
        _check_fitted_head(f"{subject} for {n_classes} classes", head, n_classes)
    for seed in range(n_trials):
        values = random_values(subject, head, 3, seed)
        probabilities = _fit_twice(f"{subject} with {values}", head, values, 3).probabilities
        require(np.isfinite(probabilities).all(), f"{subject}: with {values} probabilities are not finite")


def _toy_features(n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping clouds: vectors float32 (30 per class, N_FEATURES), labels int."""
    rng = np.random.default_rng(0)
    labels = np.arange(30 * n_classes) % n_classes
    centres = rng.normal(size=(n_classes, N_FEATURES))
    return (centres[labels] + 0.7 * rng.normal(size=(len(labels), N_FEATURES))).astype("float32"), labels


@dataclass(frozen=True)
class _FittedHead:
    """What `head.build` returned, the classifier around it, and its probabilities for the toy features."""

    built: Any
    network: bool
    classifier: Classifier
    probabilities: np.ndarray


def _fit_head(subject: str, head: Head, values: Mapping[str, float | str], n_classes: int, *, seed: int) -> _FittedHead:
    from autotl.runtime.keras_backend import session
    from autotl.search.hyperparameters import fixed_hyperparameters
    from autotl.training.calibration import fit_calibration
    from autotl.training.classifiers import is_network, wrap

    vectors, labels = _toy_features(n_classes)
    with session(seed), doing(f"{subject}: build and fit"):
        built = head.build(fixed_hyperparameters(values), N_FEATURES, n_classes)
        network = is_network(built)
        if network:
            shapes = (tuple(built.input_shape), tuple(built.output_shape))
            wanted = ((None, N_FEATURES), (None, n_classes))
            require(shapes == wanted, f"{subject}: the model goes from {shapes[0]} to {shapes[1]}; expected {wanted}")
        classifier = wrap(head, built, N_FEATURES, n_classes, seed=0)
        classifier.fit(vectors, labels)
        if classifier.gives_margins:
            classifier.calibration = fit_calibration(classifier.answers(vectors), labels, n_classes)
        return _FittedHead(built, network, classifier, np.asarray(classifier.probabilities(vectors)))


def _fit_twice(subject: str, head: Head, values: Mapping[str, float | str], n_classes: int) -> _FittedHead:
    first = _fit_head(subject, head, values, n_classes, seed=0)
    # The weights of a network are drawn with the seed of the trial; an estimator brings its own.
    second = _fit_head(subject, head, values, n_classes, seed=0 if first.network else 1)
    require(
        np.allclose(first.probabilities, second.probabilities, atol=1e-5),
        f"{subject}: fitted twice it predicts differently; give it a fixed seed (random_state=0)",
    )
    return first


def _check_fitted_head(subject: str, head: Head, n_classes: int) -> None:
    vectors, labels = _toy_features(n_classes)
    fitted = _fit_twice(subject, head, {}, n_classes)
    if fitted.network:
        raw = np.asarray(fitted.built.predict_on_batch(vectors))
    else:
        classes = list(fitted.built.fit(vectors, labels).classes_)
        require(classes == list(range(n_classes)), f"{subject}: classes_ are {classes}; expected 0 to {n_classes - 1}")
        raw = np.asarray(fitted.classifier.probabilities(vectors))
    require(raw.shape == (len(labels), n_classes), f"{subject}: probabilities have shape {raw.shape}")
    require(
        np.allclose(raw.sum(axis=1), 1, atol=1e-4) and (raw >= 0).all(),
        f"{subject}: rows of probabilities must be at least 0 and sum to 1; found sums {raw.sum(axis=1)[:3]}",
    )
    accuracy = float((fitted.probabilities.argmax(axis=1) == labels).mean())
    require(
        accuracy > 1 / n_classes + 0.15,
        f"{subject}: accuracy {accuracy:.2f} on its own easy training data, chance is {1 / n_classes:.2f}",
    )
    _check_head_graph(subject, fitted, vectors)


def _check_head_graph(subject: str, fitted: _FittedHead, vectors: np.ndarray) -> None:
    import onnxruntime

    with doing(f"{subject}: conversion to ONNX, which the deployable needs,"):
        model = fitted.classifier.to_onnx().SerializeToString()
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        [graph] = session.run(["probabilities"], {"features": vectors})
    difference = float(np.abs(graph - fitted.probabilities).max())
    require(difference < 1e-4, f"{subject}: the ONNX graph's probabilities differ by {difference:.1e}")
