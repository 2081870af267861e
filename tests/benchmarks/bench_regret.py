"""Search regret: the search's champion against the best of an exhaustive grid on the same folds and features.

The grid: every stage and pooling of efficientnet-lite0 at 224 pixels, each quick head on a grid of its parameters.
Prints a table and a JSON line. Usage: bench_regret.py [FOLDER_OF_IMAGES ...]; by default the digits.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

GRID: dict[str, dict[str, list[Any]]] = {
    "logistic": {"C": [*np.logspace(-4, 1, 6)], "class_weight": ["none", "balanced"]},
    "linear-svm": {"C": [*np.logspace(-6, -1, 6)]},
    "rbf-svm": {"C": [0.3, 3.0, 30.0], "gamma_factor": [0.1, 0.3, 1.0]},
    "knn": {"k": [1, 5, 15], "metric": ["euclidean"]},
}
N_TRIALS = 60


def main() -> None:
    """Search, then try everything."""
    from autotl.cli.demo import write_digits

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = [Path(text) for text in sys.argv[1:]] or [write_digits(folder / "digits")]
        rows = [_measure(path, folder / f"{i}") for i, path in enumerate(data)]
    print(f"{'set':<12} {'champion':>9} {'seconds':>8} {'best of grid':>13} {'seconds':>8} {'fits':>5} {'regret':>8}")
    for row in rows:
        print(
            f"{row['set']:<12} {row['champion']:>9.4f} {row['search_seconds']:>8.1f} {row['grid']:>13.4f} "
            f"{row['grid_seconds']:>8.1f} {row['n_grid']:>5} {row['regret']:>8.4f}"
        )
    print(json.dumps(rows))


def _measure(data: Path, folder: Path) -> dict[str, Any]:
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    from autotl.data.scan import scan
    from autotl.data.split import split
    from autotl.plugins import load_plugins
    from autotl.runs.config import Config
    from autotl.runs.run import create
    from autotl.search.context import open_context
    from autotl.search.hyperparameters import fixed_hyperparameters
    from autotl.search.limits import Limits
    from autotl.search.probe_trials import probe
    from autotl.search.study_loop import StudyLoop
    from autotl.settings import Settings
    from autotl.trial import POOLINGS, PROBE, STAGES, Candidate, Reading

    config = Config(
        data, folder / "run", budget_seconds=None, trials=N_TRIALS, strategy="probe", heads=tuple(GRID),
        backbones=("efficientnet-lite0",),
    )  # fmt: skip
    dataset = scan(data, cache=folder / "cache")
    run = create(config, dataset, split(dataset, seed=0))
    context = open_context(
        run, load_plugins(), settings=Settings(cache=folder / "cache"), seconds_left=lambda: math.inf
    )
    # The grid has no larger size, so neither has the search.
    backbones = {name: replace(b, sizes=b.sizes[:1]) for name, b in context.space.backbones.items()}
    context = replace(context, space=replace(context.space, backbones=backbones))
    lite0 = backbones["efficientnet-lite0"]
    context.reader.features(lite0, (224, 224))
    loop = StudyLoop(context, Limits(lambda: math.inf, None, N_TRIALS))
    started = time.perf_counter()
    loop.baselines()
    loop.warm_start()
    loop.search()
    searched = time.perf_counter() - started
    best = loop.leaderboard().best(PROBE)
    assert best is not None and best.score.is_defined
    started, values = time.perf_counter(), []
    for stage, pooling, head in itertools.product(STAGES, POOLINGS, GRID):
        for chosen in itertools.product(*GRID[head].values()):
            params = {f"{head}/{name}": value for name, value in zip(GRID[head], chosen, strict=True)}
            reading = Reading(lite0.name, (224, 224), stage, pooling)
            candidate = Candidate(PROBE, lite0, reading, context.space.heads[head])
            outcome = probe(context, candidate, fixed_hyperparameters(params))
            values.append(context.objective.value(outcome.predictions))
    return {
        "set": data.name, "champion": best.score.value, "search_seconds": searched, "grid": max(values),
        "grid_seconds": time.perf_counter() - started, "n_grid": len(values), "regret": max(values) - best.score.value,
    }  # fmt: skip


if __name__ == "__main__":
    main()
