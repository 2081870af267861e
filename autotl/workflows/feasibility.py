"""The verdict on a run's champion: usable, usable with people deciding the doubtful images, or not yet."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from autotl.evidence.feasibility import ANSWERED, ConfusedPair, Grounds, judge_feasibility
from autotl.evidence.intervals import accuracy_with_interval, score_interval
from autotl.evidence.learning_curves import balanced_error
from autotl.evidence.said import VERDICT, Said
from autotl.interfaces import UNDEFINED, Finding, ScoreInterval, Table
from autotl.predictions import Predictions
from autotl.runs.result import by_class
from autotl.runs.run import cluster_of
from autotl.workflows.subject import Subject


def verdict(subject: Subject) -> Said:
    """Judge the champion by its scores on the test split and by the findings of earlier pieces of evidence."""
    result, run = subject.result, subject.context.run
    found = judge_feasibility(_grounds(subject))
    rows = tuple(
        (one.name, one.found, one.needed, {True: "yes", False: "no", None: "not known"}[one.is_met])
        for one in found.criteria
    )  # fmt: skip
    criteria = Table(
        "Is it good enough?", ("criterion", "found", "needed", "met"), rows,
        f"Of {len(subject.tested.items):,} test images. The thresholds are where people commonly stop using a model "
        f"(docs/feasibility.md); set your own if errors cost more or less. Run: {run.name}, {result.objective}.",
    )  # fmt: skip
    lines = [("to improve it", text) for text in found.changes] + [("beware", text) for text in found.cautions]
    parts = (criteria, Table("What would change it?", ("", "what"), tuple(lines))) if lines else (criteria,)
    return Said(VERDICT, parts, (found.sentence, *found.changes, *found.cautions), {"feasibility": found})


def _grounds(subject: Subject) -> Grounds:
    """The findings of all available pieces of evidence."""
    context, result, tested = subject.context, subject.result, subject.tested
    run, classes = context.run, context.run.dataset.classes
    groups = cluster_of(run, tested.items)
    right = tested.probabilities.argmax(axis=1) == tested.labels
    common = int(np.bincount(context.labels[run.split.development]).argmax())
    weakest, recall = _weakest(by_class(result.test).get("recall", {}))
    accept = result.doubts.accept if result.doubts else None
    return Grounds(
        accuracy=result.test.get("accuracy") or accuracy_with_interval(right, groups),
        balanced=result.test.get("balanced_accuracy") or _balanced(tested, groups, context.seed),
        n_classes=len(classes),
        common=classes[common],
        majority=float((tested.labels == common).mean()),
        weakest=weakest,
        recall=recall,
        answered=accept.answered if accept else None,
        wrong=accept.wrong if accept else None,
        most_wrong=accept.max_wrong if accept else 1.0,
        surest=_surest(tested, right, groups),
        gate=result.audit.gate if result.audit else None,
        pair=_confused(tested, groups, classes),
        more_images=result.more_images,
        shortcuts=result.shortcuts,
        findings=tuple(Finding.from_json(finding) for finding in run.state().get("findings", [])),
    )


def _surest(tested: Predictions, right: np.ndarray, groups: np.ndarray | None) -> ScoreInterval:
    """The accuracy on the images with the highest confidence."""
    order = np.argsort(-tested.probabilities.max(axis=1), kind="stable")
    kept = order[: max(1, round(ANSWERED * len(order)))]
    return accuracy_with_interval(right[kept], None if groups is None else groups[kept])


def _balanced(tested: Predictions, groups: np.ndarray | None, seed: int) -> ScoreInterval:
    return score_interval(
        lambda labels, probabilities: 1 - balanced_error(labels, probabilities),
        tested.labels, tested.probabilities, groups=groups, seed=seed, bounds=(0, 1),
    )  # fmt: skip


def _weakest(recalls: dict[str, ScoreInterval]) -> tuple[str, ScoreInterval | None]:
    """The tested class with the lowest recall."""
    known = {name: recall for name, recall in recalls.items() if recall.is_defined}
    if not known:
        return "", None
    name = min(known, key=lambda each: known[each].value)
    return name, known[name]


def _confused(tested: Predictions, groups: np.ndarray | None, classes: tuple[str, ...]) -> ConfusedPair | None:
    """The two classes with the most mistakes between them; None if there are only two, or no mistakes."""
    k = len(classes)
    answers = tested.probabilities.argmax(axis=1)
    counts = np.bincount(tested.labels * k + answers, minlength=k * k).reshape(k, k)
    mistakes = int(counts.sum() - counts.trace())
    if k < 3 or not mistakes:
        return None
    first, second = max(combinations(range(k), 2), key=lambda pair: counts[pair] + counts[pair[::-1]])
    mixed = np.isin(answers, (first, second)) & np.isin(tested.labels, (first, second))
    merged = accuracy_with_interval(mixed | (answers == tested.labels), groups) if len(answers) else UNDEFINED
    between = int(counts[first, second] + counts[second, first])
    return ConfusedPair(classes[first], classes[second], between, mistakes, merged)
