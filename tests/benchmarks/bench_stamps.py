"""Is a three-minute search on 438 stamps worth it? The champion against StandardScaler + SVC on the final layer.

Same split, same test items, paired bootstrap. Needs the Debian package tuxpaint-stamps-default. Prints a table and a
JSON line. Usage: bench_stamps.py [BUDGET_SECONDS]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from autotl.interfaces import Backbone, Evaluator

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))


def main() -> None:
    """Search, fit the rival, compare."""
    import datasets

    from autotl import api
    from autotl.evidence.intervals import paired_difference
    from autotl.features.features import extract
    from autotl.features.frozen_network import freeze
    from autotl.plugins import load_plugins
    from autotl.runs.run import open_run

    budget = float(sys.argv[1]) if len(sys.argv) > 1 else 180.0
    plugins = load_plugins()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        datasets.lay_out(datasets.stamps(), folder / "stamps")
        champion = api.fit(folder / "stamps", run=folder / "run", budget_seconds=budget, plugins=plugins)
        run = open_run(folder / "run")
        test, development = run.split.test, run.split.development
        network = freeze(plugins.all(Backbone)["efficientnet-lite0"], (224, 224), cache=folder / "cache")
        vectors = extract(run.dataset, network, cache=folder / "cache").read("top", "avg")
        rival = _one_hot(
            _svc(vectors[development], run.dataset.labels[development], vectors[test]), run.dataset.classes
        )
        rows = champion.predict([run.dataset.path(int(i)) for i in test])
        ours = np.array([[row["probabilities"][name] for name in champion.classes] for row in rows])
        labels = run.dataset.labels[test]
        result = {"budget_seconds": budget, "seconds": champion.document["seconds"], "n_test": len(test)}
        for name in ("accuracy", "balanced_accuracy"):
            difference = paired_difference(plugins.all(Evaluator)[name].score, labels, rival, ours)
            search, tested = champion.search_scores[name], champion.test_scores[name]
            result[name] = {"search": search, "test": tested, "champion_minus_svc": vars(difference)}
            print(
                f"{name:<18} search {search['value']:.3f} ({search['low']:.3f} to {search['high']:.3f})  "
                f"test {tested['value']:.3f} ({tested['low']:.3f} to {tested['high']:.3f})  "
                f"champion - SVC {difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
            )
        result["champion"] = champion.document["champion"]
        print(json.dumps(result))


def _svc(vectors: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return np.asarray(make_pipeline(StandardScaler(), SVC()).fit(vectors, labels).predict(others))


def _one_hot(predicted: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    return np.eye(len(classes))[predicted]


if __name__ == "__main__":
    main()
