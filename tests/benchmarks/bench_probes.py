"""Fifty probe trials of five folds against the feature pass they rest on: both of one run on 2,000 textile images.

The trials are those that the search itself proposes (readings by rank of a sample, which is counted; four heads; early
rejection).
Prints a table and a JSON line. Needs conformal-clip-data. Usage: bench_probes.py [FOLDER_OF_TEXTILE]
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
N_TRIALS = 50
HEADS = ("logistic", "linear-svm", "rbf-svm", "knn")
REPEATS = 3


def main() -> None:
    """Read the features with an empty cache, then search; medians of three."""
    from autotl.runtime import keras_backend

    keras_backend.prepare()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = Path(sys.argv[1]) if len(sys.argv) > 1 else _textile(folder)
        rows = [_measure(data, folder / str(i)) for i in range(REPEATS)]
    result = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    result["trials_per_second"] = N_TRIALS / result["probes_seconds"]
    result["ratio"] = result["probes_seconds"] / result["features_seconds"]
    for name, value in result.items():
        print(f"{name:<28} {value:8.2f}")
    print(json.dumps(result))


def _textile(folder: Path) -> Path:
    import datasets

    datasets.lay_out(datasets.textile(), folder / "textile")
    return folder / "textile"


def _measure(data: Path, folder: Path) -> dict[str, float]:
    import math
    from dataclasses import replace

    from autotl.data.scan import scan
    from autotl.data.split import split
    from autotl.plugins import load_plugins
    from autotl.runs.config import Config
    from autotl.runs.run import create
    from autotl.search.context import open_context
    from autotl.search.limits import Limits
    from autotl.search.study_loop import StudyLoop
    from autotl.settings import Settings

    # A budget of no limit, so that nothing is refused for its cost.
    config = Config(
        data,
        folder / "run",
        budget_seconds=None,
        trials=N_TRIALS + 1,
        strategy="probe",
        heads=HEADS,
        backbones=("efficientnet-lite0",),
    )
    dataset = scan(data, cache=folder / "cache")
    run = create(config, dataset, split(dataset, seed=0))
    context = open_context(
        run, load_plugins(), settings=Settings(cache=folder / "cache"), seconds_left=lambda: math.inf
    )
    # One size, so that no other features are read meanwhile.
    backbones = {name: replace(b, sizes=b.sizes[:1]) for name, b in context.space.backbones.items()}
    context = replace(context, space=replace(context.space, backbones=backbones))
    limits = Limits(lambda: math.inf, None, N_TRIALS + 1)
    loop = StudyLoop(context, limits)
    # The first reading of features sets up the engine; what is counted is the pass itself.
    features = context.reader.features(backbones["efficientnet-lite0"], (224, 224))
    reading = features.computed / features.images_per_second
    loop.baselines()
    started = time.perf_counter()
    loop.warm_start()
    loop.search()
    seconds = time.perf_counter() - started
    board = loop.leaderboard()
    complete = sum(t.state == "complete" for t in board.trials) - 2
    return {
        "features_seconds": reading,
        "probes_seconds": seconds,
        "complete": complete,
        "n_items": len(dataset.items),
    }


if __name__ == "__main__":
    main()
