"""What a model's doubts promise and what they keep, on four real sets with features of EfficientNet-Lite0 at 224.

Sets of classes and the accept threshold are calibrated on out-of-fold answers of a logistic head, as in a run, and
judged on images that had no part in it; "none of these" is shown photographs of another kind.
Needs conformal-clip-data and tuxpaint-stamps-default. Usage: bench_abstention.py [FOLDER_WITH_THE_SETS]
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
SETS = ("digits", "faces", "stamps", "textile")
OTHERS = {"textile": ("stamps", "digits"), "digits": ("faces", "textile"), "stamps": ("textile", "faces"),
          "faces": ("digits", "stamps")}  # fmt: skip
N_SPLITS, N_SEARCHES, N_SHOWN, N_FOLDS, N_COMPONENTS, MOST_IMAGES = 10, 200, 200, 5, 128, 1000


@dataclass(frozen=True)
class Data:
    """A set as a head sees it. features: of all stages, averages and maxima; averages: what novelty reads."""

    features: np.ndarray
    averages: np.ndarray
    labels: np.ndarray


def main() -> None:
    """Print a table for each of the three."""
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch)
        data = {name: _read(name, root) for name in SETS}
    print(f"\nSets of classes, 90 % promised, {N_SPLITS} splits: covered in a run, by answers of one kind; size")
    for name in SETS:
        print(f"{name:<10}", _sets(data[name]))
    print(f"\nAccept threshold, {N_SEARCHES} searches: risk kept, found, answered on average")
    for name in SETS:
        print(f"{name:<10}", _accepting(data[name]))
    print(f"\nNone of these at 5 %, {N_SPLITS} splits: known images refused, {N_SHOWN} of another kind refused")
    for name in SETS:
        print(f"{name:<10}", _novelty(data, name))


def _read(name: str, root: Path) -> Data:
    """Lay a set out where it is not there yet, and read its features, which are cached."""
    import datasets

    from autotl.data.scan import scan
    from autotl.features.features import extract
    from autotl.features.frozen_network import freeze
    from autotl.interfaces import Backbone
    from autotl.plugins import load_plugins
    from autotl.settings import settings

    if not (root / name).is_dir():
        datasets.lay_out(datasets.DATASETS[name](), root / name)
    cache, plugins = settings().cache, load_plugins()
    dataset = scan(root / name, cache=cache)
    backbone = plugins.pick(Backbone, "efficientnet-lite0")
    version = plugins.provenance(Backbone, backbone.name).version
    found = extract(dataset, freeze(backbone, (224, 224), cache=cache, version=version), cache=cache)
    items = np.sort(np.random.default_rng(0).permutation(len(dataset.labels))[:MOST_IMAGES])
    return Data(found.read("joined", "avg+max", items), found.read("joined", "avg", items), dataset.labels[items])


def _split(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Development and test items, a fifth, and the fold of each of the former."""
    from sklearn.model_selection import StratifiedKFold, train_test_split

    development, test = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=seed, stratify=labels)
    fold = np.zeros(len(development), int)
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(development, labels[development])
    for number, (_, held_out) in enumerate(folds):
        fold[held_out] = number
    return development, test, fold


def _head(vectors: np.ndarray, labels: np.ndarray) -> object:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = make_pipeline(
        StandardScaler(),
        PCA(N_COMPONENTS, svd_solver="randomized", random_state=0),
        LogisticRegression(C=0.01, max_iter=1000),
    )
    return head.fit(vectors, labels)


def _answers(data: Data, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels and out-of-fold probabilities of the development items, and the same of a refitted head on the test."""
    from autotl.training.calibration import apply_temperature, fit_temperature

    development, test, fold = _split(data.labels, seed)
    vectors, labels = data.features[development], data.labels[development]
    unseen = np.empty((len(development), int(data.labels.max()) + 1))
    for number in range(N_FOLDS):
        here = fold == number
        unseen[here] = _head(vectors[~here], labels[~here]).predict_proba(vectors[here])
    temperature = fit_temperature(labels, unseen)
    answers = _head(vectors, labels).predict_proba(data.features[test])
    return labels, apply_temperature(unseen, temperature), data.labels[test], apply_temperature(answers, temperature)


def _sets(data: Data) -> str:
    from autotl.evidence.abstention.conformal_sets import calibrate_sets

    held, alike, sizes, rng = [], [], [], np.random.default_rng(0)
    for seed in range(N_SPLITS):
        own, unseen, tested, answers = _answers(data, seed)
        found = calibrate_sets(own, unseen, seed=seed).contains(answers)
        held.append(found[np.arange(len(found)), tested].mean())
        sizes.append(found.sum(axis=1).mean())
        for _ in range(N_SEARCHES // N_SPLITS):
            order = rng.permutation(len(own))
            mine, others = order[: len(own) // 2], order[len(own) // 2 :]
            found = calibrate_sets(own[mine], unseen[mine]).contains(unseen[others])
            alike.append(found[np.arange(len(found)), own[others]].mean())
    return f"{np.mean(held):.3f}, {np.mean(alike):.3f}, {np.mean(sizes):.2f}"


def _accepting(data: Data) -> str:
    """The out-of-fold answers are the population, from which each search draws as many as a set of 438 leaves it."""
    from autotl.evidence.abstention.accepting import find_accept_rule

    labels, unseen, _, _ = _answers(data, 0)
    confidence, right = unseen.max(axis=1), unseen.argmax(axis=1) == labels
    rng, risks, shares = np.random.default_rng(0), [], []
    for _ in range(N_SEARCHES):
        drawn = rng.integers(0, len(labels), 350)
        rule = find_accept_rule(confidence[drawn], right[drawn])
        accepted = confidence >= rule.threshold if rule else np.zeros(len(labels), bool)
        risks.append((~right[accepted]).mean() if accepted.any() else 0.0)
        shares.append(accepted.mean())
    found = np.array(shares) > 0
    kept = (np.array(risks) <= 0.05).mean()
    return f"{kept:.3f}, {found.mean():.2f}, {np.mean(shares):.2f} (accuracy {right.mean():.3f})"


def _novelty(data: dict[str, Data], name: str) -> str:
    from autotl.evidence.abstention.novelty import calibrate_novelty

    own, rng = data[name], np.random.default_rng(0)
    shown = {
        other: rng.permutation(len(data[other].labels))[:N_SHOWN] for other in OTHERS[name]
    }  # fmt: skip
    known, refused = [], {other: [] for other in OTHERS[name]}
    for seed in range(N_SPLITS):
        development, test, fold = _split(own.labels, seed)
        rule = calibrate_novelty(lambda items: own.averages[items], development, own.labels[development], fold)
        known.append((rule.p_values(own.averages[test]) <= 0.05).mean())
        for other, items in shown.items():
            refused[other].append((rule.p_values(data[other].averages[items]) <= 0.05).mean())
    return f"{np.mean(known):.3f}; " + ", ".join(f"{other} {np.mean(shares):.3f}" for other, shares in refused.items())


if __name__ == "__main__":
    main()
