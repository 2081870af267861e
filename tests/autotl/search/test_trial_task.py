"""What travels to another process comes back as it was."""

from __future__ import annotations

import json
import math

import pytest

from autotl.search.trial_task import TrialTask, Tuning
from autotl.trial import FINE_TUNE, PROBE, Reading, Training, TrialRecord

READING = Reading("a-network", (64, 64), "top-1", "avg")


@pytest.mark.parametrize(
    "task",
    [
        TrialTask(TrialRecord(3, "failed", PROBE, READING, "svm", {"svm/C": 0.5}), whole=True, untimed=True),
        TrialTask(
            TrialRecord(
                4, "failed", FINE_TUNE, READING, "dense", training=Training(2, 1e-3, 0, augment=True).to_json()
            ),
            default=1,
            rivals=(2, 3),
            tuning=Tuning(2, True, True, 12.5, 3, (0.5, 0.25), (0.75,), 2),
        ),
        TrialTask(TrialRecord(5, "failed", FINE_TUNE, READING), tuning=Tuning(max_seconds=math.inf)),
    ],
    ids=["a probe", "a fine-tune trial", "without a limit"],
)
def test_a_task_read_from_json_is_the_task_that_was_written(task):
    assert TrialTask.from_json(json.loads(json.dumps(task.to_json(), allow_nan=False))) == task
