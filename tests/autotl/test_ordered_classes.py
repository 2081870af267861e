"""The order of classes is told by numbers and known scales, and never guessed."""

import pytest

from autotl.ordered_classes import GIVEN, SCALES, Order, find_order


@pytest.mark.parametrize(
    ("names", "expected", "how"),
    [
        (["10", "9", "-1", "2.5"], ("-1", "2.5", "9", "10"), "their numbers"),
        (["grade 10", "grade 2"], ("grade 2", "grade 10"), "the number in each name"),
        (["T2 (late)", "T1 (late)"], ("T1 (late)", "T2 (late)"), "the number in each name"),
        (["2 rough", "1 calm", "10 storm"], ("1 calm", "2 rough", "10 storm"), "the number at the start of each name"),
        (["High", "low", "Medium"], ("low", "Medium", "High"), "a known scale"),
        (["XL", "S", "M"], ("S", "M", "XL"), "a known scale"),
        (["very_good", "poor", "fair"], ("poor", "fair", "very_good"), "a known scale"),
        (["III", "I", "II"], ("I", "II", "III"), "a known scale"),
        (["gut", "schlecht", "mittel"], ("schlecht", "mittel", "gut"), "a known scale"),
    ],
)
def test_numbers_and_scales_tell_the_order(names, expected, how):
    order = find_order(names)
    assert (order.names, order.how) == (expected, how)


@pytest.mark.parametrize(
    "names",
    [
        ["cat", "dog"],
        ["low", "tall"],
        ["1 low", "1 high"],
        ["a1b2", "a2b1"],
        ["Low", "low", "high"],
        ["low"],
        [],
    ],
)
def test_otherwise_there_is_none(names):
    assert find_order(names) is None


def test_no_scale_has_a_word_twice():
    assert all(len(set(scale)) == len(scale) for scale in SCALES)


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale[0])
def test_every_scale_is_found_in_its_own_order(scale):
    assert find_order(reversed(scale)).names == scale


def test_two_words_that_several_scales_have_are_in_one_order_in_all_of_them():
    for scale in SCALES:
        for place, low in enumerate(scale):
            for high in scale[place + 1 :]:
                others = [other for other in SCALES if low in other and high in other]
                assert all(other.index(low) < other.index(high) for other in others), (low, high)


def test_a_given_order_decides_without_the_classes_that_are_not_there_and_with_others_last():
    assert find_order(["2", "1", "3"], ("3", "7", "1", "2")) == Order(("3", "1", "2"), GIVEN)
    assert find_order(["b", "a", "x"], ("x", "b")) == Order(("x", "b", "a"), GIVEN)
