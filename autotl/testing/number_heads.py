"""Conformance checks for heads of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.interfaces import Head
from autotl.testing.support import doing, new_study, require

if TYPE_CHECKING:
    from autotl.training.classifiers import Classifier

N_FEATURES = 16
_LEAST_R2 = 0.3


def check_number_head(subject: str, head: Head, n_trials: int) -> None:
    """Check that a head of numbers builds, learns, repeats itself and converts to ONNX.

    subject: what messages call it; n_trials: as in `check_head`.
    """
    from autotl.search.hyperparameters import defaults

    with doing(f"{subject}: build with the defaults of its search space"):
        defaults(lambda hp: head.build(hp, N_FEATURES, 1))
    vectors, numbers = _toy_numbers()
    fitted, values = _fit_twice(f"{subject} for numbers", head, {}, vectors, numbers)
    r2 = 1 - float(((values[:, 0] - numbers) ** 2).sum()) / float(((numbers - numbers.mean()) ** 2).sum())
    require(r2 > _LEAST_R2, f"{subject}: R² is {r2:.2f} on its own easy training data; the mean has 0")
    _check_graph(subject, fitted, vectors, values)
    for seed in range(n_trials):
        drawn = random_values(subject, head, 1, seed)
        _fit_twice(f"{subject} with {drawn}", head, drawn, vectors, numbers)


def random_values(subject: str, head: Head, n_outputs: int, seed: int) -> Mapping[str, float | str]:
    """Hyperparameters drawn at random from a head's search space."""
    import optuna

    from autotl.search.hyperparameters import OptunaHyperParameters

    hp = OptunaHyperParameters(new_study(optuna.samplers.RandomSampler(seed)).ask())
    with doing(f"{subject}: build with random hyperparameters"):
        head.build(hp, N_FEATURES, n_outputs)
    return dict(hp.values)


def _toy_numbers() -> tuple[np.ndarray, np.ndarray]:
    """Vectors float32 (90, N_FEATURES), and numbers around 1,000 that they nearly tell."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(90, N_FEATURES)).astype("float32")
    return vectors, 1000 + 50 * (vectors @ rng.normal(size=N_FEATURES) + 0.3 * rng.normal(size=90))


def _fit_twice(
    subject: str, head: Head, values: Mapping[str, float | str], vectors: np.ndarray, numbers: np.ndarray
) -> tuple[Classifier, np.ndarray]:
    first, network = _fit(subject, head, values, vectors, numbers, seed=0)
    # The weights of a network are drawn with the seed of the trial; an estimator brings its own.
    second, _ = _fit(subject, head, values, vectors, numbers, seed=0 if network else 1)
    found = first.answers(vectors)
    require(
        np.allclose(found, second.answers(vectors), atol=1e-5 * numbers.std()),
        f"{subject}: fitted twice it predicts differently; give it a fixed seed (random_state=0)",
    )
    return first, found


def _fit(
    subject: str, head: Head, values: Mapping[str, float | str], vectors: np.ndarray, numbers: np.ndarray, *, seed: int
) -> tuple[Classifier, bool]:
    from autotl.runtime.keras_backend import session
    from autotl.search.hyperparameters import fixed_hyperparameters
    from autotl.training.classifiers import is_network
    from autotl.training.regressors import wrap_regressor

    with session(seed), doing(f"{subject}: build and fit"):
        built: Any = head.build(fixed_hyperparameters(values), N_FEATURES, 1)
        network = is_network(built)
        if network:
            shapes = (tuple(built.input_shape), tuple(built.output_shape))
            wanted = ((None, N_FEATURES), (None, 1))
            require(shapes == wanted, f"{subject}: the model goes from {shapes[0]} to {shapes[1]}; expected {wanted}")
        fitted = wrap_regressor(head, built, N_FEATURES, seed=0)
        fitted.fit(vectors, numbers)
        fitted.answers(vectors)
    return fitted, network


def _check_graph(subject: str, fitted: Classifier, vectors: np.ndarray, values: np.ndarray) -> None:
    import onnxruntime

    with doing(f"{subject}: conversion to ONNX, which the deployable needs,"):
        model = fitted.to_onnx().SerializeToString()
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        [graph] = session.run(["value"], {"features": vectors})
    require(graph.shape == values.shape, f"{subject}: the ONNX graph's values have shape {graph.shape}")
    difference = float(np.abs(graph - values).max() / values.std())
    require(difference < 1e-4, f"{subject}: the ONNX graph's values differ by {difference:.1e} of their deviation")
