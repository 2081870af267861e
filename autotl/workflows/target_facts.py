"""What a deployable says of a target that is not of classes: the thresholds of labels, the interval of a number."""

from __future__ import annotations

from typing import Any

from autotl.evidence.conformal_numbers import NumberInterval, calibrate_interval
from autotl.evidence.per_label import Thresholds, thresholds
from autotl.predictions import Predictions
from autotl.runs.run import Run, cluster_of
from autotl.search.trial_files import load_predictions
from autotl.targets import CLASSES, LABELS, NUMBER


def target_facts(run: Run, trial: int) -> dict[str, Any]:
    """The entries of metadata.json about the target, from a trial's out-of-fold predictions; none for classes."""
    kind = run.dataset.kind
    if kind == CLASSES:
        return {}
    found: dict[str, Any] = {"kind": kind}
    try:
        searched = load_predictions(run, trial)
    except (OSError, ValueError):  # a model of a sample, which was not kept as a trial
        return {"target": found}
    if kind == LABELS:
        found["thresholds"] = label_thresholds(searched).values.tolist()
    if kind == NUMBER and (interval := number_interval(run, searched)):
        found["interval"] = {"level": interval.level, "half_width": interval.half_width, "n": interval.n}
    return {"target": found}


def label_thresholds(searched: Predictions) -> Thresholds:
    """From which probability on each label applies, by out-of-fold predictions."""
    return thresholds(searched.labels, searched.probabilities)


def number_interval(run: Run, searched: Predictions) -> NumberInterval | None:
    """The interval around predicted numbers, by out-of-fold predictions; None if there are too few of them."""
    residuals = searched.labels - searched.probabilities[:, 0]
    return calibrate_interval(residuals, clusters=cluster_of(run, searched.items), seed=run.config.seed)
