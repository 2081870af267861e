"""The record of a trial."""

from __future__ import annotations

import math
import time

import pytest

from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.outcome import completed
from autotl.search.probe_trials import probe
from autotl.trial import describe


def test_a_record_says_everything_needed_to_make_the_candidate_again(context, candidate):
    outcome = probe(context, candidate(), fixed_hyperparameters({}))
    begun = describe(candidate(), 4, started=time.time() - 3)
    found = completed(begun, outcome, context.objective.score(outcome.predictions), {})
    assert (found.number, found.state, found.reading.size) == (4, "complete", (32, 32))
    assert found.seconds == pytest.approx(3, abs=1)
    assert context.candidate(found) == candidate()
    assert math.isfinite(found.score.value)
