"""Leaderboards, costs and a planner made by hand, for tests of what is tried next."""

from __future__ import annotations

import math

from autotl.evidence.leaderboard import rank
from autotl.interfaces import UNDEFINED, Backbone, Head, Recipe, ScoreInterval
from autotl.search.fine_tune_cost import Estimate
from autotl.search.limits import Limits
from autotl.search.planner import Planner
from autotl.search.reading_score import ReadingScore
from autotl.search.space import Space
from autotl.trial import FINE_TUNE, PROBE, Reading, TrialRecord

SMALL, LARGE = (32, 32), (64, 64)
FIXED = Recipe(strategy=PROBE, backbone="net")
LOGISTIC = Head("logistic", lambda *a: None)
N_FOLDS, N_EPOCHS = 5, 6


class Bench:
    """Costs that are given, as in `TrialCosts`: what has been read, seconds per head, reading and fine-tune trial.

    epoch: seconds of an epoch, of which there are 6, per stage that trains and per 1,000 pixels of an image.
    """

    def __init__(self, *, costs=None, read=(("net", SMALL),), reading=10.0, tuning=5.0, epoch=0.0):
        self.epoch = epoch
        self.costs, self.read, self.reading, self.tuning = costs or {}, set(read), reading, tuning
        self.seen = set(self.costs)

    def has_features(self, backbone, size):
        return (backbone, size) in self.read

    def reading_seconds(self, backbone, size):
        return 0.0 if self.has_features(backbone, size) else self.reading

    def has_seen(self, head):
        return head in self.seen

    def probe_cost(self, head, *, network=False):
        return self.costs.get(head, 0.1)

    def fit_cost(self, head, *, network=False):
        return self.probe_cost(head) / N_FOLDS

    def fine_tune_seconds(self, candidate, measured=()):
        height, width = candidate.reading.size
        epoch_seconds = self.epoch * height * width / 1000 * candidate.training.trainable_stages
        return Estimate(self.tuning, self.tuning, epoch_seconds, N_EPOCHS)

    def step_depths(self, candidate):
        return (1, 3, 5)


def network(name):
    return Backbone(name, lambda *a: None, lambda d: None, (SMALL, LARGE), embedded=True)


def space(*heads, tunable=("logistic",), names=("net",)):
    chosen = {h.name: h for h in heads} or {"logistic": LOGISTIC}
    return Space({name: network(name) for name in names}, chosen, LOGISTIC, tunable)


def plan(bench=None, *, left=math.inf, budget=None, trials=None, within=None, strategy="auto"):
    within = within or space(tunable=() if strategy == PROBE else ("logistic",))
    return Planner(within, bench or Bench(), Limits(lambda: left, budget, trials), strategy=strategy, seed=0)


def read(size=SMALL, stage="joined", pooling="avg+max"):
    return Reading("net", size, stage, pooling)


def probe(number, value=0.8, head="logistic", state="complete", params=None, **reading):
    score = ScoreInterval(value) if state == "complete" else UNDEFINED
    return TrialRecord(number, state, PROBE, read(**reading), head, score=score, params=params or {})


def tuned(number, value, depth, state="complete", *, augment=False, head="logistic", seconds=0.0, told=None, **reading):
    """told: more of what its record says of the training."""
    training = {"trainable_stages": depth, "augment": augment, **(told or {})} if state != "failed" else {}
    return TrialRecord(
        number,
        state,
        FINE_TUNE,
        read(**reading),
        head,
        score=ScoreInterval(math.nan if value is None else value),
        training=training,
        seconds=seconds,
    )


def board(*trials, larger=True):
    return rank(trials, objective="accuracy", larger_is_better=larger, default=1)


def scored(*losses):
    """A score for each (size, stage, log loss), best first."""
    scores = [ReadingScore(read(size, stage), loss) for size, stage, loss in losses]
    return sorted(scores, key=lambda score: score.log_loss)
