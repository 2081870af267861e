from __future__ import annotations

import pytest

from autotl.evidence.motion_words import MotionGains, describe_motion, motion_table
from autotl.interfaces import ScoreInterval

FRAMES, MAJORITY = ScoreInterval(0.52, 0.42, 0.62), ScoreInterval(0.5, 0.4, 0.6)


def gains(*, chance: ScoreInterval, motion: ScoreInterval, vote: ScoreInterval, reads_motion: bool = False):
    scores = {"frames": FRAMES, "majority": MAJORITY, "motion": ScoreInterval(0.9, 0.8, 1.0), "vote": FRAMES}
    found = {"majority": chance, "motion": motion, "vote": vote}
    return MotionGains("accuracy", reads_motion, 8, scores, found)


NOTHING = ScoreInterval(-0.02, -0.1, 0.06)
MORE, LESS = ScoreInterval(0.3, 0.2, 0.4), ScoreInterval(-0.3, -0.4, -0.2)


def test_frames_no_better_than_the_majority_class_say_that_the_classes_may_differ_in_motion_only() -> None:
    said = describe_motion(gains(chance=NOTHING, motion=MORE, vote=NOTHING, reads_motion=True), larger_is_better=True)
    assert said[0].startswith(
        "The frames without their order are no better than the most frequent class (accuracy 0.520"
    )
    assert said[0].endswith("the classes may differ in motion only, and how the frames change does tell them apart.")
    assert (
        said[1] == "Of each clip 8 frames are read; the champion also reads how the frames change, and so their order."
    )


def test_where_motion_does_not_help_either_it_is_not_promised() -> None:
    said = describe_motion(gains(chance=NOTHING, motion=NOTHING, vote=NOTHING), larger_is_better=True)
    assert said[0].endswith("does not tell them apart either, as far as it is read.")


def test_frames_that_tell_the_classes_apart_are_not_doubted() -> None:
    said = describe_motion(gains(chance=LESS, motion=NOTHING, vote=LESS), larger_is_better=True)
    assert said[0] == (
        "Of each clip 8 frames are read; the champion does not read the order of the frames: a clip played backwards "
        "gets the same answer."
    )
    assert not any("motion only" in text for text in said)
    assert said[2].startswith("A vote over the frames is worse than their pooled features")


def test_a_vote_that_is_better_is_named_though_it_is_not_deployed() -> None:
    said = describe_motion(gains(chance=LESS, motion=NOTHING, vote=MORE), larger_is_better=True)
    assert said[-1].startswith("A vote over the frames, which is not deployed, is better")


@pytest.mark.parametrize("larger_is_better", [True, False])
def test_the_direction_of_the_score_counts(larger_is_better: bool) -> None:
    said = describe_motion(gains(chance=LESS, motion=NOTHING, vote=NOTHING), larger_is_better=larger_is_better)
    assert any("motion only" in text for text in said) is not larger_is_better


def test_the_table_has_a_row_for_all_that_was_read() -> None:
    rows = motion_table(gains(chance=NOTHING, motion=MORE, vote=NOTHING)).rows
    assert [row[0] for row in rows] == [
        "frames, whatever their order", "frames and how they change", "vote over the frames", "majority class"
    ]  # fmt: skip
    assert rows[0][1:] == (0.52, 0.42, 0.62, None, None, None)
