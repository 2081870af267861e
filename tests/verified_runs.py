"""Finished run folders of made predictions, with all that verify.py reads, and without a search."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autotl.data.split import Split
from autotl.evidence.abstention import accepting, conformal_sets
from autotl.evidence.abstention.doubts_words import figures, tables
from autotl.evidence.abstention.judgement import judge_accept_rule, judge_curve, judge_sets
from autotl.evidence.audit.audit import Audit, audit, unseen_answers
from autotl.evidence.audit.tables import parts
from autotl.evidence.champion_choice import Choice
from autotl.evidence.evaluations import evaluate
from autotl.evidence.evaluators import evaluators_of
from autotl.evidence.leaderboard import Leaderboard, rank
from autotl.evidence.panels import ShownPanel, show_panels
from autotl.evidence.recomputable import write_choice
from autotl.evidence.run_evidence import write_evidence
from autotl.predictions import Predictions
from autotl.runs.config import Config
from autotl.runs.doubts import AcceptSummary, DoubtsSummary
from autotl.runs.result import RunResult
from autotl.runs.run import Run, cluster_of, create
from autotl.runs.summaries import ChampionSummary
from autotl.search.context import SearchContext, open_context
from autotl.search.trial_files import save_predictions
from autotl.training.cross_validation import majority
from autotl.trial import Reading, TrialRecord
from autotl.workflows.choice import choose_champion, judge_fine_tune_trials
from autotl.workflows.judgement import judge
from autotl.workflows.target_facts import target_facts

READING = Reading("tiny", (32, 32), "top", "avg")
DEFAULT = 1


def write_verified_run(
    folder: Path, toy_dataset: Callable[..., Any], plugins: Any, settings: Any, *, n: int = 300, n_classes: int = 3,
    n_probes: int = 4, per_group: int = 1, objective: str = "balanced_accuracy", seed: int = 0,
    test_share: float = 0.25, attributes: bool = False,
    n_rare: int = 0, max_gap: float = 0.1,
) -> Run:  # fmt: skip
    """Write a run about n made images; per_group of them are alike. Two trials are fine-tuned networks.

    n_rare: number of images of a further age group.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    columns = {
        "attribute.age": rng.choice(["young", "old", "unknown"], n, p=[0.6, 0.3, 0.1]).tolist(),
        "attribute.where = (a/b)": rng.choice(["here", "there, far"], n, p=[0.9, 0.1]).tolist(),
        "attribute.name": [f"item {i}" for i in range(n)],
    }
    columns["attribute.age"][:n_rare] = ["rare"] * n_rare
    dataset = toy_dataset([f"class {k:02d}" for k in labels], **(columns if attributes else {}))
    cluster = np.arange(n) // per_group
    fold = np.where(cluster < test_share * cluster.max(), -1, cluster % 5)
    config = Config(
        data=folder.parent, run=folder, budget_seconds=None, trials=9, objective=objective, seed=seed, max_gap=max_gap
    )  # fmt: skip
    run = create(config, dataset, Split(fold=fold, cluster=cluster))
    context = open_context(run, plugins, settings=settings, seconds_left=lambda: float("inf"))
    noise = _Noise(rng, cluster, n_classes)
    harder = 2.0 * (np.array(columns["attribute.age"]) == "old") if attributes else np.zeros(n)

    def predict(items: np.ndarray, skill: float) -> Predictions:
        return Predictions(
            items, dataset.labels[items], noise.answers(dataset.labels[items], items, skill - harder[items])
        )

    trials = [TrialRecord(0, "complete", "majority", score=_majority_score(context))]
    for number in range(DEFAULT, DEFAULT + n_probes):
        trials.append(made_trial(context, number, "probe", predict(run.split.development, 1.3 + 0.1 * number), trials))
    for number, items in ((200, run.split.validation), (201, run.split.development)):
        trials.append(made_trial(context, number, "fine-tune", predict(items, 2.5), trials))
    trials.append(TrialRecord(300, "failed", "probe", READING, "svm", reason="no"))
    board = rank(trials, objective=objective, larger_is_better=context.objective.larger_is_better, default=DEFAULT)
    tested = {number: predict(run.split.test, skill) for number, skill in ((DEFAULT, 1.4), (99, 2.5))}
    conclude(context, board, tested, _of_classes)
    return run


class _Noise:
    """What models have in common on an item, and on items that are alike."""

    def __init__(self, rng: np.random.Generator, cluster: np.ndarray, n_classes: int) -> None:
        self._rng, self._shared = rng, rng.normal(size=(cluster.max() + 1, n_classes))[cluster]

    def answers(self, labels: np.ndarray, items: np.ndarray, skill: np.ndarray) -> np.ndarray:
        logits = 0.7 * self._shared[items] + 0.7 * self._rng.normal(size=self._shared[items].shape)
        logits[np.arange(len(items)), labels] += skill
        powers = np.exp(1.5 * logits)
        return np.asarray((powers / powers.sum(axis=1, keepdims=True)).astype(np.float32))


def _majority_score(context: SearchContext) -> Any:
    return context.objective.score(majority(context.labels, context.run.split, context.n_classes))


def made_trial(
    context: SearchContext, number: int, strategy: Any, found: Predictions, before: list[TrialRecord]
) -> TrialRecord:
    """A trial with these predictions, which are written."""
    save_predictions(context.run, number, found)
    score = context.objective.score(found)
    if len(found.items) < len(context.run.split.development):
        path = context.run.trial_folder(DEFAULT) / "predictions.npz"
        score = context.objective.score_tuned(found, Predictions.load(path))
    head = "logistic" if number == DEFAULT else "svm"
    return TrialRecord(number, "complete", strategy, READING, head, score=score)


Examine = Callable[[SearchContext, Predictions, Predictions, RunResult], tuple[RunResult, tuple[ShownPanel, ...]]]
"""What is said of a champion: (context, its answers in the search, in the test, result) -> the result and panels."""


def conclude(
    context: SearchContext, board: Leaderboard, tests: dict[int, Predictions], examine: Examine
) -> None:  # fmt: skip
    """As workflows.conclusion does, without a model."""
    run, evaluators = context.run, evaluators_of(context.plugins, context.run.dataset.kind)
    choice = choose_champion(context, board)
    fine_tuning = judge_fine_tune_trials(context, board, choice, "")
    trial = next(t for t in board.completed if t.number == choice.order[0])
    tested_default = tests[DEFAULT]
    tested = tested_default if trial.number == DEFAULT else tests[99]
    searched = Predictions.load(run.trial_folder(trial.number) / "predictions.npz")
    measured, test, test_default = (
        evaluate(
            p, evaluators, run.dataset.classes, groups=cluster_of(run, p.items), seed=run.config.seed
        ) for p in (searched, tested, tested_default)
    )  # fmt: skip
    judged = judge(
        context, board, choice, trial, measured=measured, fine_tuning=replace(fine_tuning, trial=-2), tested=tested,
        tested_default=tested_default, passed_over=(), refit=None,
    )  # fmt: skip
    result = RunResult(
        run=str(run.folder), status="complete", objective=board.objective,
        champion=ChampionSummary.from_json(trial.to_json() | {"trial": trial.number}), search=judged.search.scores,
        measured_on="cross-validation", test=test.scores, default_trial=DEFAULT, default_test=test_default.scores,
        fine_tuning=fine_tuning, over_default=judged.over_default, advice=judged.advice, ended="all is done",
        expected_gain=None, n_trials=sum(run.config.counts(t.strategy, t.head) for t in board.trials),
        n_items={part: len(getattr(run.split, part)) for part in ("train", "validation", "test")}, n_unused=0,
        fingerprint=run.fingerprint, passed_over=(), deployable="", leaderboard="", report="",
    )  # fmt: skip
    board.write(run.folder / "leaderboard.csv")
    write_choice(run, choice, tested_default)
    result, panels = examine(context, searched, tested, result)
    evaluations = (judged.search, test, test_default)
    write_evidence(run, evaluations=evaluations, searched=searched, tested=tested, panels=panels)
    run.update(status="complete", result=result.to_json())
    _write_model(run, result)
    _write_report(run, choice, result)


def _of_classes(
    context: SearchContext, searched: Predictions, tested: Predictions, result: RunResult
) -> tuple[RunResult, tuple[ShownPanel, ...]]:  # fmt: skip
    doubts, audited = _doubts(context, searched, tested), _audited(context.run, searched, tested)
    shown = show_panels(context.run, tested, context.plugins)
    panels = (
        ShownPanel("doubts", "autotl", (*figures(doubts, tested), *tables(doubts))),
        ShownPanel("subgroups", "autotl", parts(audited) if audited else ()),
        *(one for one in shown if one.panel in ("calibration", "certainty")),
    )
    return replace(result, doubts=doubts, audit=audited and audited.summary), panels


def _audited(run: Run, searched: Predictions, tested: Predictions) -> Audit | None:
    answers, items = unseen_answers(searched, tested), run.dataset.items
    names = [name for name in items.columns if name.startswith("attribute.")]
    attributes = {name.removeprefix("attribute."): items[name].to_numpy(str)[answers.items] for name in names}
    if not attributes:
        return None
    sizes = {"search": len(answers.items) - len(tested.items), "test": len(tested.items)}
    return audit(
        answers, attributes, run.dataset.classes, clusters=cluster_of(run, answers.items), n_items=sizes,
        max_gap=run.config.max_gap,
    )  # fmt: skip


def _doubts(context: SearchContext, searched: Predictions, tested: Predictions) -> DoubtsSummary:
    run, classes = context.run, context.run.dataset.classes
    clusters, groups = (cluster_of(run, p.items) for p in (searched, tested))
    sets = conformal_sets.calibrate_sets(searched.labels, searched.probabilities, clusters=clusters, seed=context.seed)
    right = searched.probabilities.argmax(axis=1) == searched.labels
    rule = accepting.find_accept_rule(searched.probabilities.max(axis=1), right, clusters=clusters)
    offered = rule and AcceptSummary(rule.threshold, rule.max_wrong, rule.certainty, rule.share, rule.n)
    area, random_area = judge_curve(tested, groups, seed=context.seed)
    return DoubtsSummary(
        sets=sets and judge_sets(sets, tested, classes, groups),
        accept=offered and judge_accept_rule(offered, tested, groups), aurc=area, random_aurc=random_area,
    )  # fmt: skip


def _write_model(run: Run, result: RunResult) -> None:
    run.champion.mkdir()
    (run.champion / "model.onnx").write_bytes(b"a model")
    document = result.to_json()
    facts = {name: document[name] for name in ("search", "test", "verdict", "n_items")}
    own = {"fingerprint": run.fingerprint, "test_fingerprint": run.test_fingerprint, "classes": run.dataset.classes}
    facts |= target_facts(run, result.champion.trial)
    (run.champion / "metadata.json").write_text(json.dumps(facts | own), encoding="utf-8")


def _write_report(run: Run, choice: Choice, result: RunResult) -> None:
    score = result.test[result.objective]
    page = (
        f'<p>It scores <b data-json="/test/{result.objective}/value">{score.value:.3f}</b>, from '
        f'<span data-json="/test/{result.objective}/low" data-percent>{100 * score.low:.1f}</span> % on.'
        f'<table><tr><td data-json="evidence/evaluations.json#/test/n_items">{result.n_items["test"]}</table>'
        f"<p>{len(choice.numbers)} trials.<p>{html.escape(result.advice)}."
        + "".join(f"<p>{html.escape(sentence)}." for sentence in result.in_short)
    )
    (run.folder / "report.html").write_text(page, encoding="utf-8")
