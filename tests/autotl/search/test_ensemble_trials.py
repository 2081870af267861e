"""The best probes are mixed where that gains clearly, once."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.search import optuna_study as studies
from autotl.search.ensemble_trials import ensemble
from autotl.search.limits import Limits
from autotl.search.outcome import completed
from autotl.search.study_loop import StudyLoop
from autotl.search.trial_files import load_predictions, save_predictions
from autotl.trial import ENSEMBLE, PROBE, Reading, TrialRecord


def add_probes(loop, n, *, apart):
    """Completed probes, each of which is wrong about a third of the items: another one each, or always the same."""
    run = loop.context.run
    items = run.split.development
    labels = loop.context.labels[items]
    for seed in range(n):
        trial = loop._study.ask()
        wrong = (np.arange(len(items)) + 2 * seed * apart) % 6 < 2
        probabilities = np.full((len(items), 3), 0.2)
        probabilities[np.arange(len(items)), labels] = np.where(wrong, 0.35, 0.6)
        # Unsure where it is wrong, so that a mixture is right by far and not by how a tie is rounded.
        probabilities[wrong, (labels[wrong] + 1) % 3] = 0.45
        predictions = Predictions(items, labels, probabilities)
        save_predictions(run, trial.number, predictions)
        score = loop.context.objective.score(predictions)
        record = TrialRecord(
            trial.number, "complete", PROBE, Reading("tiny", (32, 32), "top", "avg"), "logistic", score=score,
        )  # fmt: skip
        studies.finish(loop._study, trial, record, run=run)


@pytest.fixture
def blending(make_context):
    """blending(6): a study whose only probes are these, made up."""

    def blending(n, *, apart=True, trials=None, **options):
        loop = StudyLoop(make_context(**options), Limits(lambda: float("inf"), None, trials))
        add_probes(loop, n, apart=apart)
        return loop

    return blending


@pytest.mark.parametrize("objective", ["accuracy", "log_loss"])
def test_probes_with_errors_of_their_own_are_mixed_where_that_gains_clearly(blending, objective):
    made = blending(6, objective=objective)
    best = made.leaderboard().best()
    mixed = made.blend()
    assert (mixed.state, mixed.strategy) == ("complete", ENSEMBLE)
    assert made.context.objective.sign * (mixed.score.value - best.score.value) > 0
    assert made.leaderboard().best() == mixed
    assert made.leaderboard().best(PROBE) == best
    members = mixed.members
    assert sum(m.weight for m in members) == pytest.approx(1)
    assert 2 <= len(members) <= 5
    saved = load_predictions(made.context.run, mixed.number)
    assert sorted(saved.items) == made.context.run.split.development.tolist()
    assert made.blend() is None  # once is enough


def test_a_gain_that_is_not_clear_is_recorded_and_given_up(blending):
    made = blending(3, apart=False)
    mixed = made.blend()
    assert mixed.state == "pruned"
    assert mixed.reason == "its gain over the best probe, +0.000, is not clear"
    assert made.leaderboard().best().strategy == PROBE


def test_a_single_probe_is_not_mixed(blending):
    assert blending(1).blend() is None


def test_an_ensemble_does_not_count_as_a_trial(blending):
    made = blending(12, trials=20)
    before = made._share_of_trials(0)
    assert made.blend().state == "complete"
    assert made._share_of_trials(0) == before


def test_the_record_of_an_ensemble_is_plain_json_also_where_a_member_has_no_interval(blending):
    made = blending(1)
    [probe] = made.leaderboard().completed
    predictions = load_predictions(made.context.run, probe.number)
    member = replace(probe, score=ScoreInterval(0.5))
    begun, outcome = ensemble([member], np.array([1.0]), predictions, number=1, started=0.0)
    record = completed(begun, outcome, made.context.objective.score(predictions), {})
    assert "NaN" not in json.dumps(record.to_json(), allow_nan=False)


def test_members_without_weight_are_no_members(blending):
    made = blending(3)
    probes = sorted(made.leaderboard().completed, key=lambda trial: trial.number)
    predictions = load_predictions(made.context.run, 0)
    begun, _ = ensemble(probes, np.array([0.6, 0.0, 0.4]), predictions, number=3, started=0.0)
    assert [member.trial.number for member in begun.members] == [0, 2]
    assert [member.weight for member in begun.members] == [0.6, 0.4]
    assert (begun.strategy, begun.reading.place, begun.head) == (ENSEMBLE, ("tiny", (32, 32)), ENSEMBLE)
