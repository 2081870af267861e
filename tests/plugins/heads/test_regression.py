"""The heads of numbers: how well they learn, whether they are scikit-learn's, and whether they can be deployed."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from autotl.features.frozen_network import open_session
from autotl.graphs.surgery import join
from autotl.interfaces import Head
from autotl.testing.heads import check_head
from autotl.training.components import fit_components
from autotl.training.regressors import wrap_regressor
from autotl_plugins.heads import regression
from autotl_plugins.heads._regressors import KernelRegressor, RidgeRegressor

HEADS = {head.name: head for head in regression.register_heads()}

pytestmark = [
    # TensorFlow's generated protocol buffer code, and its conversion of arrays under NumPy 2.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:google.*"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def build(head: Head, n_features: int, **values):
    from keras_tuner import HyperParameters

    hp = HyperParameters()
    hp.values.update(values)
    return head.build(hp, n_features, 1)


def numbers(n: int = 300, n_features: int = 24, *, scale: float = 1.0, offset: float = 0.0):
    """Training and test items with a number that depends on three directions of the features, one of them bent."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2 * n, n_features)).astype(np.float32)
    vectors[:, -1] = 0  # a unit that never fires
    target = vectors[:, 0] + 0.5 * vectors[:, 1] + np.abs(vectors[:, 2]) + 0.1 * rng.normal(size=2 * n)
    target = offset + scale * target.astype(np.float64)
    return vectors[:n], target[:n], vectors[n:], target[n:]


class Fitted:
    """A head with its components, fitted as a run does it."""

    def __init__(self, name: str, vectors: np.ndarray, target: np.ndarray, **values):
        head, items = HEADS[name], np.arange(len(vectors))
        self.principal = fit_components(lambda wanted: vectors[wanted], items, seed=0) if head.on_components else None
        inputs = self.principal(vectors) if self.principal else vectors
        self.regressor = wrap_regressor(head, build(head, inputs.shape[1], **values), inputs.shape[1], seed=0)
        self.regressor.fit(inputs, target)

    def values(self, vectors: np.ndarray) -> np.ndarray:
        return self.regressor.answers(self.principal(vectors) if self.principal else vectors)

    def graph_says(self, vectors: np.ndarray) -> np.ndarray:
        graph = self.regressor.to_onnx()
        if self.principal:
            graph = join(self.principal.to_onnx(), graph, {"components": "features"})
        return open_session(graph.SerializeToString()).run(["value"], {"features": vectors})[0]


@pytest.mark.parametrize("name", HEADS)
def test_it_keeps_the_contract(name):
    check_head(HEADS[name], n_trials=1)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (0.01, 0), (5_000, 1e5)])
def test_heads_learn_numbers_of_any_size_and_their_onnx_graph_agrees(name, scale, offset):
    vectors, target, test_vectors, test_target = numbers(scale=scale, offset=offset)
    model = Fitted(name, vectors, target)
    values = model.values(test_vectors)
    assert r2_score(test_target, values) > 0.45
    assert np.abs(model.graph_says(test_vectors) - values).max() < 1e-4 * target.std() + 1e-6 * abs(offset)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ridge", {"strength": 1e-5}),
        ("ridge", {"strength": 1e2}),
        ("kernel-ridge", {"alpha": 0.03, "gamma_factor": 0.1}),
        ("kernel-ridge", {"alpha": 1e1, "gamma_factor": 10.0}),
        ("forest-regressor", {"n_estimators": 100, "max_features": "log2", "min_samples_leaf": 10}),
        ("dense-regressor", {"hidden_layers": 2, "units": 32, "activation": "gelu", "dropout": 0.6}),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_the_corners_of_the_search_spaces_convert_too_also_for_features_in_the_thousands(name, values, scale):
    vectors, target, test_vectors, _ = numbers(120)
    vectors, test_vectors = vectors * np.float32(scale), test_vectors * np.float32(scale)
    model = Fitted(name, vectors, target, **values)
    assert np.abs(model.graph_says(test_vectors) - model.values(test_vectors)).max() < 2e-4


def test_ridge_is_scikit_learns_with_a_penalty_relative_to_the_variance_of_the_features():
    vectors, target, test_vectors, _ = numbers()
    theirs = Ridge(alpha=0.1 * vectors.var(axis=0).sum()).fit(vectors, target)
    ours = RidgeRegressor(0.1).fit(vectors, target)
    assert ours.predict(test_vectors) == pytest.approx(theirs.predict(test_vectors), abs=1e-4)


def test_ridge_takes_sparse_features():
    vectors, target, test_vectors, _ = numbers()
    vectors[np.abs(vectors) < 1] = 0
    dense = RidgeRegressor(0.1).fit(vectors, target).predict(test_vectors)
    assert RidgeRegressor(0.1).fit(sparse.csr_matrix(vectors), target).predict(test_vectors) == pytest.approx(
        dense, abs=1e-3
    )


def test_kernel_ridge_is_scikit_learns_on_centred_numbers():
    vectors, target, test_vectors, _ = numbers()
    gamma = 0.3 / vectors.var(axis=0).sum()
    theirs = KernelRidge(alpha=0.1, kernel="rbf", gamma=gamma).fit(vectors.astype(float), target - target.mean())
    ours = KernelRegressor(alpha=0.1, gamma_factor=0.3).fit(vectors, target)
    expected = theirs.predict(test_vectors.astype(float)) + target.mean()
    assert ours.predict(test_vectors) == pytest.approx(expected, abs=1e-4)


def test_kernel_ridge_learns_a_bend_that_ridge_cannot():
    vectors, target, test_vectors, test_target = numbers(600, 6)
    found = {name: r2_score(test_target, Fitted(name, vectors, target).values(test_vectors)) for name in HEADS}
    assert found["kernel-ridge"] > found["ridge"] + 0.1


@pytest.mark.parametrize("name", ["ridge", "kernel-ridge", "dense-regressor"])
def test_heads_learn_from_more_features_than_items(name):
    vectors, target, test_vectors, test_target = numbers(200, 800)
    assert r2_score(test_target, Fitted(name, vectors, target).values(test_vectors)) > -0.1


@pytest.mark.parametrize("name", HEADS)
def test_images_that_are_all_equal_get_the_mean(name):
    model = Fitted(name, np.full((40, 6), 3.0, dtype=np.float32), np.repeat([1.0, 2.0], [30, 10]))
    assert model.values(np.full((2, 6), 3.0, dtype=np.float32)) == pytest.approx(1.25, abs=0.05)


def test_no_head_of_numbers_is_one_of_classes():
    assert all(head.targets == ("number",) for head in HEADS.values())
