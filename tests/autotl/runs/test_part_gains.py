"""What each part of composed items brings is kept in run.json."""

from autotl.runs.part_gains import PartGains, PartScore
from autotl.scores import ScoreInterval

SCORE = ScoreInterval(0.7, 0.6, 0.8)
FOUND = PartGains(
    "accuracy",
    (PartScore("pair", 1, SCORE, 4, SCORE), PartScore("image", 2, SCORE, 2, SCORE, ScoreInterval(0.1, 0.02, 0.2))),
)


def test_it_is_read_as_it_was_written():
    assert PartGains.from_json(FOUND.to_json()) == FOUND
