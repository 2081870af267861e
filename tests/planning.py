"""Leaderboards and a laboratory made by hand, for tests of what is tried next."""

from __future__ import annotations

import math
from types import SimpleNamespace

from autotl.evidence.leaderboard import rank
from autotl.interfaces import Backbone, Head, Recipe, ScoreInterval, TrialRecord
from autotl.search.fine_tune_cost import Estimate
from autotl.search.planner import Limits, Planner
from autotl.search.screening import ReadingScore
from autotl.search.space import Space
from autotl.trial import FINE_TUNE, PROBE, Reading

SMALL, LARGE = (32, 32), (64, 64)
READING = {"backbone": "net", "size": "32x32", "stage": "joined", "pooling": "avg+max"}
FIXED = Recipe(strategy=PROBE, backbone="net")


class Bench:
    """A laboratory whose speeds are given: what it has read, and seconds per head, reading and fine-tune trial.

    epoch: seconds of an epoch, of which there are 6, per stage that trains and per 1,000 places of a picture.
    """

    def __init__(
        self, *, strategy="auto", sign=1, costs=None, read=(("net", SMALL),), reading=10.0, tuning=5.0, epoch=0.0
    ):  # fmt: skip
        config = SimpleNamespace(strategy=strategy, seed=0)
        self.run = SimpleNamespace(config=config, split=SimpleNamespace(n_folds=5, train=range(3200)))
        self.epoch = epoch
        self.sign, self.costs, self.read, self.reading, self.tuning = sign, costs or {}, set(read), reading, tuning
        self.seen = set(self.costs)

    def has_features(self, backbone, size):
        return (backbone, size) in self.read

    def reading_seconds(self, backbone, size):
        return 0.0 if self.has_features(backbone, size) else self.reading

    def probe_cost(self, head, *, network=False):
        return self.costs.get(head, 0.1)

    def has_seen(self, head):
        return head in self.seen

    def fine_tune_seconds(self, candidate, measured=()):
        area = candidate.size[0] * candidate.size[1] / 1000
        return Estimate(self.tuning, self.tuning, self.epoch * area * candidate.training.trainable_stages)

    def step_depths(self, candidate):
        return (1, 3, 5)


def space(*heads, tunable=("logistic",), sizes=(SMALL, LARGE), names=("net",)):
    chosen = {h.name: h for h in heads} or {"logistic": Head("logistic", lambda *a: None)}
    backbones = {name: Backbone(name, lambda *a: None, lambda d: None, sizes, embedded=True) for name in names}
    return Space(backbones, chosen, tunable)


def plan(bench=None, *, left=math.inf, budget=None, trials=None, within=None):
    bench = bench or Bench()
    tunable = () if bench.run.config.strategy == PROBE else ("logistic",)
    return Planner(bench, within or space(tunable=tunable), Limits(lambda: left, budget, trials))


def probe(number, value=0.8, head="logistic", state="complete", **more):
    score = ScoreInterval(value) if state == "complete" else ScoreInterval()
    return TrialRecord(number, state, PROBE, **{**READING, **more}, head=head, score=score)


def tuned(number, value, depth, state="complete", *, augment=False, **more):
    training = {"trainable_stages": depth, "augment": augment} if state != "failed" else {}
    fields = {**READING, "head": "logistic", **more}
    return TrialRecord(
        number, state, FINE_TUNE, **fields, score=ScoreInterval(math.nan if value is None else value), training=training
    )


def board(*trials, larger=True):
    return rank(trials, objective="accuracy", larger_is_better=larger, default=1)


def ranked(*losses):
    """A rank for each (size, stage, log loss)."""
    ranks = [ReadingScore(Reading("net", size, stage, "avg+max"), loss) for size, stage, loss in losses]
    return sorted(ranks, key=lambda rank: rank.log_loss)
