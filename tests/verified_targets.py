"""Finished run folders of several labels an item, and of numbers, from made predictions and without a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from verified_runs import DEFAULT, conclude, made_trial

from autotl.data.split import Split
from autotl.evidence.leaderboard import rank
from autotl.evidence.panels import ShownPanel
from autotl.evidence.said import in_short, panels_of
from autotl.predictions import Predictions
from autotl.runs.config import Config
from autotl.runs.result import RunResult
from autotl.runs.run import Run, create
from autotl.search.context import SearchContext, open_context
from autotl.targets import DEFAULT_OBJECTIVES, LABELS, Kind, label_text
from autotl.training.cross_validation import majority
from autotl.trial import TrialRecord
from autotl.workflows.auditing import subgroups
from autotl.workflows.subject import Subject
from autotl.workflows.target_evidence import labels_found, numbers_found

NAMES = ("beach", "hot dog", "night", "snow")


def write_verified_target(
    folder: Path, toy_dataset: Callable[..., Any], plugins: Any, settings: Any, *, kind: Kind = LABELS, n: int = 240,
    per_group: int = 1, objective: str = "", seed: int = 0, unknown: float = 0.0, skill: float = 1.5,
    shares: tuple[float, ...] = (0.5, 0.4, 0.2, 0.04), attributes: bool = False,
) -> Run:  # fmt: skip
    """Write a run about n made items; per_group of them are alike.

    shares: how often each label applies; unknown: the share of labels that are unknown. skill: how much more than
    noise the models know. attributes: whether items have an age, by which the run is audited.
    """
    rng, cluster = np.random.default_rng(seed), np.arange(n) // per_group
    texts = _label_texts(rng, n, shares, unknown) if kind == LABELS else [f"{x:.3f}" for x in rng.gamma(3, 20, n)]
    ages = {"attribute.age": rng.choice(["young", "old"], n, p=[0.7, 0.3]).tolist()} if attributes else {}
    dataset = replace(toy_dataset(texts, **ages), kind=kind)
    fold = np.where(cluster < 0.3 * cluster.max(), -1, cluster % 5)
    config = Config(
        data=folder.parent, run=folder, budget_seconds=None, trials=4, seed=seed, target=kind,
        objective=objective or DEFAULT_OBJECTIVES[kind],
    )  # fmt: skip
    run = create(config, dataset, Split(fold=fold, cluster=cluster))
    context = open_context(run, plugins, settings=settings, seconds_left=lambda: float("inf"))
    shared = rng.normal(size=(cluster.max() + 1, max(len(dataset.classes), 1)))[cluster]

    def predict(items: np.ndarray, more: float) -> Predictions:
        noise = 0.7 * shared[items] + 0.7 * rng.normal(size=shared[items].shape)
        if kind == LABELS:
            margins = 2 * (skill + more) * ((dataset.labels[items] > 0) - 0.5) + 1.5 * noise
            return Predictions(items, dataset.labels[items], 1 / (1 + np.exp(-margins)))
        return Predictions(items, dataset.labels[items], dataset.labels[items, None] + 30 * noise / (skill + more))

    baseline = majority(context.labels, run.split, context.n_classes)
    trials = [TrialRecord(0, "complete", "majority", score=context.objective.score(baseline))]
    for number in range(DEFAULT, DEFAULT + 3):
        trials.append(made_trial(context, number, "probe", predict(run.split.development, 0.3 * number), trials))
    board = rank(
        trials, objective=config.objective, larger_is_better=context.objective.larger_is_better, default=DEFAULT,
        kind=kind,
    )  # fmt: skip
    conclude(context, board, {DEFAULT: predict(run.split.test, 0.3), 99: predict(run.split.test, 0.9)}, _examine)
    return run


def _label_texts(rng: np.random.Generator, n: int, shares: tuple[float, ...], unknown: float) -> list[str]:
    texts = []
    for _ in range(n):
        there, hidden = rng.random(len(shares)) < shares, rng.random(len(shares)) < unknown
        of = list(zip(NAMES, there, hidden, strict=True))
        texts.append(label_text([a for a, b, c in of if b and not c], [a for a, _, c in of if c]))
    return texts


def _examine(
    context: SearchContext, searched: Predictions, tested: Predictions, result: RunResult
) -> tuple[RunResult, tuple[ShownPanel, ...]]:
    found = labels_found if context.target.kind == LABELS else numbers_found
    champion: Any = None
    subject = Subject(context, champion, searched, tested, result)
    said = (found(subject), subgroups(subject))
    return replace(result, in_short=in_short(said), audit=said[1].fields.get("audit")), panels_of(said)
