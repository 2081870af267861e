"""Sentences about backbones claim no more than the sample shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotl.evidence.backbone_words import describe
from autotl.interfaces import ScoreInterval
from autotl.runs.backbones_tried import BackbonesTried, LeftOutBackbone, TriedBackbone

BEST = TriedBackbone("lite0", "320x320", "joined", "avg+max", 0.4, images_per_second=40.0, pass_seconds=75.0)
READ = replace(BEST, read_in_full=True, n_trials=9)
NEAR = TriedBackbone("lite2", "260x260", "top", "avg", 0.42, ScoreInterval(0.02, -0.01, 0.05), 1400, 5.0, 360.0)
FAR = TriedBackbone("lite1", "240x200", "top", "avg", 0.6, ScoreInterval(0.2, 0.1, 0.3), read_in_full=True)
FOUND = BackbonesTried(300, 2000, 2500, (READ, NEAR, FAR))


def test_the_first_sentence_says_which_was_best_which_may_be_as_good_and_what_would_show_it():
    assert describe(FOUND) == (
        "Of 3 backbones, lite0 at 320 pixels was best on a sample of 300 images, but lite2 at 260 pixels may be as "
        "good (log loss higher by 0.020, 95 % CI -0.010 to 0.050). Reading all images with lite2 at 260 pixels (about "
        "6m00s) would probably show which is better.",
    )


def test_sizes_are_counted_where_a_backbone_was_tried_at_several():
    [sentence] = describe(replace(FOUND, tried=(READ, replace(NEAR, backbone="lite0"), FAR)))
    assert sentence.startswith("Of 3 combinations of a backbone and a size, lite0 at 320 pixels was best on a sample")
    [sentence] = describe(replace(FOUND, tried=(READ, replace(NEAR, backbone="lite0"))))
    assert sentence.startswith("Of 2 sizes of lite0, 320 pixels was best on a sample of 300 images, but lite0 at 260 ")


def test_with_too_few_images_it_says_how_many_more_are_needed():
    [sentence] = describe(replace(FOUND, n_development=333))
    assert sentence.endswith(
        "). It would probably take about 1,100 more images for training and validation, and reading all images with "
        "lite2 at 260 pixels, to show which is better."
    )


def test_what_the_search_compared_costs_nothing_more():
    [sentence] = describe(replace(FOUND, tried=(READ, replace(NEAR, read_in_full=True, n_trials=3))))
    assert sentence.endswith("). The search compared both on all images.")


def test_features_without_a_trial_are_not_called_a_comparison():
    [sentence] = describe(replace(FOUND, tried=(READ, replace(NEAR, read_in_full=True))))
    assert sentence.endswith("95 % CI -0.010 to 0.050).")


def test_seconds_that_were_not_measured_are_not_stated():
    [sentence] = describe(replace(FOUND, tried=(BEST, replace(NEAR, pass_seconds=None))))
    assert sentence.endswith(". Reading all images with both would probably show which is better.")


def test_both_passes_count_where_neither_was_made():
    [sentence] = describe(replace(FOUND, tried=(BEST, NEAR)))
    assert "Reading all images with both (about 7m15s)" in sentence


def test_a_clear_winner_is_called_one():
    [sentence] = describe(replace(FOUND, tried=(READ, FAR)))
    assert sentence == (
        "Of 2 backbones, lite0 at 320 pixels was best on a sample of 300 images; the next best, lite1 at 240x200 "
        "pixels, is clearly worse (log loss higher by 0.200, 95 % CI 0.100 to 0.300)."
    )


def test_others_that_may_be_as_good_are_counted():
    [sentence] = describe(replace(FOUND, tried=(READ, NEAR, replace(NEAR, backbone="lite1"))))
    assert "but lite2 at 260 pixels and 1 other may be as good (the nearest: log loss higher by 0.020, " in sentence
    assert sentence.endswith(" would probably show which of these two is better.")


def test_the_same_answers_are_called_that():
    same = replace(NEAR, difference=ScoreInterval(0.0, 0.0, 0.0), images_needed=None)
    [sentence] = describe(replace(FOUND, tried=(READ, same)))
    assert sentence.endswith(" on a sample of 300 images; lite2 at 260 pixels gave the same answers.")


def test_a_difference_without_an_interval_is_called_that():
    [sentence] = describe(replace(FOUND, tried=(READ, replace(NEAR, difference=ScoreInterval(0.02)))))
    assert "may be as good (log loss higher by 0.020, no interval)." in sentence


def test_what_was_left_out_is_named_with_what_it_would_have_taken():
    left_out = (
        LeftOutBackbone("slow", "448x448", "time", seconds=90.0),
        LeftOutBackbone("cached", "32x32", "time", seconds=0.0),
        LeftOutBackbone("broken", "32x32", "failed", "RuntimeError: bad weights"),
        LeftOutBackbone("faces", "", "licence", "CC-BY-NC-4.0"),
    )
    _, late, broken, limited = describe(replace(FOUND, left_out=left_out))
    assert late == "There was no time to try slow at 448 pixels (about 1m30s), cached at 32 pixels on the sample."
    assert broken == "broken at 32 pixels was left out: RuntimeError: bad weights."
    assert "its licence (CC-BY-NC-4.0) does not allow commercial use" in limited


@pytest.mark.parametrize("tried", [(), (READ,)])
def test_where_nothing_was_compared_nothing_is_said(tried):
    found = replace(FOUND, tried=tried, left_out=(LeftOutBackbone("a", "32x32", "time", seconds=9.0),))
    assert describe(found) == ()
