"""The verdict follows from what was measured, says for what it holds, and what would change it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotl.evidence.feasibility import ConfusedPair, Grounds, judge_feasibility
from autotl.interfaces import Finding, ScoreInterval
from autotl.runs.audit import FAIL, UNDECIDED, Gate
from autotl.runs.feasibility import NOT_YET, USABLE, WITH_PEOPLE, Feasibility
from autotl.runs.learning_curves import ClassWorth, MoreImages
from autotl.runs.shortcuts import Following, Shortcut, ShortcutsFound
from autotl.scores import UNDEFINED

GOOD = Grounds(
    ScoreInterval(0.9, 0.85, 0.94), ScoreInterval(0.88, 0.83, 0.92), 3, "cat", 0.4, "dog", ScoreInterval(0.8, 0.6, 0.9),
)  # fmt: skip
FAIR = replace(GOOD, accuracy=ScoreInterval(0.78, 0.7, 0.84))


def shortcuts(*, follows, may_be_content=False):
    following = Following(30, 70, 0.5, 0.05, ScoreInterval(0.4, 0.2, 0.6), UNDEFINED, 0.001, follows)
    one = Shortcut(
        "file format", ScoreInterval(0.9, 0.8, 1.0), 0.001, is_named=True, may_be_content=may_be_content,
        following=following,
    )  # fmt: skip
    return ShortcutsFound(0.5, 100, (one,))


def test_a_model_that_is_right_often_enough_is_usable_and_it_says_for_what():
    found = judge_feasibility(GOOD)
    assert found.verdict == USABLE
    assert found.sentence == (
        "Usable: it is right on 90 % (85 to 94) of the test images, and on 80 % (60 to 90) of its weakest class, dog. "
        "Only you can say whether such errors are acceptable."
    )
    assert Feasibility.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("grounds", "verdict"),
    [
        (FAIR, NOT_YET),
        (replace(FAIR, surest=ScoreInterval(0.95, 0.88, 0.98)), WITH_PEOPLE),
        (replace(FAIR, surest=ScoreInterval(0.85, 0.75, 0.9)), NOT_YET),
        (replace(FAIR, answered=ScoreInterval(0.6, 0.5, 0.7), wrong=ScoreInterval(0.03, 0.01, 0.08)), WITH_PEOPLE),
        (replace(FAIR, answered=ScoreInterval(0.3, 0.2, 0.4)), NOT_YET),
        (replace(FAIR, answered=ScoreInterval(0.6, 0.5, 0.7), wrong=ScoreInterval(0.2, 0.1, 0.3), most_wrong=0.05),
         NOT_YET),
        (replace(FAIR, answered=ScoreInterval(0.6, 0.5, 0.7), wrong=ScoreInterval(0.1, 0.04, 0.2), most_wrong=0.05),
         WITH_PEOPLE),
        (replace(GOOD, recall=ScoreInterval(0.3, 0.1, 0.6)), NOT_YET),
        (replace(GOOD, recall=ScoreInterval(0.3, 0.1, 0.6), answered=ScoreInterval(0.9, 0.8, 1.0)), WITH_PEOPLE),
        (replace(GOOD, majority=0.9, balanced=ScoreInterval(0.36, 0.33, 0.4)), NOT_YET),
        (replace(GOOD, majority=0.9), USABLE),
        (replace(GOOD, gate=Gate(FAIL, 0.1)), NOT_YET),
        (replace(GOOD, gate=Gate(UNDECIDED, 0.1)), USABLE),
        (replace(GOOD, shortcuts=shortcuts(follows=True)), NOT_YET),
        (replace(GOOD, shortcuts=shortcuts(follows=False)), USABLE),
        (replace(GOOD, shortcuts=shortcuts(follows=True, may_be_content=True)), USABLE),
    ],
)  # fmt: skip
def test_each_ground_decides_as_the_page_on_feasibility_says(grounds, verdict):
    assert judge_feasibility(grounds).verdict == verdict


def test_not_yet_says_what_is_lacking():
    assert "Not met: right often enough to be used alone" in judge_feasibility(FAIR).sentence


def test_a_shortcut_that_is_followed_is_the_first_thing_to_change():
    [first, *_] = judge_feasibility(replace(GOOD, shortcuts=shortcuts(follows=True))).changes
    assert "differ in the file format" in first


def test_classes_pairs_and_gates_are_named_in_what_would_change_it():
    classes = (
        ClassWorth("town", 40, ScoreInterval(0.6, 0.5, 0.7), ScoreInterval(0.021, 0.004, 0.04)),
        ClassWorth("food", 90, ScoreInterval(0.9, 0.8, 0.95), ScoreInterval(0.001, -0.01, 0.02)),
    )
    pair = ConfusedPair("town", "food", 12, 30, ScoreInterval(0.95, 0.9, 0.98))
    more = MoreImages(classes=classes, twice=ScoreInterval(0.03, 0.01, 0.05))
    found = judge_feasibility(replace(FAIR, more_images=more, pair=pair, gate=Gate(UNDECIDED, 0.1))).changes
    assert found[1] == "Collect 30 more images of town: worth 2.1 points (0.4 to 4.0) of its recall."
    assert "12 of 30 mistakes are between them; as one class, 95 % (90 to 98) would be right" in found[2]
    assert not any("food:" in one for one in found)
    assert found[0].startswith("Label more images of the groups. Whether the gaps between groups are within")


def test_warnings_of_the_checks_speak_and_a_far_domain_asks_for_fine_tuning():
    findings = (
        Finding("domain-distance", "warning", "these images are very unlike photographs"),
        Finding("sizes", "info", "nothing grave"),
        Finding("confounding", "warning", "said better by the shortcuts"),
    )
    found = judge_feasibility(replace(FAIR, findings=findings, shortcuts=ShortcutsFound(0.5, 10)))
    assert found.cautions == ("domain distance: these images are very unlike photographs",)
    assert any("fine-tune" in one for one in found.changes)
