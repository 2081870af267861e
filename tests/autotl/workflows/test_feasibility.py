"""On a small run: shortcuts, the learning curve and the verdict are measured from what the run holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autotl.evidence.said import VERDICT
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.learning_curve import answers_of_subset
from autotl.search.outcome import completed
from autotl.search.probe_trials import probe
from autotl.trial import describe
from autotl.workflows.feasibility import verdict
from autotl.workflows.learning_curves import learning_curve
from autotl.workflows.shortcuts import shortcuts
from autotl.workflows.subject import Subject


@dataclass(frozen=True)
class Result:
    """The fields of a result that these pieces read."""

    objective: str = "balanced_accuracy"
    test: dict[str, ScoreInterval] = field(default_factory=dict)
    doubts: Any = None
    audit: Any = None
    shortcuts: Any = None
    more_images: Any = None
    feasibility: Any = None


@pytest.fixture
def subject(context, candidate):
    """A logistic head as the champion, with its answers in the search; in the test it errs in every fifth image."""
    chosen = candidate("logistic")
    context.reader.features(chosen.backbone, chosen.reading.size)
    outcome = probe(context, chosen, fixed_hyperparameters({}))
    trial = completed(describe(chosen, 1, started=0.0), outcome, context.objective.score(outcome.predictions), {})
    items = context.run.split.test
    labels = context.labels[items]
    answers = np.where(np.arange(len(items)) % 5 == 0, (labels + 1) % 3, labels)
    tested = Predictions(items, labels, 0.1 + 0.7 * np.eye(3)[answers])
    champion: Any = SimpleNamespace(trial=trial)
    result: Any = Result()
    return Subject(context, champion, outcome.predictions, tested, result)


def with_fields(subject, said):
    return replace(subject, result=replace(subject.result, **said.fields))


def test_the_curve_rises_to_all_images_and_every_class_is_looked_at(subject):
    said = learning_curve(subject)
    found = said.fields["more_images"]
    assert not said.problem
    assert found.head == "the champion's head, logistic"
    assert [point.is_measured for point in found.points] == [True] * 4 + [False] * 3
    assert {one.label for one in found.classes} | set(found.left_out) == set(subject.context.run.dataset.classes)
    recalls = [one.recall.value for one in found.classes]
    assert recalls == sorted(recalls)
    assert said.sentences[0].startswith("Twice as many images")


def test_a_thinned_class_keeps_its_weight_and_only_its_items_are_answered(context, candidate, monkeypatch):
    seen = []

    def build(_context, _head, _hp, _n):
        def fit(vectors, labels):
            seen.append((np.bincount(labels).tolist(), len(np.unique(vectors[labels == 1], axis=0))))

        return SimpleNamespace(fit=fit, probabilities=lambda vectors: np.full((len(vectors), 3), 1 / 3))

    monkeypatch.setattr("autotl.search.learning_curve.build_classifier", build)
    chosen, split = candidate("logistic"), context.run.split
    found = answers_of_subset(context, chosen, {}, 0.5, label=1, n_folds=split.n_folds, most_columns=8)
    assert set(found.items) == set(split.development[context.labels[split.development] == 1])
    n_of_class = len(found.items)
    for counts, distinct in seen:
        assert distinct <= counts[1] / 2 + 1
    assert sum(counts[1] for counts, _ in seen) == n_of_class * (split.n_folds - 1)


def test_features_that_were_never_read_are_not_read_for_a_curve(subject):
    unread = replace(subject.context, reader=SimpleNamespace(has_features=lambda *_: False))
    said = learning_curve(replace(subject, context=unread))
    assert "have not been read" in said.problem
    assert said.fields["more_images"].why_not == said.problem


def test_shortcuts_of_a_run_are_looked_for_in_files_and_pixels(subject):
    said = shortcuts(subject)
    found = said.fields["shortcuts"]
    names = {one.name for one in found.shortcuts}
    assert {"brightness", "colour", "top left corner", "border", "centre"} <= names
    assert "file format" not in names  # all are PNG
    assert found.n_images == len(subject.context.run.dataset.items)
    # The shapes have a colour of their own each: a property that may be part of what is shown.
    colour = next(one for one in found.shortcuts if one.name == "colour")
    assert colour.is_named
    assert colour.may_be_content
    assert colour.following is not None


def test_the_verdict_reads_what_earlier_pieces_found(subject):
    for piece in (shortcuts, learning_curve):
        subject = with_fields(subject, piece(subject))
    said = verdict(subject)
    found = said.fields["feasibility"]
    assert said.piece == VERDICT
    assert said.sentences[0] == found.sentence
    assert [one.is_met for one in found.criteria if one.name == "the errors follow no shortcut"] == [True]
    assert any(text.startswith("shortcut: the colour") for text in found.cautions)


def test_the_verdict_needs_no_other_piece(subject):
    found = verdict(subject).fields["feasibility"]
    assert found.verdict in ("usable", "usable-with-people", "not-yet")
    assert "it is right on" in found.sentence
