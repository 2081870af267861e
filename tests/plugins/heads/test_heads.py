"""Every head: how well it learns, what its probabilities are worth, whether it can be deployed."""

import sys

import numpy as np
import pytest

from autotl.data.split import Split, random_split
from autotl.features.frozen_network import open_session
from autotl.graphs.surgery import join
from autotl.interfaces import Head
from autotl.training.classifiers import wrap
from autotl.training.components import fit_components
from autotl.training.cross_validation import cross_validate
from autotl_plugins.heads import dense, forest, logistic, nearest_neighbours, recipes, svm

LINEAR_PROBES = {
    head.name: head for module in (logistic, svm, forest, nearest_neighbours) for head in module.register_heads()
}
NETWORKS = {head.name: head for module in (dense, recipes) for head in module.register_heads()}
RECIPES = {head.name for head in recipes.register_heads()}
FEWER_TREES = {"random-forest": {"n_estimators": 100}}  # the fewest that are searched; each takes time to convert

pytestmark = [
    # TensorFlow's generated protocol buffer code, and its conversion of arrays under NumPy 2.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:google.*"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def build(head: Head, n_features: int, n_classes: int, **values):
    from keras_tuner import HyperParameters

    hp = HyperParameters()
    hp.values.update(values)
    return head.build(hp, n_features, n_classes)


def blobs(n_classes: int, *, n: int = 300, n_features: int = 24, rarest: int | None = None, spread: float = 2.5):
    """Training and test items of Gaussian classes; the last class has only `rarest` training items."""
    rng = np.random.default_rng(n_classes)
    centres = rng.normal(size=(n_classes, n_features))
    labels = np.arange(2 * n) % n_classes
    vectors = (centres[labels] + spread * rng.normal(size=(2 * n, n_features))).astype(np.float32)
    vectors[:, 0] = 0  # a unit that never fires
    train = np.arange(2 * n) < n
    if rarest is not None:
        train &= (labels < n_classes - 1) | (np.cumsum(labels == n_classes - 1) <= rarest)
    test = np.arange(2 * n) >= n
    return vectors[train], labels[train], vectors[test], labels[test]


def mean_log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)).mean())


class Fitted:
    """A head with its components and its calibration, fitted as a run does it."""

    def __init__(self, name: str, vectors: np.ndarray, labels: np.ndarray, n_classes: int, **values):
        head = LINEAR_PROBES[name]
        items = np.arange(len(vectors))
        self.principal = fit_components(lambda wanted: vectors[wanted], items, seed=0) if head.on_components else None
        inputs = self.principal(vectors) if self.principal else vectors
        n_inputs = inputs.shape[1]
        self.classifier = wrap(head, build(head, n_inputs, n_classes, **values), n_inputs, n_classes, seed=0)
        if self.classifier.gives_margins:
            split = random_split(Split(items % 5, items), labels, seed=0)
            found = cross_validate(self.classifier, inputs, labels, split)
            self.held_out, self.classifier.calibration = found.predictions, found.calibration
        self.classifier.fit(inputs, labels)

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        return self.classifier.probabilities(self.principal(vectors) if self.principal else vectors)

    def graph_says(self, vectors: np.ndarray) -> np.ndarray:
        graph = self.classifier.to_onnx()
        if self.principal:
            graph = join(self.principal.to_onnx(), graph, {"components": "features"})
        return open_session(graph.SerializeToString()).run(["probabilities"], {"features": vectors})[0]


@pytest.mark.parametrize("name", LINEAR_PROBES)
@pytest.mark.parametrize(("n_classes", "rarest"), [(2, None), (2, 2), (3, 1), (5, None), (5, 2)])
def test_linear_probes_learn_and_their_onnx_graph_agrees_to_1e_4(name, n_classes, rarest):
    vectors, labels, test_vectors, test_labels = blobs(n_classes, rarest=rarest, spread=1.0)
    model = Fitted(name, vectors, labels, n_classes, **FEWER_TREES.get(name, {}))
    probabilities = model.probabilities(test_vectors)
    common = test_labels < n_classes - (rarest is not None)
    assert (probabilities.argmax(axis=1) == test_labels)[common].mean() > 0.9
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)
    for items in (test_vectors, vectors):
        assert np.abs(model.graph_says(items) - model.probabilities(items)).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("logistic", {"class_weight": "balanced"}),
        ("logistic", {"C": 10.0}),
        ("rbf-svm", {"C": 0.1, "gamma_factor": 0.03}),
        ("rbf-svm", {"C": 1e3, "gamma_factor": 10.0}),
        ("linear-svm", {"C": 1e-6}),
        ("linear-svm", {"C": 0.1}),
        ("knn", {"metric": "manhattan", "k": 1}),
        ("random-forest", {"max_features": "log2", "min_samples_leaf": 10}),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_the_corners_of_the_search_spaces_convert_too_also_for_features_in_the_thousands(name, values, scale):
    vectors, labels, test_vectors, _ = blobs(3, n=120)
    vectors, test_vectors = vectors * np.float32(scale), test_vectors * np.float32(scale)
    model = Fitted(name, vectors, labels, 3, **values)
    assert np.abs(model.graph_says(test_vectors) - model.probabilities(test_vectors)).max() < 1e-4


@pytest.mark.parametrize("name", LINEAR_PROBES)
def test_a_linear_probe_gives_the_same_probabilities_when_it_is_fitted_again(name):
    vectors, labels, test_vectors, _ = blobs(3)
    first, second = (Fitted(name, vectors, labels, 3).probabilities(test_vectors) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", ["logistic", "linear-svm", "rbf-svm"])
def test_heads_learn_from_more_features_than_items(name):
    vectors, labels, test_vectors, test_labels = blobs(4, n=200, n_features=2000)
    probabilities = Fitted(name, vectors, labels, 4).probabilities(test_vectors)
    assert (probabilities.argmax(axis=1) == test_labels).mean() > 0.95


@pytest.mark.parametrize("name", ["logistic", "linear-svm", "rbf-svm"])
def test_images_that_are_all_equal_get_the_frequencies_of_the_classes(name):
    labels = np.repeat([0, 1], [30, 10])
    model = Fitted(name, np.full((40, 6), 3.0, dtype=np.float32), labels, 2)
    found = model.probabilities(np.full((2, 6), 3.0, dtype=np.float32))
    assert found[:, 0] == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_svm_probabilities_are_calibrated_where_a_softmax_of_margins_is_not(n_classes):
    vectors, labels, test_vectors, test_labels = blobs(n_classes, n=600, spread=2.0)
    models = {name: Fitted(name, vectors, labels, n_classes) for name in ("logistic", "linear-svm", "rbf-svm")}
    losses = {name: mean_log_loss(test_labels, m.probabilities(test_vectors)) for name, m in models.items()}
    for name in ("linear-svm", "rbf-svm"):
        models[name].classifier.calibration = None
        softmax = mean_log_loss(test_labels, models[name].probabilities(test_vectors))
        assert losses[name] < losses["logistic"] + 0.05
        assert losses[name] < softmax - 0.005


def test_smallest_margins_are_better_calibrated_than_scikit_learns_sigmoids_on_votes_on_digits():
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.datasets import load_digits
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    digits = load_digits()
    vectors, labels = digits.data.astype(np.float32), digits.target
    train, test = slice(0, 400), slice(400, 1000)
    ours = Fitted("rbf-svm", vectors[train], labels[train], 10).probabilities(vectors[test])
    votes = CalibratedClassifierCV(SVC(C=3.0), method="sigmoid", ensemble=False)
    sigmoids = make_pipeline(StandardScaler(), votes).fit(vectors[train], labels[train]).predict_proba(vectors[test])
    assert mean_log_loss(labels[test], ours) < 0.6 * mean_log_loss(labels[test], sigmoids)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"hidden_layers": 0},
        {"hidden_layers": 2, "batch_normalisation": True, "activation": "gelu"},
        {"activation": "swish", "dropout": 0.5},
    ],
    ids=["default", "no hidden layer", "two hidden layers", "swish"],
)
def test_dense_learns_and_survives_saving(values, tmp_path):
    import keras

    keras.utils.set_random_seed(0)
    vectors, labels, test_vectors, test_labels = blobs(3, spread=1.0)
    model = build(NETWORKS["dense"], vectors.shape[1], 3, **values)
    assert not model.compiled
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(vectors, labels, epochs=10, verbose=0)
    probabilities = model.predict_on_batch(test_vectors)
    assert probabilities.shape == (300, 3)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (probabilities.argmax(axis=1) == test_labels).mean() > 0.9
    model.save(tmp_path / "head.keras")
    loaded = keras.saving.load_model(tmp_path / "head.keras", compile=False)
    assert loaded.predict_on_batch(test_vectors) == pytest.approx(probabilities, abs=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_answer_in_float32_under_mixed_precision(name):
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build(NETWORKS[name], 8, 3)
    finally:
        keras.config.set_dtype_policy(before)
    probabilities = model.predict_on_batch(np.ones((4, 8), dtype=np.float32))
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_the_recipes_are_the_published_layers():
    layers = {
        name: [type(layer).__name__ for layer in build(NETWORKS[name], 2048, 7).layers[1:]]
        for name in ("resnet50-gap-dense512", "vgg16-dense128")
    }
    assert layers == {
        "resnet50-gap-dense512": ["Dense", "Dense"],
        "vgg16-dense128": ["Dense", "BatchNormalization", "Dense"],
    }
    assert build(NETWORKS["resnet50-gap-dense512"], 2048, 7).layers[1].units == 512
    assert build(NETWORKS["vgg16-dense128"], 512, 7).layers[1].units == 128


def test_the_recipes_fix_backbone_size_depth_and_pooling():
    frozen, tuned = NETWORKS["resnet50-gap-dense512"], NETWORKS["vgg16-dense128"]
    assert (frozen.recipe.strategy, frozen.recipe.backbone, frozen.recipe.size) == ("probe", "resnet50", (224, 224))
    assert (tuned.recipe.strategy, tuned.recipe.backbone, tuned.recipe.size) == ("fine-tune", "vgg16", (218, 178))
    assert tuned.recipe.trainable_stages == 1
    assert {head.recipe.pooling for head in (frozen, tuned)} == {"avg"}
    assert not frozen.standardise
    assert not tuned.standardise


def test_the_recipe_for_texts_is_a_forest_with_scikit_learns_defaults_on_averages_of_glove():
    from sklearn.ensemble import RandomForestClassifier

    head = LINEAR_PROBES["glove-forest"]
    assert (head.recipe.strategy, head.recipe.backbone, head.recipe.pooling) == ("probe", "glove-6b-50d", "avg")
    defaults = RandomForestClassifier().get_params()
    found = build(head, 50, 2).get_params()
    assert {name for name in found if found[name] != defaults[name]} == {"n_jobs", "random_state"}


def test_importing_the_heads_loads_no_framework():
    import subprocess

    modules = ", ".join(
        f"autotl_plugins.heads.{m}"
        for m in ("dense", "forest", "logistic", "nearest_neighbours", "recipes", "regression", "svm")
    )
    code = f"import sys, {modules}; print(*{{'keras', 'sklearn', 'scipy', 'tensorflow'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


@pytest.mark.parametrize(
    "name", [*LINEAR_PROBES, *(pytest.param(n, marks=pytest.mark.heavy) if n in RECIPES else n for n in NETWORKS)]
)
def test_heads_conform(name):
    from autotl.testing.heads import check_head

    # Fewer random points than an author's three: the recipes have nothing to search, the corners are tested above.
    check_head((LINEAR_PROBES | NETWORKS)[name], n_trials=0 if name in RECIPES else 1)
