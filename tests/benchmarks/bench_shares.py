"""Shares of a population: whether intervals cover, how wide they are, how many labels they save, what plans promise.

Draws populations of 10,000 items whose scores are those of a model trained on as many of each class, so that its own
count is wrong, and labels some at random or as planned; then samples two real sets with out-of-fold probabilities of
scikit-learn's models: its digits, and 2,000 articles of clothing, where FOLDER has them in fashion/CLASS or Debian's
dataset-fashion-mnist is installed. Prints tables in Markdown.
Usage: bench_shares.py [--repetitions N] [--real N] [--ready FOLDER].
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from autotl.evidence.intervals import wilson
from autotl.evidence.sampling import draw
from autotl.evidence.shares.cross_checks import prediction_powered_mean, rogan_gladen
from autotl.evidence.shares.planning import expected_widths, planned_strata
from autotl.evidence.shares.post_stratified import LabelledSample, accuracy, class_shares
from autotl.interfaces import ScoreInterval

N_ITEMS = 10_000
SETTINGS = [(prevalence, n) for prevalence in (0.02, 0.05, 0.30) for n in (100, 300)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=500, help="of each simulated setting")
    parser.add_argument("--real", type=int, default=200, help="samples of each real set")
    parser.add_argument("--ready", type=Path, help="a folder with the set fashion, laid out by examples/datasets.py")
    asked = parser.parse_args()
    print(
        "| prevalence, labels | naive | random, Wilson | PPI++ | Rogan-Gladen | post-stratified | planned "
        "| accuracy: random | planned |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for prevalence, n in SETTINGS:
        print(simulated(prevalence, n, asked.repetitions), flush=True)
    print("\n| set, labels | draw | labels, of those of Wilson: shares | accuracy | covers: shares | accuracy "
          "| promised / found: shares | accuracy |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for name, (probabilities, labels) in real_sets(asked.ready).items():
        for n in (100, 200, 300):
            for planned in (False, True):
                print(sampled(name, probabilities, labels, n, planned, asked.real), flush=True)


def population(prevalence: float, seed: int, *, distance: float = 2.5) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of a model that is surer than it should be, and was trained on half of each class."""
    random = np.random.default_rng(seed)
    labels = (random.random(N_ITEMS) < prevalence).astype(int)
    evidence = random.normal(distance * labels, 1)
    second = 1 / (1 + np.exp(-1.5 * distance * (evidence - distance / 2)))
    return labels, np.column_stack([1 - second, second])


def labelled(
    probabilities: np.ndarray, labels: np.ndarray, n: int, seed: int, *, planned: bool
) -> LabelledSample:  # fmt: skip
    """A simple random sample with its labels, or one that is drawn as planned."""
    if not planned:
        rows = np.random.default_rng(seed).choice(len(labels), n, replace=False)
        return LabelledSample(probabilities, rows, labels[rows])
    strata, weights = planned_strata(probabilities, n)
    names = [f"{number:06d}" for number in range(len(labels))]
    drawn = draw(names, n, strata=strata, weights=weights, seed=seed)
    rows = np.array([int(name) for name in drawn.items])
    return LabelledSample(
        probabilities, rows, labels[rows], np.array([1 / drawn.inclusion[name] for name in drawn.items])
    )


def simulated(prevalence: float, n: int, repetitions: int) -> str:
    """A row: the coverage of each method in %, and its mean width in points."""
    found: dict[str, list[tuple[bool, float]]] = {}
    for seed in range(repetitions):
        labels, probabilities = population(prevalence, seed)
        share, answers = float(labels.mean()), probabilities.argmax(axis=1)
        sample = labelled(probabilities, labels, n, seed, planned=False)
        said = labels[sample.rows]
        scores = probabilities[:, 1]
        naive = float(answers.mean())
        right = float((answers == labels).mean())
        planned = labelled(probabilities, labels, n, seed, planned=True)
        for name, one, truth in (
            ("naive", wilson(naive * N_ITEMS, N_ITEMS), share),
            ("wilson", wilson(int(said.sum()), n), share),
            ("ppi", prediction_powered_mean(said.astype(float), scores[sample.rows], scores), share),
            ("rogan-gladen", _bootstrapped(said == 1, answers[sample.rows] == 1, naive, seed), share),
            ("post", class_shares(sample)[1], share),
            ("planned", class_shares(planned)[1], share),
            ("accuracy", accuracy(sample), right),
            ("accuracy planned", accuracy(planned), right),
        ):
            found.setdefault(name, []).append((one.low <= truth <= one.high, one.high - one.low))
    cells = [
        f"{100 * np.mean([covers for covers, _ in own]):.1f} / {100 * np.mean([width for _, width in own]):.1f}"
        for own in found.values()
    ]
    return f"| {prevalence:.0%}, {n} | " + " | ".join(cells) + " |"


def _bootstrapped(
    labels: np.ndarray, answers: np.ndarray, answered: float, seed: int, times: int = 100
) -> ScoreInterval:
    random = np.random.default_rng(seed)
    values = []
    for _ in range(times):
        rows = random.integers(0, len(labels), len(labels))
        values.append(rogan_gladen(labels[rows], answers[rows], answered))
    values = [value for value in values if not np.isnan(value)] or [0.0, 1.0]
    return ScoreInterval(rogan_gladen(labels, answers, answered), *np.quantile(values, [0.025, 0.975]))


def sampled(
    name: str, probabilities: np.ndarray, labels: np.ndarray, n: int, planned: bool, repetitions: int
) -> str:  # fmt: skip
    """A row: what a sample of a real set is worth, in labels of a random sample with Wilson's interval."""
    n_classes = probabilities.shape[1]
    shares = np.bincount(labels, minlength=n_classes) / len(labels)
    right = float((probabilities.argmax(axis=1) == labels).mean())
    widths, covers = np.zeros(n_classes + 1), np.zeros(n_classes + 1)
    for seed in range(repetitions):
        sample = labelled(probabilities, labels, n, seed, planned=planned)
        found = [*class_shares(sample), accuracy(sample)]
        widths += [one.high - one.low for one in found]
        covers += [one.low <= truth <= one.high for one, truth in zip(found, [*shares, right], strict=True)]
    widths, covers = widths / repetitions, 100 * covers / repetitions
    of_wilson = [n / labels_of_wilson(truth, width) for truth, width in zip([*shares, right], widths, strict=True)]
    none = np.zeros(0, dtype=int)
    promised = expected_widths(LabelledSample(probabilities, none, none), n, neyman=planned)
    return (
        f"| {name} ({len(labels):,}, {right:.1%} right), {n} | {'planned' if planned else 'random'} | "
        f"{np.mean(of_wilson[:-1]):.2f} | {of_wilson[-1]:.2f} | {covers[:-1].mean():.1f} | {covers[-1]:.1f} | "
        f"{2 * promised.share / widths[:-1].max():.2f} | {2 * promised.accuracy / widths[-1]:.2f} |"
    )


def labels_of_wilson(truth: float, width: float) -> float:
    """How many labels of a random sample give an interval of Wilson's so wide."""
    low, high = 1.0, 1e7
    for _ in range(80):
        middle = (low + high) / 2
        one = wilson(truth * middle, middle)
        low, high = (middle, high) if one.high - one.low > width else (low, middle)
    return high


def real_sets(ready: Path | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Out-of-fold probabilities, calibrated by a temperature as those of an exported model, and labels."""
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    pixels, labels = load_digits(return_X_y=True)
    found = {"digits": out_of_fold(make_pipeline(StandardScaler(), LogisticRegression(C=0.05)), pixels, labels)}
    if (clothes := _clothes(ready)) is not None:
        model = make_pipeline(PCA(60, random_state=0), StandardScaler(), SVC(C=5, probability=True, random_state=0))
        found["fashion"] = out_of_fold(model, *clothes)
    return found


def _clothes(ready: Path | None, per_class: int = 200) -> tuple[np.ndarray, np.ndarray] | None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    import datasets

    kept: list[tuple[str, Any]] = []
    if ready:
        for name in datasets.FASHION_CLASSES:
            files = sorted((ready / "fashion" / name).iterdir())[:per_class]
            kept += [(name, np.asarray(Image.open(file).convert("L"))) for file in files]
    else:
        try:
            images = list(datasets.fashion())
        except SystemExit:
            return None
        for name in datasets.FASHION_CLASSES:
            kept += [(label, pixels) for label, _, pixels in images if label == name][:per_class]
    pixels = np.array([pixels for _, pixels in kept], dtype=float).reshape(len(kept), -1) / 255
    return pixels, np.array([datasets.FASHION_CLASSES.index(label) for label, _ in kept])


def out_of_fold(model: Any, features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities by models that were not fitted on the item, at the temperature with the least log loss."""
    from scipy.optimize import minimize_scalar
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        raw = cross_val_predict(model, features, labels, cv=folds, method="predict_proba")
    logs = np.log(np.clip(raw, 1e-9, 1))

    def tempered(temperature: float) -> np.ndarray:
        powers = np.exp(logs / temperature)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def loss(temperature: float) -> float:
        return float(-np.log(np.clip(tempered(temperature)[np.arange(len(labels)), labels], 1e-12, 1)).mean())

    return tempered(minimize_scalar(loss, bounds=(0.2, 5), method="bounded").x), labels


if __name__ == "__main__":
    main()
