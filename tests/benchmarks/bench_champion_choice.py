"""Rules for choosing a champion, compared offline on stored predictions of probes over many splits.

First, for each folder and seed, N random probes (the untuned default first) are cross-validated on some 480 development
items and fitted again on all of these; what they say of them (out of fold) and of all other items is kept in STORE.
Then each rule chooses by the former, and the latter tells what its choice is worth: champion less untuned default, and
search score less test score, in points. Rules: see `_rules`; the last is the one in use, with its corrected score.
Usage: bench_champion_choice.py [FOLDER_OF_IMAGES ...] --store STORE --seeds 10 --trials 56 --objective accuracy
Without folders what is in STORE is compared; without anything a small try on the digits shows that it works.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HEADS = ("logistic", "linear-svm", "rbf-svm", "knn")
N_ITEMS = 480
"""Where noise matters most, and fitting is fast."""
SIZES = 2
"""Of the sizes that the images have the detail for, the default first."""


def main() -> None:
    """Collect what is missing, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=56)
    parser.add_argument("--objective", default="balanced_accuracy")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.store is None:
            from autotl.cli.demo import write_digits

            options.store, options.seeds, options.trials = Path(scratch) / "store", 1, 6
            options.data = options.data or [write_digits(Path(scratch) / "digits")]
        for data in options.data:
            collect(data, options.store, n_seeds=options.seeds, n_trials=options.trials)
        compare(options.store, options.objective)


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


@dataclass(frozen=True)
class Candidates:
    """What a rule sees of one split, larger being better in all: the objective, log loss, and their standard errors.

    to_default, to_best: standard errors of the objective's difference to the default and to the best.
    losses_to_default: of the difference in log loss to the default.
    """

    scores: np.ndarray
    losses: np.ndarray
    to_default: np.ndarray
    to_best: np.ndarray
    losses_to_default: np.ndarray

    @property
    def gains(self) -> np.ndarray:
        """Over the default, in the objective."""
        return self.scores - self.scores[0]

    def evidence(self) -> np.ndarray:
        """Both gains over the default in their standard errors, added up."""
        losses = (self.losses - self.losses[0]) / np.maximum(self.losses_to_default, 1e-12)
        return self.gains / np.maximum(self.to_default, 1e-12) + losses

    def within(self, n_errors: float) -> np.ndarray:
        """Rows that are as good as the best."""
        return np.flatnonzero(self.scores >= self.scores.max() - n_errors * self.to_best)


def _rules() -> dict[str, Callable[[Candidates], int]]:
    """Each gives the row of its champion; row 0 is the untuned default."""

    def lower_bound(c: Candidates, n_errors: float) -> int:
        worth = c.gains - n_errors * c.to_default
        worth[0] = 0.0
        return int(worth.argmax())

    def least_loss(c: Candidates, keep: Callable[[Candidates], np.ndarray]) -> int:
        rows = [i for i in c.within(1.0) if keep(c)[i]]
        return int(max(rows, key=lambda i: c.losses[i])) if rows else 0

    return {
        "largest value": lambda c: int(c.scores.argmax()),
        "largest value less 0.5 errors": lambda c: lower_bound(c, 0.5),
        "largest value less 1 error": lambda c: lower_bound(c, 1.0),
        "largest value less 1.64 errors": lambda c: lower_bound(c, 1.64),
        "earliest within 1 error": lambda c: int(c.within(1.0)[0]),
        "least log loss": lambda c: int(c.losses.argmax()),
        "least log loss within 1 error": lambda c: least_loss(c, lambda c: c.scores > -np.inf),
        "the same, gain above 1 error": lambda c: least_loss(c, lambda c: c.gains > c.to_default),
        "the same, both gains above 0": lambda c: least_loss(c, lambda c: (c.gains > 0) & (c.losses > c.losses[0])),
        "the same, both gains above 2 errors": lambda c: least_loss(c, lambda c: c.evidence() > 2),
    }


def compare(store: Path, objective: str) -> None:
    """Print a table of the rules and one of the corrected score."""
    from autotl.evidence.champion_choice import Rival, choose
    from autotl.evidence.evaluations import evaluate
    from autotl.evidence.item_scores import LOG_LOSS, Answers, call, differences, recognise
    from autotl.interfaces import Evaluator
    from autotl.plugins import load_plugins
    from autotl.predictions import Predictions

    evaluator: Any = load_plugins().all(Evaluator)[objective]
    sign, score = (1 if evaluator.larger_is_better else -1), evaluator.score
    gains: dict[str, dict[str, list[float]]] = {}
    flattery: dict[str, dict[str, list[float]]] = {}
    for file in sorted(store.glob("*-*.npz")):
        found, name = np.load(file), file.stem.rpartition("-")[0]
        labels, n = found["labels"], len(found["labels"])
        answers = Answers(labels, found["searched"])
        form = recognise(score, answers)
        groups = np.unique(found["cluster"], return_inverse=True)[1]
        n_groups = int(groups.max()) + 1
        drawn = np.random.default_rng(0).multinomial(n_groups, np.full(n_groups, 1 / n_groups), 300)[:, groups]
        base = call(score, labels, found["searched"][0].astype(float))
        values = sign * (base + differences(score, form, answers, np.ones((1, n)))[0])
        noise = sign * differences(score, form, answers, drawn.astype(float))
        losses = -LOG_LOSS.differences(answers, np.ones((1, n)))[0]
        candidates = Candidates(
            values, losses, noise.std(axis=0), (noise - noise[:, [values.argmax()]]).std(axis=0),
            LOG_LOSS.differences(answers, drawn.astype(float)).std(axis=0),
        )  # fmt: skip
        tested = sign * np.array([call(score, found["test_labels"], p.astype(float)) for p in found["tested"]])
        chosen = {rule: (row := choose_row(candidates), values[row]) for rule, choose_row in _rules().items()}
        rivals = [
            Rival(i, sign * values[i], Predictions(np.arange(n), labels, p / p.sum(axis=1, keepdims=True)))
            for i, p in enumerate(found["searched"].astype(float))
        ]
        choice = choose(rivals, evaluator, clusters=found["cluster"], seed=0)
        first, classes = choice.order[0], tuple(map(str, range(found["searched"].shape[2])))
        measured = evaluate(
            rivals[first].predictions, {objective: evaluator}, classes, groups=found["cluster"]
        ).scores[objective]  # fmt: skip
        n_tested = min(len(np.unique(found["test_cluster"])), n // 4)
        corrected = choice.corrected(evaluator, first, measured, n_tested, seed=0).value
        chosen["in use"] = (first, sign * corrected)
        for rule, (row, told) in chosen.items():
            gains.setdefault(rule, {}).setdefault(name, []).append(100 * (tested[row] - tested[0]))
            flattery.setdefault(rule, {}).setdefault(name, []).append(100 * (told - tested[row]))
    for title, table in (("champion less untuned default", gains), ("search score less test score", flattery)):
        _print(f"{objective}: {title} on the items not searched, in points, with its standard error", table)


def _print(title: str, table: dict[str, dict[str, list[float]]]) -> None:
    names = sorted({name for row in table.values() for name in row})
    print(f"\n{title}\n{'':<36}" + "".join(f"{name[:11]:>14}" for name in names) + f"{'mean':>8}{'worst':>8}")
    for rule, row in table.items():
        means = [float(np.mean(row[name])) for name in names]
        errors = [
            float(np.std(row[name], ddof=1) / len(row[name]) ** 0.5) if len(row[name]) > 1 else 0 for name in names
        ]
        cells = "".join(f"{mean:>+8.2f} ±{error:4.2f}" for mean, error in zip(means, errors, strict=True))
        print(f"{rule:<36}{cells}{np.mean(means):>+8.2f}{min(means):>+8.2f}")


if __name__ == "__main__":
    main()
