"""What each part brings is said by its interval: that it adds something, that it harms, or that neither is shown."""

import pytest

from autotl.evidence.part_words import describe, table
from autotl.runs.part_gains import PartGains, PartScore
from autotl.scores import ScoreInterval


def gains(low, high, objective="accuracy"):
    score = ScoreInterval(0.7, 0.6, 0.8)
    gain = ScoreInterval((low + high) / 2, low, high)
    return PartGains(
        objective,
        (PartScore("pair", 1, score, 4, score), PartScore("image", 2, score, 3, score, gain),
         PartScore("text", 5, score, 5, score, gain)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "larger_is_better", "said"),
    [
        ((0.02, 0.2), True, "the text adds to the image: +11.0 points"),
        ((0.02, 0.2), False, "the text makes it worse than the image alone: +0.110"),
        ((-0.2, -0.02), True, "the text makes it worse than the image alone: -11.0 points"),
        ((-0.2, -0.02), False, "the text adds to the image: -0.110"),
        ((-0.1, 0.1), True, "that the text adds anything to the image is not shown: +0.0 points"),
    ],
)
def test_a_gain_is_claimed_only_if_its_interval_excludes_zero(ends, larger_is_better, said):
    first, of_image, of_text = describe(gains(*ends), larger_is_better=larger_is_better)
    assert first.startswith("image and text together reach accuracy 0.700 (0.600 to 0.800), the image alone 0.700")
    assert of_image.startswith(said)
    assert of_text.startswith(
        said.replace("the text", "the IMAGE").replace("the image", "the text").replace("IMAGE", "image")
    )


def test_the_table_has_the_whole_first_and_no_gain_over_itself():
    rows = table(gains(0.02, 0.2)).rows
    assert [row[0] for row in rows] == ["image and text", "image alone", "text alone"]
    assert rows[0][-3:] == (None, None, None)
    assert rows[1][-2:] == (0.02, 0.2)
