"""How often the 80 % intervals of learning curves hold: a curve on a part of the images, graded on more of them.

For each folder of images (scikit-learn's digits without arguments) a logistic head on principal components of small
pixels is cross-validated with ever more images of all classes, or of one class alone; the curve up to a half, or to
three quarters, is carried on to the whole and compared with what the head then does on the same images.
The same with ridge regression of a number, the brightness of the lower part of an image by its upper half, and with a
head for each of several labels, each of which stands for some of the classes.
Usage: bench_learning_curves.py [FOLDER...] [--seeds 3] [--most 1000]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from autotl.evidence.extrapolation import LearningCurve
from autotl.evidence.learning_curves import balanced_error, class_error, class_worth, curve_points, curve_score
from autotl.images.decoder import decode
from autotl.predictions import Predictions
from autotl.search.learning_curve import _share_of
from autotl.targets import kind_of, strata
from autotl_plugins.heads._linear_solver import LogisticClassifier

EDGE, N_COMPONENTS, N_FOLDS = 16, 128, 4
PARTS = {"from a half": (0.125, 0.25, 0.5), "from three quarters": (0.125, 0.375, 0.75)}
SIZES = (0.9, 0.5, 0.25)
"""Shares of the images, one after the other by seed: a curve flattens as it rises."""
FEWEST = 16


def main() -> None:
    """Print coverage, bias and width by set and by kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, default=1000)
    options = parser.parse_args()
    graded: dict[tuple[str, str], list[tuple[float, float, float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        for folder in options.folders or [digits(Path(scratch) / "digits")]:
            vectors, labels = load(folder, options.most)
            for seed in range(options.seeds):
                found = grade(vectors, labels, seed)
                found |= grade_all_together("numbers", *brightness(folder, options.most), seed)
                found |= grade_all_together("labels", vectors, joined(labels), seed)
                for kind, values in found.items():
                    graded[folder.name, kind] += values
                    graded["all", kind] += values
    print(f"{'set':<10}{'curve':<34}{'n':>5}{'held':>7}{'above':>7}{'below':>7}{'width':>8}{'bias':>8}  (points)")
    for (name, kind), values in sorted(graded.items(), key=lambda entry: entry[0][0] != "all"):
        value, low, high, outcome = np.array(values).T
        above, below = (outcome > high + 1e-9).mean(), (outcome < low - 1e-9).mean()
        print(
            f"{name:<10}{kind:<34}{len(values):>5}{1 - above - below:>7.0%}{above:>7.0%}{below:>7.0%}"
            f"{100 * (high - low).mean():>8.1f}{100 * (outcome - value).mean():>8.1f}"
        )


def digits(folder: Path) -> Path:
    """Handwritten digits."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    import datasets

    datasets.lay_out(datasets.DATASETS["digits"](), folder)
    return folder


def load(folder: Path, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of standardised small pixels, float32 (n, N_COMPONENTS), and labels."""
    paths, pixels = small_pixels(folder, most)
    labels = np.unique([path.parent.name for path in paths], return_inverse=True)[1]
    return components(pixels.reshape(len(labels), -1)), labels


def brightness(folder: Path, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Components of the upper halves of images, and how bright their lower parts are, float (n,)."""
    pixels = small_pixels(folder, most)[1]
    upper, lower = pixels[:, : EDGE // 2], pixels[:, EDGE - 6 :]
    return components(upper.reshape(len(pixels), -1)), lower.mean(axis=(1, 2, 3)).astype(float)


def joined(labels: np.ndarray) -> np.ndarray:
    """Several labels of each image, each of which about a third of the classes have, bool (n, n_labels)."""
    n_classes = int(labels.max()) + 1
    of_class = np.random.default_rng(1).random((n_classes, min(8, max(4, n_classes)))) < 0.35
    return of_class[:, of_class.any(axis=0) & ~of_class.all(axis=0)][labels]


def small_pixels(folder: Path, most: int) -> tuple[list[Path], np.ndarray]:
    """Some images of a folder, and their pixels, float32 (n, EDGE, EDGE, 3)."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    paths = [paths[i] for i in sorted(np.random.default_rng(0).permutation(len(paths))[:most])]
    return paths, np.stack([decode(path, EDGE, EDGE) for path in paths]).astype(np.float32)


def components(pixels: np.ndarray) -> np.ndarray:
    """Principal components of standardised pixels."""
    from sklearn.decomposition import PCA

    pixels = (pixels - pixels.mean(axis=0)) / np.maximum(pixels.std(axis=0), 1)
    return PCA(min(N_COMPONENTS, len(pixels) - 1), random_state=0).fit_transform(pixels).astype(np.float32)


def grade(vectors: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, list[tuple[float, float, float, float]]]:
    """For each kind of curve: the gain that was expected, its interval, and the gain that came."""
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(labels))[: int(SIZES[seed % len(SIZES)] * len(labels))]
    vectors, labels, fold = vectors[some], labels[some], rng.permutation(len(some)) % N_FOLDS
    found: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    shares = sorted({share for part in PARTS.values() for share in part} | {1.0})
    answers = {share: answered(vectors, labels, fold, share, seed, None) for share in shares}
    for name, part in PARTS.items():
        curve = LearningCurve(tuple(s / part[-1] for s in part), tuple(answers[s] for s in part))
        n_images = round(1000 * part[-1])
        points = {
            p.n_images: p.score for p in curve_points(curve, n_images, groups=None, seed=seed, ahead=(1 / part[-1],))
        }
        now, then = points[n_images].value, points[1000]
        came = 1 - balanced_error(answers[1.0].labels, answers[1.0].probabilities) - now
        found[f"all classes, {name}"].append((then.value - now, then.low - now, then.high - now, came))
    for label in np.flatnonzero(np.bincount(labels) >= FEWEST):
        own = {share: answered(vectors, labels, fold, share, seed, int(label)) for share in shares}
        for name, part in PARTS.items():
            curve = LearningCurve(tuple(s / part[-1] for s in part), tuple(own[s] for s in part))
            gain = class_worth(curve, "", 300, more=round(300 / part[-1] - 300), groups=None, seed=seed).gain
            errors = [class_error(one.labels, one.probabilities) for one in (own[part[-1]], own[1.0])]
            found[f"one class, {name}"].append((gain.value, gain.low, gain.high, errors[0] - errors[1]))
    return found


def grade_all_together(
    kind: str, vectors: np.ndarray, target: np.ndarray, seed: int
) -> dict[str, list[tuple[float, float, float, float]]]:
    """The same for the curve of a number, or of several labels."""
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(target))[: int(SIZES[seed % len(SIZES)] * len(target))]
    vectors, target, fold = vectors[some], target[some], rng.permutation(len(some)) % N_FOLDS
    shares = sorted({share for part in PARTS.values() for share in part} | {1.0})
    answers = {share: answered_all_together(vectors, target, fold, share, seed) for share in shares}
    shown, found = curve_score(kind_of(target)), {}
    for name, part in PARTS.items():
        curve = LearningCurve(tuple(s / part[-1] for s in part), tuple(answers[s] for s in part))
        points = curve_points(curve, round(1000 * part[-1]), groups=None, seed=seed, ahead=(1 / part[-1],))
        now, then = points[-2].score.value, points[-1].score
        came = shown(answers[1.0].labels, answers[1.0].probabilities) - now
        found[f"{kind}, {name}"] = [(then.value - now, then.low - now, then.high - now, came)]
    return found


def answered_all_together(
    vectors: np.ndarray, target: np.ndarray, fold: np.ndarray, share: float, seed: int
) -> Predictions:
    """Out-of-fold answers of heads fitted to a share of all images."""
    from sklearn.linear_model import Ridge

    alone, items, answers = np.arange(len(target)), [], []
    for held_out in (np.flatnonzero(fold == number) for number in range(N_FOLDS)):
        rows = _share_of(np.setdiff1d(alone, held_out), strata(target), alone, share, seed=seed)
        items.append(held_out)
        if target.ndim == 1:
            head = Ridge(alpha=len(rows)).fit(vectors[rows], target[rows])
            answers.append(head.predict(vectors[held_out])[:, None])
            continue
        own = np.tile(target[rows].mean(axis=0), (len(held_out), 1))
        for label in np.flatnonzero(target[rows].any(axis=0) & ~target[rows].all(axis=0)):
            one = LogisticClassifier(C=0.01).fit(vectors[rows], target[rows, label].astype(int))
            own[:, label] = one.predict_proba(vectors[held_out])[:, 1]
        answers.append(own)
    order = np.concatenate(items)
    return Predictions(order, target[order], np.concatenate(answers))


def answered(
    vectors: np.ndarray, labels: np.ndarray, fold: np.ndarray, share: float, seed: int, label: int | None
) -> Predictions:  # fmt: skip
    """Out-of-fold answers of heads fitted to a share of all images, or of one class, whose weight is kept."""
    alone, items, probabilities = np.arange(len(labels)), [], []
    for held_out in (np.flatnonzero(fold == number) for number in range(N_FOLDS)):
        train = np.setdiff1d(alone, held_out)
        if label is None:
            rows = _share_of(train, labels, alone, share, seed=seed)
        else:
            own = train[labels[train] == label]
            fewer = _share_of(own, labels, alone, share, seed=seed)
            rows = np.concatenate([train[labels[train] != label], np.resize(fewer, len(own))])
            held_out = held_out[labels[held_out] == label]
        head = LogisticClassifier(C=0.01).fit(vectors[rows], labels[rows])
        items.append(held_out)
        probabilities.append(np.zeros((len(held_out), labels.max() + 1)))
        probabilities[-1][:, head.classes_] = head.predict_proba(vectors[held_out])
    order = np.concatenate(items)
    return Predictions(order, labels[order], np.concatenate(probabilities))


if __name__ == "__main__":
    main()
