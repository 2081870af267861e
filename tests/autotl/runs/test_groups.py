"""Groups as a run records them and as they are told."""

from __future__ import annotations

import json
from dataclasses import replace

from autotl.runs.groups import GroupScores, GroupsFound
from autotl.scores import ScoreInterval

SCORES = GroupScores(
    "first-word", "the first word of the file's name", "unit", ("knight: knight-attack-1.png, knight-idle.png",), 117,
    unseen={"balanced_accuracy": ScoreInterval(0.91, 0.88, 0.93), "accuracy": ScoreInterval(0.92, 0.9, 0.94)},
    mixed={"balanced_accuracy": ScoreInterval(0.94, 0.92, 0.96), "accuracy": ScoreInterval(0.95, 0.94, 0.97)},
    loss=ScoreInterval(0.03, 0.01, 0.05), matters=True, unanswerable=("dragon",),
)  # fmt: skip


def test_what_matters_is_told_with_both_scores_examples_and_the_option_that_changes_it():
    found = GroupsFound(used="first-word", candidates=(SCORES,))
    question, done, no_answer = found.sentences
    assert "94.0 % on new images of known units; 91.0 % (88.0 to 93.0) on units never seen" in question
    assert "knight-attack-1.png" in question
    assert "--groups none" in done
    assert "dragon" in no_answer


def test_where_groups_are_mixed_the_option_that_keeps_them_together_is_named():
    assert "--groups first-word" in GroupsFound(asked=True, candidates=(SCORES,)).sentences[1]


def test_nothing_is_told_of_groups_that_do_not_matter():
    found = GroupsFound(candidates=(replace(SCORES, matters=False),))
    assert found.told is None
    assert found.sentences == ()


def test_an_objective_that_is_no_share_is_told_by_the_accuracy():
    assert "accuracy is 95.0 %" in GroupsFound(candidates=(SCORES,), objective="log_loss").sentences[0]


def test_what_is_recorded_is_read_again():
    found = GroupsFound("first-word", asked=True, candidates=(SCORES,), note="measured on 10 of 20 images")
    assert GroupsFound.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found
    assert GroupsFound.from_json({}) == GroupsFound()
