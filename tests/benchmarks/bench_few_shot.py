"""A handful of images of each class: the untuned default against the shortest way, StandardScaler + SVC on one layer.

The same draws of 1, 5 and 16 images of each class for both; everything that was not drawn is the test. Ours goes the
way a run goes: all stages of EfficientNet-Lite0 under both poolings, principal components of the drawn images, the
logistic head, a temperature fitted to cross-validated predictions. Theirs reads the final layer, averaged. Its labels
are the plain SVC's; its probabilities come from CalibratedClassifierCV, with 1 image of each class, where nothing can
be cross-validated, from the softmax of its margins. A run refuses fewer than 3 images of a class: with 1, ours is
without a temperature. Intervals are Student's, over the draws. Prints a table and a JSON line.

Usage: bench_few_shot.py [--draws N] [--sets A,B] [--head NAME] [--ready FOLDER]. FOLDER holds datasets laid out
before, by name; the others are laid out by examples/datasets.py.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotl.interfaces import Backbone, Head

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

SETS = ("digits", "faces", "stamps", "textile", "fashion")
SHOTS = (1, 5, 16)
PER_CLASS = 150
N_BINS = 15
LARGER_IS_BETTER = {"accuracy": True, "balanced": True, "log_loss": False, "ece": False}


@dataclass(frozen=True, eq=False)
class Data:
    """The features of one dataset: joined (n, 4,128), final (n, 1,280), labels (n,)."""

    name: str
    joined: np.ndarray
    final: np.ndarray
    labels: np.ndarray


def main() -> None:
    """Draw, fit both, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--head", default="logistic")
    parser.add_argument("--ready", type=Path)
    options = parser.parse_args()
    from autotl.plugins import load_plugins
    from autotl.settings import settings

    plugins = load_plugins()
    rows = []
    print(f"{'':<12}{'':>4}  " + "".join(f"{name:<44}" for name in LARGER_IS_BETTER))
    for name in options.sets.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            data = read(name, _folder(name, Path(scratch), options.ready), plugins, settings().cache)
        for shots in SHOTS:
            row = compare(data, shots, options.draws, plugins.all(Head)[options.head])
            rows.append(row)
            print(
                f"{data.name:<12}{shots:>4}  " + "".join(_cell(row["scores"][s]) for s in LARGER_IS_BETTER), flush=True
            )
    better = {s: sum(row["scores"][s]["verdict"] == "better" for row in rows) for s in LARGER_IS_BETTER}
    worse = {
        s: [f"{row['set']}/{row['shots']}" for row in rows if row["scores"][s]["verdict"] == "worse"] for s in better
    }
    print(f"of {len(rows)}: clearly better {better}, clearly worse {worse}")
    print(json.dumps({"draws": options.draws, "head": options.head, "rows": rows}))


def read(name: str, folder: Path, plugins: Any, cache: Path) -> Data:
    """Both kinds of features, of the first backbone at its own size, as a run computes them."""
    from autotl.data.scan import scan
    from autotl.features.features import extract
    from autotl.features.frozen_network import freeze

    backbone = plugins.all(Backbone)["efficientnet-lite0"]
    version = plugins.provenance(Backbone, backbone.name).version
    dataset = scan(folder, cache=cache)
    network = freeze(backbone, backbone.sizes[0], cache=cache, version=version)
    features = extract(dataset, network, cache=cache)
    return Data(name, features.read("joined", "avg+max"), features.read("top", "avg"), dataset.labels)


def compare(data: Data, shots: int, n_draws: int, head: Any) -> dict[str, Any]:
    """Scores of both over the draws, and their paired differences."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in LARGER_IS_BETTER}
    seconds = np.zeros(2)
    for draw in range(n_draws):
        rng = np.random.default_rng((draw, shots))
        classes = range(data.labels.max() + 1)
        drawn = [rng.choice(np.flatnonzero(data.labels == c), shots, replace=False) for c in classes]
        items = np.sort(np.concatenate(drawn))
        others = np.setdiff1d(np.arange(len(data.labels)), items)
        both = []
        for k, way in enumerate((ours(head), theirs)):
            started = time.perf_counter()
            both.append(scores(data.labels[others], *way(data, items, others, draw)))
            seconds[k] += time.perf_counter() - started
        for name, pairs in found.items():
            pairs.append((both[0][name], both[1][name]))
    return {
        "set": data.name, "shots": shots, "n_items": len(data.labels),
        "seconds_per_draw": dict(zip(("ours", "theirs"), seconds / n_draws, strict=True)),
        "scores": {name: _paired(np.array(pairs), LARGER_IS_BETTER[name]) for name, pairs in found.items()},
    }  # fmt: skip


Way = Callable[[Data, np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""way(data, drawn items, other items, seed) -> (labels, probabilities) of the others."""


def ours(head: Any) -> Way:
    """A head with its defaults, as `probe_trials.probe` and `champion.fit_champion` do it."""

    def way(data: Data, items: np.ndarray, others: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        from autotl.data.split import TEST_FOLD, Split, random_split
        from autotl.runtime import keras_backend
        from autotl.search.heads import build_head
        from autotl.search.hyperparameters import fixed_hyperparameters
        from autotl.training.calibration import apply_temperature, fit_temperature
        from autotl.training.classifiers import wrap
        from autotl.training.components import fit_components, project
        from autotl.training.cross_validation import cross_validate

        def some(wanted: np.ndarray) -> np.ndarray:
            return data.joined[wanted]

        vectors = data.joined
        if head.on_components:
            vectors = project(
                some, fit_components(some, items, seed=seed), np.arange(len(data.labels)), len(data.labels)
            )
        n_classes = int(data.labels.max()) + 1
        with keras_backend.session(seed):
            built = build_head(head, fixed_hyperparameters({}), vectors.shape[1], n_classes)
            classifier = wrap(head, built, vectors.shape[1], n_classes, seed=seed)
            temperature = 1.0
            shots = len(items) // n_classes
            if shots > 1:
                fold = np.full(len(data.labels), TEST_FOLD)
                fold[items] = np.arange(len(items)) % 5
                split = random_split(Split(fold, np.arange(len(fold))), data.labels, seed=seed)
                held_out = cross_validate(classifier, vectors, data.labels, split)
                temperature = fit_temperature(held_out.predictions.labels, held_out.predictions.probabilities)
                classifier.calibration = held_out.calibration
            classifier.fit(vectors[items], data.labels[items])
            probabilities = apply_temperature(classifier.probabilities(vectors[others]), temperature)
        return probabilities.argmax(axis=1), probabilities

    return way


def theirs(data: Data, items: np.ndarray, others: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """StandardScaler + SVC on the final layer."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    machine = make_pipeline(StandardScaler(), SVC(gamma="auto"))
    train, labels = data.final[items], data.labels[items]
    predicted = machine.fit(train, labels).predict(data.final[others])
    n_folds = min(5, int(np.bincount(labels).min()))
    if n_folds > 1:
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
        fitted = CalibratedClassifierCV(machine, method="sigmoid", cv=folds).fit(train, labels)
        return predicted, fitted.predict_proba(data.final[others])
    margins = machine.decision_function(data.final[others])
    margins = np.stack([np.zeros(len(margins)), margins], axis=1) if margins.ndim == 1 else margins
    exponentials = np.exp(margins - margins.max(axis=1, keepdims=True))
    return predicted, exponentials / exponentials.sum(axis=1, keepdims=True)


def scores(labels: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Accuracy and balanced accuracy of the labels; log loss and expected calibration error of the probabilities."""
    right = predicted == labels
    confidence, agree = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    gaps = [abs((agree[bins == b] - confidence[bins == b]).sum()) for b in np.unique(bins)]
    return {
        "accuracy": float(right.mean()),
        "balanced": float(np.mean([right[labels == c].mean() for c in np.unique(labels)])),
        "log_loss": float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)).mean()),
        "ece": float(sum(gaps) / len(labels)),
    }


def _paired(pairs: np.ndarray, larger_is_better: bool) -> dict[str, Any]:
    """Means of both, and ours - theirs with Student's 95 % interval over the draws."""
    from scipy.stats import t

    difference = pairs[:, 0] - pairs[:, 1]
    half = t.ppf(0.975, len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference))
    low, high = difference.mean() - half, difference.mean() + half
    verdict = "equal" if low <= 0 <= high else "better" if (low > 0) == larger_is_better else "worse"
    ends = {"difference": difference.mean(), "low": low, "high": high}
    means = {"ours": pairs[:, 0].mean(), "theirs": pairs[:, 1].mean()}
    return {**{name: round(float(value), 4) for name, value in (means | ends).items()}, "verdict": verdict}


def _cell(score: dict[str, Any]) -> str:
    mark = {"better": "+", "worse": "-", "equal": " "}[score["verdict"]]
    interval = f"{score['difference']:+.3f} ({score['low']:+.3f} to {score['high']:+.3f})"
    return f"{score['ours']:.3f} {score['theirs']:.3f}  {interval} {mark:<3}"


def _folder(name: str, scratch: Path, ready: Path | None) -> Path:
    """At most 150 images of each class, as a folder of folders."""
    import datasets

    if ready is None or not (ready / name).is_dir():
        datasets.lay_out(datasets.DATASETS[name](), scratch / name, per_class=PER_CLASS)
        return scratch / name
    for folder in sorted(path for path in (ready / name).iterdir() if path.is_dir()):
        (scratch / name / folder.name).mkdir(parents=True)
        for image in itertools.islice(sorted(folder.iterdir()), PER_CLASS):
            shutil.copyfile(image.resolve(), scratch / name / folder.name / image.name)
    return scratch / name


if __name__ == "__main__":
    main()
