"""Rules for choosing a champion, compared offline on stored predictions of probes over many splits.

`collect` cross-validates N random probes (the untuned default first) for each seed of the split, fits each again on all
development items, and keeps what it says of the development items (out of fold) and of the test split. `compare` lets
each rule choose from the former, and tells what its choice is worth on the latter: champion less untuned default, by
set, and search score less test score. Neither the rules nor their figures look at the test split before.
Usage: bench_champion_choice.py collect STORE FOLDER_OF_IMAGES [--seeds 10] [--trials 64]
       bench_champion_choice.py compare STORE [OBJECTIVE]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HEADS = ("logistic", "linear-svm", "rbf-svm", "knn")
N_ITEMS = 480
"""Where noise matters most, and fitting is fast."""
SIZES = 2
"""Of the sizes that the images have the detail for, the default first."""


def main() -> None:
    """Collect, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("collect", "compare"))
    parser.add_argument("store", type=Path)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=64)
    options = parser.parse_args()
    if options.step == "collect":
        collect(Path(options.data), options.store, n_seeds=options.seeds, n_trials=options.trials)
    else:
        compare(options.store, options.data or "balanced_accuracy")


def collect(data: Path, store: Path, *, n_seeds: int, n_trials: int) -> None:
    """Write STORE/SET-SEED.npz for each seed that is not there yet."""
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    from autotl.data.scan import scan

    store.mkdir(parents=True, exist_ok=True)
    dataset = scan(data, cache=store / "cache")
    for seed in range(n_seeds):
        file = store / f"{data.name}-{seed}.npz"
        if not file.exists():
            started = time.perf_counter()
            arrays = _collect_one(data, dataset, store, seed, n_trials)
            np.savez_compressed(file, **arrays)
            print(f"{file.name}: {len(arrays['searched'])} probes, {time.perf_counter() - started:.0f} s", flush=True)


def _collect_one(data: Path, dataset: Any, store: Path, seed: int, n_trials: int) -> dict[str, np.ndarray]:
    """searched, tested: (n_trials, n_items, n_classes); labels and clusters of both; fold of the development items."""
    import shutil
    import tempfile

    import optuna

    from autotl.data.split import split
    from autotl.plugins import load_plugins
    from autotl.runs.config import Config
    from autotl.runs.run import create
    from autotl.search.context import open_context
    from autotl.search.hyperparameters import OptunaHyperParameters, defaults, fixed_hyperparameters
    from autotl.settings import Settings

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = Path(tempfile.mkdtemp())
    config = Config(data, folder / "run", budget_seconds=None, trials=n_trials, seed=seed, heads=HEADS,
                    strategy="probe", backbones=("efficientnet-lite0",))  # fmt: skip
    run = create(config, dataset, _with_few_items(split(dataset, seed=seed), seed))
    context = open_context(run, load_plugins(), settings=Settings(cache=store / "cache"), seconds_left=lambda: math.inf)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    allowed = [f"{h}x{w}" for h, w in next(iter(context.space.backbones.values())).sizes[:SIZES]]
    study.enqueue_trial(dict(defaults(context.space.sample)))
    items, test = np.sort(run.split.development), run.split.test
    searched, tested, what = [], [], []
    while len(searched) < n_trials:
        trial = study.ask()
        hp = OptunaHyperParameters(trial)
        candidate = context.space.sample_with_head(hp)
        if candidate.reading.to_json()["size"] not in allowed:
            continue
        params = {key: value for key, value in hp.values.items() if key.startswith(f"{candidate.head.name}/")}
        out_of_fold, of_test = _fit(context, candidate, fixed_hyperparameters(params), items, test)
        searched.append(out_of_fold)
        tested.append(of_test)
        what.append(str((candidate.head.name, candidate.reading.to_json(), params)))
    shutil.rmtree(folder, ignore_errors=True)
    cluster, labels = run.split.cluster, context.labels
    return {
        "searched": np.array(searched, dtype=np.float32), "tested": np.array(tested, dtype=np.float32),
        "labels": labels[items], "test_labels": labels[test], "cluster": cluster[items],
        "test_cluster": cluster[test], "fold": run.split.fold[items], "what": np.array(what),
    }  # fmt: skip


def _with_few_items(whole: Any, seed: int) -> Any:
    """The split with at most N_ITEMS development items; the test split has all others, so that it tells much."""
    from dataclasses import replace

    development = whole.development
    clusters = np.random.default_rng(seed).permutation(np.unique(whole.cluster[development]))
    sizes = np.bincount(whole.cluster[development])[clusters]
    kept = clusters[np.cumsum(sizes) <= N_ITEMS]
    unused = development[~np.isin(whole.cluster[development], kept)]
    fold = whole.fold.copy()
    fold[unused] = -1
    return replace(whole, fold=fold)


def _fit(context: Any, candidate: Any, hp: Any, items: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a probe says of the development items, out of fold, and of the test split when fitted on all of them."""
    from autotl.search.outcome import calibrated
    from autotl.search.probe_trials import build_classifier, session_of
    from autotl.training.calibration import apply_temperature
    from autotl.training.cross_validation import cross_validate

    vectors, labels = context.inputs.get(candidate).vectors, context.labels
    with session_of(context, candidate.head):
        classifier = build_classifier(context, candidate.head, hp, vectors.shape[1])
        found = cross_validate(classifier, vectors, labels, context.run.split)
        predictions, temperature = calibrated(found.predictions)
        classifier.fit(vectors[items], labels[items])
        classifier.calibration = found.calibration
        of_test = apply_temperature(classifier.probabilities(vectors[test]), temperature)
    return predictions.restrict(items).probabilities, of_test


def compare(store: Path, objective: str) -> None:
    raise SystemExit("to come")


if __name__ == "__main__":
    sys.exit(main())
