"""Each conformance check passes a sound plugin and fails on the defect planted in it."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import autotl.testing
from autotl.errors import ExportError, WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Check, Evaluator, Exporter, Finding, Head, Proportion, Sampler
from autotl.plugins import KINDS
from autotl.runtime.keras_backend import prepare
from autotl.testing.backbones import check_backbone
from autotl.testing.checks import check_check
from autotl.testing.evaluators import check_evaluator
from autotl.testing.finished_runs import check_exporter, check_watcher
from autotl.testing.heads import check_head
from autotl.testing.plugin import CHECKS, CHECKS_ON_A_RUN, check_plugin
from autotl.testing.samplers import check_sampler

# Keras gives NumPy a variable whose __array__ is of the time before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.fixture(scope="module", autouse=True)
def keras():
    prepare()
    return pytest.importorskip("keras")


def logistic(hp, n_features, n_classes):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=hp.Float("C", 1e-2, 1e2, sampling="log", default=1.0))


def network(hp, n_features, n_classes, *, outputs=0, activation="softmax", compiled=False):
    import keras

    inputs = keras.Input((n_features,))
    hidden = keras.layers.Dense(hp.Int("units", 8, 16), "relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(outputs or n_classes, activation)(hidden))
    if compiled:
        model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def halved(hp, n_features, n_classes):
    from sklearn.linear_model import LogisticRegression

    class Halved(LogisticRegression):
        def predict_proba(self, X):
            return super().predict_proba(X) / 2

    return Halved()


def reversed_classes(hp, n_features, n_classes):
    from sklearn.linear_model import LogisticRegression

    class Reversed(LogisticRegression):
        def fit(self, X, y):
            super().fit(X, y)
            self.classes_ = self.classes_[::-1]
            return self

    return Reversed()


def without_graph(hp, n_features, n_classes):
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.neighbors import NearestCentroid

    class Own(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.inner_, self.classes_ = NearestCentroid().fit(X, y), np.unique(y)
            return self

        def predict_proba(self, X):
            return np.eye(len(self.classes_))[self.inner_.predict(X)]

    return Own()


def margins(hp, n_features, n_classes):
    from sklearn.base import BaseEstimator, ClassifierMixin

    from autotl.graphs.blocks import affine

    class Nearest(ClassifierMixin, BaseEstimator):
        """The log-density of equal balls around the centres, which is affine up to what all classes share."""

        def fit(self, X, y):
            self.classes_ = np.unique(y)
            self.weights_ = np.stack([X[y == label].mean(axis=0) for label in self.classes_], axis=1)
            self.offset_ = -0.5 * (self.weights_**2).sum(axis=0)
            return self

        def decision_function(self, X):
            return X @ self.weights_ + self.offset_

        def to_onnx(self):
            return affine(self.weights_, self.offset_, "features", "margins")

    return Nearest()


def margins_without_graph(hp, n_features, n_classes):
    from sklearn.svm import LinearSVC

    return LinearSVC(random_state=0)


def margins_with_another_graph(hp, n_features, n_classes):
    from autotl.graphs.blocks import affine

    built = margins(hp, n_features, n_classes)
    type(built).to_onnx = lambda self: affine(-self.weights_, self.offset_, "features", "margins")
    return built


def guessing(hp, n_features, n_classes):
    from sklearn.dummy import DummyClassifier

    return DummyClassifier()


def unseeded(hp, n_features, n_classes):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=5)


def default_outside(hp, n_features, n_classes):
    hp.Float("C", 0.1, 1.0, default=5.0)
    return logistic(hp, n_features, n_classes)


def a_number(hp, n_features, n_classes):
    return 3


@pytest.mark.parametrize("build", [logistic, network, margins])
def test_a_sound_head_passes(build):
    check_head(Head("sound", build), n_trials=1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda *_: 1 / 0, "build with the defaults of its search space raised ZeroDivisionError"),
        (a_number, "built a int; expected a scikit-learn classifier"),
        (default_outside, r"'C' is 5\.0; expected a number from 0\.1 to 1\.0"),
        (halved, r"for 3 classes: rows of probabilities must .* sum to 1; found sums \[0\.5"),
        (reversed_classes, r"classes_ are .*2.*; expected 0 to 2"),
        (without_graph, r"conversion to ONNX, which the deployable needs, raised ExportError"),
        (margins_without_graph, r"LinearSVC gives margins but brings no graph; add a method to_onnx\(\)"),
        (margins_with_another_graph, "the ONNX graph's probabilities differ by"),
        (guessing, r"accuracy 0\.33 .* chance is 0\.33"),
        (unseeded, r"fitted twice it predicts differently; .*random_state"),
        (lambda *a: network(*a, activation="sigmoid"), "rows of probabilities must"),
        (lambda *a: network(*a, outputs=7), r"the model goes from \(None, 16\) to \(None, 7\)"),
        (lambda *a: network(*a, compiled=True), "is compiled; the search compiles it"),
    ],
)
def test_a_head_with_a_defect_fails(build, message):
    with pytest.raises(AssertionError, match=f"head 'unsound'.*{message}"):
        check_head(Head("unsound", build))


def test_a_name_that_is_no_slug_fails():
    with pytest.raises(AssertionError, match="head 'My Head': expected a name of lowercase letters"):
        check_head(Head("My Head", logistic))


def accuracy(labels, probabilities):
    return Proportion(int((probabilities.argmax(axis=1) == labels).sum()), len(labels))


def recall(labels, probabilities):
    hits = probabilities.argmax(axis=1) == labels
    classes = range(probabilities.shape[1])
    return [Proportion(int(hits[labels == c].sum()), int((labels == c).sum())) for c in classes]


def brier(labels, probabilities):
    return float(((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize(
    "evaluator",
    [Evaluator("accuracy", accuracy), Evaluator("recall", recall), Evaluator("brier", brier, larger_is_better=False)],
    ids=lambda evaluator: evaluator.name,
)
def test_a_sound_evaluator_passes(evaluator):
    check_evaluator(evaluator)


def sorting(labels, probabilities):
    labels.sort()
    return brier(labels, probabilities)


def infinite(labels, probabilities):
    with np.errstate(divide="ignore"):
        return float(np.log(probabilities).mean())


def needs_every_class(labels, probabilities):
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    return -brier(labels, probabilities) if counts.all() else float("nan")


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (brier, "larger_is_better=True promises larger for perfect"),
        (lambda labels, probabilities: 0.5, "0.5 for perfect and 0.5 for random"),
        (sorting, "raised ValueError: .*read-only"),
        (infinite, "the value is -inf for 2 classes"),
        (needs_every_class, "class 3 absent from the labels: the value is nan"),
        (lambda labels, probabilities: "high", "'high'; expected a float, a Proportion, or one Proportion per class"),
        (lambda labels, probabilities: recall(labels, probabilities)[:1], r"one Proportion per class \(2\)"),
        (lambda labels, probabilities: Proportion(3, 2), "0 <= successes <= trials"),
        (lambda labels, probabilities: time.sleep(0.06) or accuracy(labels, probabilities), "below 50 ms"),
        (lambda labels: 1.0, "raised TypeError"),
    ],
)
def test_an_evaluator_with_a_defect_fails(score, message):
    with pytest.raises(AssertionError, match=f"evaluator 'unsound'.*{message}"):
        check_evaluator(Evaluator("unsound", score))


def two_stages(height, width, *, names=("shallow", "deep"), change=lambda layers, stages: stages):
    import keras
    from keras import layers

    inputs = keras.Input((height, width, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    stages = []
    for name, filters in zip(names, (4, 8), strict=True):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu", name=name)(x)
        stages.append(x)
    model = keras.Model(inputs, change(layers, stages))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def one_stage(layers, stages):
    return stages[-1]


def backbone(build=two_stages, *, weights=lambda download: Path(__file__), sizes=((64, 64),)):
    return Backbone("toy", build, weights, sizes)


@pytest.mark.parametrize("change", [lambda layers, stages: stages, one_stage])
def test_a_sound_backbone_passes(change):
    check_backbone(backbone(lambda height, width: two_stages(height, width, change=change)))


def test_a_backbone_whose_weights_cannot_be_had_passes_if_it_says_so():
    def missing(download):
        raise WeightsError("expected weights.h5 in the folder AUTOTL_WEIGHTS")

    check_backbone(backbone(weights=missing))


def lazy(download):
    raise WeightsError


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (lambda download: Path("nowhere.h5"), "weights.False. returned nowhere.h5, which is not a file"),
        (lambda download: 1 / 0, "weights.False. raised ZeroDivisionError"),
        (lazy, "WeightsError must say which file"),
    ],
)
def test_a_backbone_with_unsound_weights_fails(weights, message):
    with pytest.raises(AssertionError, match=f"backbone 'toy': {message}"):
        check_backbone(backbone(weights=weights))


def test_a_backbone_without_sizes_fails():
    with pytest.raises(AssertionError, match=r"sizes are \(\); expected at least one"):
        check_backbone(backbone(sizes=()))


def unnamed(height, width):
    return two_stages(height, width, names=(None, None))


def noisy(layers, stages):
    import keras

    class Noise(layers.Layer):
        def call(self, x):
            return x + keras.random.normal(keras.ops.shape(x))

    return [Noise(name="noise")(stages[0]), stages[1]]


def infinite_stage(layers, stages):
    import keras

    class Inverse(layers.Layer):
        def call(self, x):
            return keras.ops.divide(1.0, x)

    return [stages[0], Inverse(name="inverse")(stages[1])]


def own_layer(layers, stages):
    class Own(layers.Layer):
        def call(self, x):
            return 2 * x

    return [stages[0], Own(name="own")(stages[1])]


def changed(change):
    return lambda height, width: two_stages(height, width, change=change)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda height, width: 3, "build returned a int, no keras.Model"),
        (lambda height, width: two_stages(width, height), r"at 96x128: inputs are .*; expected one of \(None, 96, 128"),
        (unnamed, "the stages are .* when built again; give the layers fixed names"),
        (changed(lambda layers, stages: [stages[0], stages[0]]), "stage names repeat"),
        (changed(lambda layers, stages: stages[::-1]), "stage 'shallow': .* order the stages shallow to deep"),
        (changed(lambda layers, stages: [layers.Flatten(name="flat")(stages[0])]), r"stage 'flat': output has shape"),
        (changed(infinite_stage), "stage 'inverse': not finite on pixels"),
        (changed(noisy), "stage 'noise': the same images gave other numbers the second time"),
        (changed(own_layer), "conversion to ONNX, which computes the features, raised ExportError"),
    ],
)
def test_a_backbone_with_a_defect_fails(build, message):
    with pytest.raises(AssertionError, match=f"(?s)backbone 'toy'.*{message}"):
        check_backbone(backbone(build))


def finding(**changes):
    return Finding(**({"check": "toy", "severity": "warning", "message": "few", "advice": "add some"} | changes))


def test_a_sound_check_passes():
    seen = []

    def run(dataset):
        seen.append(dataset)
        yield finding(message=f"{len(dataset.quarantined)} broken files in {len(dataset.classes)} classes")

    check_check(Check("toy", run))
    assert len(seen[0].items) == 16
    assert len(seen[0].quarantined) == 1


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda dataset: ["few images"], "run yields 'few images'; expected an autotl.interfaces.Finding"),
        (lambda dataset: [finding(check="other")], "a finding says it is from 'other'"),
        (lambda dataset: [finding(severity="fatal")], "severity is 'fatal'; expected one of info, warning, error"),
        (lambda dataset: [finding(message="")], "a finding without a message"),
        (lambda dataset: [finding(advice="")], "'few' has no advice"),
        (lambda dataset: [finding(message=str(time.perf_counter()))], "two runs on the same data"),
        (lambda dataset: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_a_check_with_a_defect_fails(run, message):
    with pytest.raises(AssertionError, match=f"check 'toy'.*{message}"):
        check_check(Check("toy", run))


def random_sampler(seed):
    from optuna.samplers import RandomSampler

    return RandomSampler(seed)


def test_a_sound_sampler_passes():
    check_sampler(Sampler("random", random_sampler))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda seed: random_sampler(None), "two samplers built with one seed proposed different trials"),
        (lambda seed: "random", "returned a str; expected an optuna sampler"),
        (lambda seed: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_a_sampler_with_a_defect_fails(build, message):
    with pytest.raises(AssertionError, match=f"sampler 'unsound'.*{message}"):
        check_sampler(Sampler("unsound", build))


@pytest.fixture
def run_folder(tmp_path):
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    return tmp_path


def write(path):
    path.write_text("model", encoding="utf-8")
    return path


def refuse(reason):
    def export(run, out):
        raise ExportError(reason)

    return export


@pytest.mark.parametrize("export", [lambda run, out: write(out / "model.tflite"), refuse("no such layer in TFLite")])
def test_a_sound_exporter_passes(export, run_folder):
    check_exporter(Exporter("toy", export), run_folder)


@pytest.mark.parametrize(
    ("export", "message"),
    [
        (lambda run, out: write(run / "model.tflite"), "expected the main file written into"),
        (lambda run, out: (write(run / "run.json"), write(out / "model"))[1], "changed the run folder"),
        (lambda run, out: out / "model.tflite", "export returned .*model.tflite; expected"),
        (refuse(""), "ExportError must say why"),
        (lambda run, out: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_an_exporter_with_a_defect_fails(export, message, run_folder):
    with pytest.raises(AssertionError, match=f"exporter 'toy'.*{message}"):
        check_exporter(Exporter("toy", export), run_folder)


@pytest.mark.parametrize(
    ("obstacle", "message"),
    [
        (lambda run: None, "obstacle.run. returned None; expected a text"),
        (lambda run: "no such layer", "it was written, although obstacle.run. says 'no such layer'"),
        (lambda run: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_an_exporter_whose_obstacle_is_none_fails(obstacle, message, run_folder):
    with pytest.raises(AssertionError, match=f"exporter 'toy'.*{message}"):
        check_exporter(Exporter("toy", lambda run, out: write(out / "model"), obstacle=obstacle), run_folder)


def plugin(**hooks):
    return SimpleNamespace(__name__="mine", **{hook: hookimpl(function) for hook, function in hooks.items()})


def test_a_sound_watcher_passes():
    seen = []
    watcher = plugin(on_search_begin=lambda run: seen.append(run), on_trial_end=lambda trial: None)
    check_watcher(watcher)
    assert not seen
    check_watcher(watcher, run="a run")
    assert seen == ["a run"]


@pytest.mark.parametrize(
    ("watcher", "message"),
    [
        (plugin(register_heads=lambda: ()), "'mine' watches nothing; its hooks are register_heads"),
        (plugin(on_trial_ended=lambda run: None), "unknown hook 'on_trial_ended'; did you mean 'on_trial_end'"),
        (plugin(on_search_end=lambda run: 1 / 0), "'mine' raised in on_search_end"),
    ],
)
def test_a_watcher_with_a_defect_fails(watcher, message):
    with pytest.raises(AssertionError, match=message):
        check_watcher(watcher, run="a run")


def test_check_plugin_looks_at_everything_that_a_plugin_offers(run_folder):
    def offering(**changes):
        sound = {
            "register_backbones": lambda: [backbone()],
            "register_heads": lambda: [Head("sound", logistic)],
            "register_evaluators": lambda: [Evaluator("accuracy", accuracy)],
            "register_checks": lambda: [Check("toy", lambda dataset: [])],
            "register_samplers": lambda: [Sampler("random", random_sampler)],
            "register_exporters": lambda: [Exporter("toy", lambda run, out: write(out / "model"))],
        }
        return plugin(**(sound | changes))

    check_plugin(offering(), run=run_folder)
    defects = {
        "register_exporters": Exporter("bad", refuse("")),
        "register_samplers": Sampler("bad", lambda seed: None),
        "register_checks": Check("bad", lambda dataset: ["x"]),
        "register_evaluators": Evaluator("bad", brier),
        "register_heads": Head("bad", guessing),
        "register_backbones": Backbone("bad", unnamed, lambda download: Path(__file__), ()),
    }
    for hook, bad in defects.items():
        # Without the other kinds: the point is that each hook's objects are looked at.
        with pytest.raises(AssertionError, match="'bad'"):
            check_plugin(plugin(**{hook: lambda bad=bad: [bad]}), run=run_folder)


def test_every_kind_has_its_check() -> None:
    assert {*CHECKS, *CHECKS_ON_A_RUN} == set(KINDS)
    for kind in KINDS:
        assert callable(getattr(autotl.testing, f"check_{kind.__name__.lower()}"))


@pytest.mark.parametrize(
    ("mine", "message"),
    [
        (plugin(register_heads=lambda: ()), "offers nothing"),
        (plugin(register_heads=lambda: ["svm"]), "cannot be loaded: register_heads offers 'svm'"),
        (plugin(register_exporters=lambda: [Exporter("toy", refuse("x"))]), "exporters are checked on a finished run"),
    ],
)
def test_check_plugin_fails_where_there_is_nothing_to_check(mine, message):
    with pytest.raises(AssertionError, match=message):
        check_plugin(mine)
