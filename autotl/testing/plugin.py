"""Conformance checks for plugins: what an author runs, and what we run on everything we ship.

Each check raises AssertionError that says what the contract in `interfaces.py` asks for and what was found.
"""

from __future__ import annotations

import math
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from autotl.errors import ExportError, WeightsError
from autotl.evidence.panels import sound_part
from autotl.interfaces import (
    Backbone,
    Check,
    DefaultProbe,
    Evaluator,
    Exhibit,
    Exporter,
    Finding,
    Head,
    Proportion,
    Sampler,
    Severity,
    Size,
    Table,
)

if TYPE_CHECKING:
    import optuna

    from autotl.training.classifiers import Classifier
    from autotl.data.dataset import Dataset
    from autotl.runs.run import Run

SLUG = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
SMALL: Size = (96, 128)
"""Not square: height and width that are mixed up then show."""
N_FEATURES = 16
MAX_EVALUATOR_SECONDS = 0.05
"""For 500 items; an interval takes a thousand evaluations."""


def check_plugin(plugin: object, *, run: Path | None = None) -> None:
    """Check everything that a plugin (a module, or an object with hooks) offers.

    run: the folder of a finished run, needed where the plugin offers exporters or exhibits.
    """
    from autotl.plugins import load_plugins

    plugins = load_plugins(extra=[plugin], installed=False)
    for name, reason in plugins.broken.items():
        raise AssertionError(f"plugin {name!r} cannot be loaded: {reason}")
    [row] = plugins.table()
    _require(
        row["offers"] or any(hook.startswith("on_") for hook in row["hooks"]),
        f"plugin {row['name']!r} offers nothing: its register_ hooks yield no object",
    )
    checks: dict[str, Callable[[Any], None]] = {
        "backbones": check_backbone,
        "heads": check_head,
        "evaluators": check_evaluator,
        "checks": check_check,
        "samplers": check_sampler,
    }
    for kind, check in checks.items():
        for thing in getattr(plugins, kind).values():
            check(thing)
    if plugins.exporters:
        _require(run is not None, "exporters are checked on a finished run: check_plugin(plugin, run=FOLDER)")
        for exporter in plugins.exporters.values():
            check_exporter(exporter, Path(str(run)))
    if plugins.exhibits:
        _require(run is not None, "exhibits are checked on a finished run: check_plugin(plugin, run=FOLDER)")
        for exhibit in plugins.exhibits.values():
            check_exhibit(exhibit, Path(str(run)))


def check_backbone(backbone: Backbone) -> None:
    """Check names, sizes, stages, numbers and the ONNX graph; where weights cannot be had, no more than that."""
    subject = _named(backbone, "backbone")
    sizes = backbone.sizes
    _require(
        bool(sizes) and all(len(size) == 2 and min(size) > 0 for size in sizes),
        f"{subject}: sizes are {sizes}; expected at least one (height, width) in pixels",
    )
    try:
        with _doing(f"{subject}: weights(False)", WeightsError):
            weights = backbone.weights(False)
    except WeightsError as error:
        _require(str(error), f"{subject}: WeightsError must say which file is expected, and where")
        return
    _require(Path(weights).is_file(), f"{subject}: weights(False) returned {weights}, which is not a file")
    _prepare_keras()
    stages = [_check_network(subject, backbone, size) for size in (sizes[0], SMALL)]
    _require(
        stages[0] == stages[1],
        f"{subject}: the stages are {stages[0]}, and {stages[1]} when built again; give the layers fixed names",
    )


def check_head(head: Head, *, n_trials: int = 3) -> None:
    """Check that a head builds, learns, repeats itself and converts to ONNX, for 3 and for 2 classes.

    n_trials: number of random points of its search space that are built and fitted besides the defaults.
    """
    _prepare_keras()
    import optuna

    from autotl.search.hyperparameters import OptunaHyperParameters, defaults

    subject = _named(head, "head")
    with _doing(f"{subject}: build with the defaults of its search space"):
        defaults(lambda hp: head.build(hp, N_FEATURES, 3))
    for n_classes in (3, 2):
        _check_fitted_head(f"{subject} for {n_classes} classes", head, n_classes)
    for seed in range(n_trials):
        hp = OptunaHyperParameters(_study(optuna.samplers.RandomSampler(seed)).ask())
        with _doing(f"{subject}: build with random hyperparameters"):
            head.build(hp, N_FEATURES, 3)
        probabilities = _fit_twice(f"{subject} with {hp.values}", head, hp.values, 3).probabilities
        _require(np.isfinite(probabilities).all(), f"{subject}: with {hp.values} probabilities are not finite")


def check_evaluator(evaluator: Evaluator) -> None:
    """Check the value's kind, its direction, absent classes and speed, for 2 and for 5 classes."""
    subject = _named(evaluator, "evaluator")
    for n_classes in (2, 5):
        rng = np.random.default_rng(0)
        labels = rng.integers(0, n_classes, 500)
        perfect = np.eye(n_classes)[labels]
        noise = rng.dirichlet(np.ones(n_classes), 500)
        good, poor = (_score(subject, evaluator, labels, p, n_classes) for p in (perfect, noise))
        better, word = (good > poor, "larger") if evaluator.larger_is_better else (good < poor, "smaller")
        _require(
            better,
            f"{subject}: {good:.4g} for perfect and {poor:.4g} for random probabilities of {n_classes} classes, "
            f"but larger_is_better={evaluator.larger_is_better} promises {word} for perfect",
        )
    absent = labels != 3
    _score(f"{subject}, class 3 absent from the labels", evaluator, labels[absent], noise[absent], n_classes)
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        evaluator.score(labels, noise)
        seconds.append(time.perf_counter() - started)
    _require(
        float(np.median(seconds)) < MAX_EVALUATOR_SECONDS,
        f"{subject}: {np.median(seconds) * 1000:.0f} ms for 500 items; an interval takes a thousand evaluations, "
        f"so stay below {MAX_EVALUATOR_SECONDS * 1000:.0f} ms",
    )


def check_check(check: Check) -> None:
    """Check that a check gives the same findings twice on a small folder with a duplicate and a broken file."""
    from autotl.data.dataset import scan

    subject = _named(check, "check")
    with tempfile.TemporaryDirectory() as folder:
        _write_pictures(Path(folder))
        dataset = scan(Path(folder))
        seen = (dataset, _probe(dataset)) if check.uses_probe else (dataset,)
        with _doing(f"{subject}: run({', '.join(type(part).__name__ for part in seen)})"):
            first, second = list(check.run(*seen)), list(check.run(*seen))
    for finding in first:
        _require(
            isinstance(finding, Finding),
            f"{subject}: run yields {finding!r}; expected an autotl.interfaces.Finding",
        )
        _require(finding.check == check.name, f"{subject}: a finding says it is from {finding.check!r}")
        _require(
            finding.severity in get_args(Severity),
            f"{subject}: severity is {finding.severity!r}; expected one of {', '.join(get_args(Severity))}",
        )
        _require(finding.message, f"{subject}: a finding without a message: {finding}")
        _require(
            finding.advice or finding.severity == "info",
            f"{subject}: {finding.message!r} has no advice on what to do about it",
        )
    _require(first == second, f"{subject}: two runs on the same data gave different findings")


def _probe(dataset: Dataset) -> DefaultProbe:
    """Predictions that are right except for the first item."""
    labels = dataset.labels
    guessed = np.where(np.arange(len(labels)) == 0, 1 - labels, labels)
    probabilities = np.full((len(labels), len(dataset.classes)), 0.1)
    probabilities[np.arange(len(labels)), guessed] = 1.0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return DefaultProbe(np.arange(len(labels)), labels, probabilities, backbone="conformance")


def check_sampler(sampler: Sampler) -> None:
    """Check that a seed fixes the proposals, on a space with a branch."""
    import optuna

    subject = _named(sampler, "sampler")

    def proposals() -> list[dict[str, Any]]:
        built = sampler.build(3)
        _require(
            isinstance(built, optuna.samplers.BaseSampler),
            f"{subject}: build(seed) returned a {type(built).__name__}; expected an optuna sampler",
        )
        study = _study(built)
        for _ in range(12):
            trial = study.ask()
            study.tell(trial, _branching_objective(trial))
        return [trial.params for trial in study.trials]

    with _doing(f"{subject}: a study of 12 trials"):
        first, second = proposals(), proposals()
    _require(first == second, f"{subject}: two samplers built with one seed proposed different trials")


def check_exporter(exporter: Exporter, run: Path) -> None:
    """Check that an exporter writes into its folder only, or says why it cannot."""
    subject = _named(exporter, "exporter")
    before = _listing(run)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        out.mkdir()
        with _doing(f"{subject}: obstacle(run)"):
            obstacle = exporter.obstacle(run)
        _require(isinstance(obstacle, str), f"{subject}: obstacle(run) returned {obstacle!r}; expected a text")
        try:
            with _doing(f"{subject}: export(run, out)", ExportError):
                main = exporter.export(run, out)
        except ExportError as error:
            _require(str(error), f"{subject}: ExportError must say why the champion cannot be exported")
        else:
            _require(not obstacle, f"{subject}: it was written, although obstacle(run) says {obstacle!r}")
            inside = Path(main).exists() and Path(main).resolve().is_relative_to(out.resolve())
            _require(inside, f"{subject}: export returned {main}; expected the main file written into {out}")
    _require(_listing(run) == before, f"{subject}: export changed the run folder {run}")


def check_exhibit(exhibit: Exhibit, run: Path) -> None:
    """Check that an exhibit shows the same sound tables and figures twice, and leaves the run as it was."""
    from autotl.evidence.run_evidence import read_evidence

    subject = _named(exhibit, "exhibit")
    evidence = read_evidence(run)
    _require(evidence is not None, f"{subject}: {run} is no finished run with evidence")
    before = _listing(run)
    with _doing(f"{subject}: show(run, tested)"):
        first, second = (list(exhibit.show(evidence.run, evidence.tested)) for _ in range(2))  # type: ignore[union-attr]
        for part in first:
            sound_part(part)
    for part in first:
        _require(part.title, f"{subject}: {part!r} has no title")
        _require(isinstance(part, Table) or part.alt, f"{subject}: the figure {part.title!r} has no alt text")
    _require(first == second, f"{subject}: two calls on the same run showed different things")
    _require(_listing(run) == before, f"{subject}: it changed the run folder {run}")


def check_watcher(plugin: object, *, run: Run | None = None) -> None:
    """Check that a plugin's watching hooks can be called; with a finished run, that they bear being called.

    run: told to the plugin as begun and as ended.
    """
    from autotl.plugins import load_plugins

    plugins = load_plugins(extra=[plugin], installed=False)
    for name, reason in plugins.broken.items():
        raise AssertionError(f"watcher {name!r} cannot be loaded: {reason}")
    [row] = plugins.table()
    _require(
        any(hook.startswith("on_") for hook in row["hooks"]),
        f"watcher {row['name']!r} watches nothing; its hooks are {', '.join(row['hooks'])}",
    )
    if run is not None:
        plugins.notify("on_search_begin", run=run)
        plugins.notify("on_search_end", run=run)
    for (name, hook), count in plugins.failures.items():
        raise AssertionError(f"watcher {name!r} raised in {hook} ({count} times); see the log")


def _require(condition: object, message: str) -> None:
    # Not `assert`: python -O would leave it out.
    if not condition:
        raise AssertionError(message)


def _named(thing: Any, kind: str) -> str:
    name = thing.name
    _require(
        isinstance(name, str) and SLUG.fullmatch(name),
        f"{kind} {name!r}: expected a name of lowercase letters, digits and single - _ or . between them",
    )
    return f"{kind} {name!r}"


@contextmanager
def _doing(what: str, *expected: type[Exception]) -> Iterator[None]:
    """Say what was being done when something raised; AssertionError and what is expected pass unchanged."""
    try:
        yield
    except Exception as error:
        if isinstance(error, (AssertionError, *expected)):
            raise
        raise AssertionError(f"{what} raised {type(error).__name__}: {error}") from error


def _prepare_keras() -> None:
    from autotl.runtime.keras_backend import prepare

    prepare()


def _study(sampler: optuna.samplers.BaseSampler) -> optuna.Study:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(sampler=sampler)
    finally:
        optuna.logging.set_verbosity(before)


def _branching_objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 1e-4, 1.0, log=True)
    if trial.suggest_categorical("kind", ["a", "b"]) == "a":
        return x
    return x + trial.suggest_int("depth", 1, 5)


def _check_network(subject: str, backbone: Backbone, size: Size) -> list[str]:
    """Build at one size, compare with the ONNX graph; returns the names of the stages."""
    import keras
    import onnxruntime

    from autotl.graphs.keras_to_onnx import to_onnx

    height, width = size
    subject = f"{subject} at {height}x{width}"
    with _doing(f"{subject}: build"):
        model = backbone.build(height, width)
    _require(isinstance(model, keras.Model), f"{subject}: build returned a {type(model).__name__}, no keras.Model")
    _require(
        len(model.inputs) == 1 and tuple(model.inputs[0].shape) == (None, height, width, 3),
        f"{subject}: inputs are {[i.shape for i in model.inputs]}; expected one of (None, {height}, {width}, 3)",
    )
    stages = list(model.output_names)
    _require(len(set(stages)) == len(stages), f"{subject}: stage names repeat: {stages}")
    pixels = np.random.default_rng(0).integers(0, 256, (3, height, width, 3)).astype("float32")
    pixels[0], pixels[1] = 0, 255
    with _doing(f"{subject}: calling the model on pixels 0..255"):
        first, second = (_outputs(model, pixels) for _ in range(2))
    before = size
    for stage, one, two in zip(stages, first, second, strict=True):
        where = f"{subject}, stage {stage!r}"
        _require(one.ndim == 4, f"{where}: output has shape {one.shape}; expected (n, h, w, channels)")
        _require(np.isfinite(one).all(), f"{where}: not finite on pixels 0..255; is the preprocessing inside?")
        _require(np.array_equal(one, two), f"{where}: the same images gave other numbers the second time")
        _require(
            one.shape[1] <= before[0] and one.shape[2] <= before[1],
            f"{where}: {one.shape[1:3]} after {before}; order the stages shallow to deep",
        )
        before = one.shape[1:3]
    with _doing(f"{subject}: conversion to ONNX, which computes the features,"):
        graph = to_onnx(model).SerializeToString()
        found = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(None, {"images": pixels})
    for stage, one, three in zip(stages, first, found, strict=True):
        difference = float(np.abs(one - three).max() / max(float(np.abs(one).max()), 1e-6))
        _require(
            difference < 1e-3, f"{subject}, stage {stage!r}: ONNX differs from Keras by {difference:.1e}, relative"
        )
    return stages


def _outputs(model: Any, pixels: np.ndarray) -> list[np.ndarray]:
    outputs = model.predict_on_batch(pixels)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]


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


def _fit_head(subject: str, head: Head, values: Mapping[str, Any], n_classes: int, *, seed: int) -> _FittedHead:
    from autotl.runtime.keras_backend import session
    from autotl.training.calibration import fit_calibration
    from autotl.training.classifiers import is_network, wrap
    from autotl.search.hyperparameters import replay

    vectors, labels = _toy_features(n_classes)
    with session(seed), _doing(f"{subject}: build and fit"):
        built = head.build(replay(values), N_FEATURES, n_classes)
        network = is_network(built)
        if network:
            _require(not built.compiled, f"{subject}: the keras.Model is compiled; the search compiles it")
            shapes = (tuple(built.input_shape), tuple(built.output_shape))
            wanted = ((None, N_FEATURES), (None, n_classes))
            _require(shapes == wanted, f"{subject}: the model goes from {shapes[0]} to {shapes[1]}; expected {wanted}")
        classifier = wrap(head, built, N_FEATURES, n_classes, seed=0)
        classifier.fit(vectors, labels)
        if classifier.gives_margins:
            classifier.calibration = fit_calibration(classifier.answers(vectors), labels, n_classes)
        return _FittedHead(built, network, classifier, np.asarray(classifier.probabilities(vectors)))


def _fit_twice(subject: str, head: Head, values: Mapping[str, Any], n_classes: int) -> _FittedHead:
    first = _fit_head(subject, head, values, n_classes, seed=0)
    # The weights of a network are drawn with the seed of the trial; an estimator brings its own.
    second = _fit_head(subject, head, values, n_classes, seed=0 if first.network else 1)
    _require(
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
        _require(classes == list(range(n_classes)), f"{subject}: classes_ are {classes}; expected 0 to {n_classes - 1}")
        raw = np.asarray(fitted.classifier.probabilities(vectors))
    _require(raw.shape == (len(labels), n_classes), f"{subject}: probabilities have shape {raw.shape}")
    _require(
        np.allclose(raw.sum(axis=1), 1, atol=1e-4) and (raw >= 0).all(),
        f"{subject}: rows of probabilities must be at least 0 and sum to 1; found sums {raw.sum(axis=1)[:3]}",
    )
    accuracy = float((fitted.probabilities.argmax(axis=1) == labels).mean())
    _require(
        accuracy > 1 / n_classes + 0.15,
        f"{subject}: accuracy {accuracy:.2f} on its own easy training data, chance is {1 / n_classes:.2f}",
    )
    _check_head_graph(subject, fitted, vectors)


def _check_head_graph(subject: str, fitted: _FittedHead, vectors: np.ndarray) -> None:
    import onnxruntime

    with _doing(f"{subject}: conversion to ONNX, which the deployable needs,"):
        model = fitted.classifier.to_onnx().SerializeToString()
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        [graph] = session.run(["probabilities"], {"features": vectors})
    difference = float(np.abs(graph - fitted.probabilities).max())
    _require(difference < 1e-4, f"{subject}: the ONNX graph's probabilities differ by {difference:.1e}")


def _score(subject: str, evaluator: Evaluator, labels: np.ndarray, probabilities: np.ndarray, n_classes: int) -> float:
    """Score copies that cannot be written to; returns one number whatever kind of value it was."""
    labels, probabilities = labels.copy(), probabilities.copy()
    labels.flags.writeable = probabilities.flags.writeable = False
    with _doing(f"{subject}: score for {n_classes} classes"):
        value = evaluator.score(labels, probabilities)
    if isinstance(value, Real):
        number = float(value)
        _require(math.isfinite(number), f"{subject}: the value is {number} for {n_classes} classes; expected a number")
        return number
    _require(
        isinstance(value, Proportion) or (isinstance(value, Sequence) and len(value) == n_classes),
        f"{subject}: {value!r}; expected a float, a Proportion, or one Proportion per class ({n_classes})",
    )
    proportions: Any = [value] if isinstance(value, Proportion) else value
    for proportion in proportions:
        _require(
            isinstance(proportion, Proportion) and 0 <= proportion.successes <= proportion.trials,
            f"{subject}: {proportion!r}; expected a Proportion with 0 <= successes <= trials",
        )
    rates = [p.successes / p.trials for p in proportions if p.trials]
    _require(rates, f"{subject}: no Proportion has any trial")
    return float(np.mean(rates))


def _write_pictures(folder: Path) -> None:
    """Three classes of five small pictures, one of them twice, and a file that is no picture."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for label in ("circle", "square", "star"):
        (folder / label).mkdir()
        for number in range(5):
            pixels = rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    (folder / "star" / "again.png").write_bytes((folder / "circle" / "0.png").read_bytes())
    (folder / "star" / "broken.png").write_bytes(b"not a picture")


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
