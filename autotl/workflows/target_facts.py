"""What a deployable says of a target that is not of classes: the thresholds of labels, the interval of a number."""

from __future__ import annotations

from typing import Any

from autotl.evidence.number_intervals import LEVEL, half_width
from autotl.runs.run import Run
from autotl.search.trial_files import load_predictions
from autotl.targets import LABELS, NUMBER


def target_facts(run: Run, trial: int) -> dict[str, Any]:
    """The entries of metadata.json about the target, from a trial's out-of-fold predictions; none for classes."""
    target = run.dataset.target
    if target.kind not in (LABELS, NUMBER):
        return {"target": {"kind": target.kind}} if target.kind != "classes" else {}
    found: dict[str, Any] = {"kind": target.kind}
    try:
        searched = load_predictions(run, trial)
    except (OSError, ValueError):  # a model of a sample, which was not kept as a trial
        return {"target": found}
    if target.kind == NUMBER:
        found["interval"] = {"level": LEVEL, "half_width": half_width(searched)}
    return {"target": found}
