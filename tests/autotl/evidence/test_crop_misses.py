"""A crop that fails more often on one class is named, and chance is not."""

from __future__ import annotations

import numpy as np

from autotl.evidence.crop_misses import compare_misses, describe_misses, misses_table

RNG = np.random.default_rng(0)
KINDS = np.repeat(["bare", "masked", "hidden"], 60)


def groups(column: str = "class") -> list[tuple[str, str, np.ndarray]]:
    return [(column, value, np.equal(KINDS, value)) for value in ("bare", "masked", "hidden")]


def test_a_class_that_is_missed_more_often_is_named_and_no_other() -> None:
    missed = RNG.random(len(KINDS)) < np.where(KINDS == "masked", 0.4, 0.03)
    found = compare_misses(missed, groups(), None)
    assert [one.value for one in found if one.is_more_often] == ["masked"]
    masked = found[0]
    assert masked.n_images == 60
    assert masked.n_missed == missed[KINDS == "masked"].sum()
    assert masked.rate.low > masked.others.value
    said = describe_misses("faces", found)
    assert said[0].startswith(
        f"The crop faces fails on {masked.rate.percent()} of the 60 images whose class is masked, and on "
    )
    assert "tells something of its class" in said[1]


def test_of_a_group_that_is_no_class_it_is_not_said_that_the_model_may_use_it() -> None:
    missed = KINDS == "masked"
    said = describe_misses("faces", compare_misses(missed, groups("skin"), None))
    assert len(said) == 1
    assert "whose skin is masked" in said[0]


def test_chance_names_a_class_in_few_of_many_draws() -> None:
    named = 0
    for seed in range(100):
        missed = np.random.default_rng(seed).random(len(KINDS)) < 0.2
        named += any(one.is_more_often for one in compare_misses(missed, groups(), None))
    assert named <= 10  # at most 5 of 100 are expected


def test_copies_of_one_image_count_once() -> None:
    missed = np.zeros(len(KINDS), bool)
    missed[60:80] = True
    clusters = np.arange(len(KINDS))
    clusters[60:80] = 60
    assert compare_misses(missed, groups(), None)[0].is_more_often
    assert not any(one.is_more_often for one in compare_misses(missed, groups(), clusters))


def test_where_nothing_is_missed_nothing_is_said() -> None:
    found = compare_misses(np.zeros(len(KINDS), bool), groups(), None)
    assert describe_misses("faces", found) == ()
    assert compare_misses(np.zeros(3, bool), [], None) == ()


def test_the_table_has_a_row_for_each_group_the_least_probable_first() -> None:
    table = misses_table(compare_misses(KINDS == "hidden", groups(), None))
    assert table.rows[0][:4] == ("class", "hidden", 60, 60)
    assert [row[-1] for row in table.rows] == ["< 0.0001", "1.0000", "1.0000"]
