"""Sentences and tables about backbones claim no more than the sample shows."""

from __future__ import annotations

from dataclasses import replace

from autotl.evidence.backbone_words import describe, tables
from autotl.interfaces import ScoreInterval
from autotl.runs.backbones_tried import BackbonesTried, LeftOutBackbone, TriedBackbone

BEST = TriedBackbone("lite0", "320x320", "joined", "avg+max", 0.4, images_per_second=40.0, pass_seconds=75.0)
READ = replace(BEST, read_in_full=True, n_trials=9)
NEAR = TriedBackbone("lite2", "260x260", "top", "avg", 0.42, ScoreInterval(0.02, -0.01, 0.05), 1400, 5.0, 360.0)
FAR = TriedBackbone("lite1", "240x200", "top", "avg", 0.6, ScoreInterval(0.2, 0.1, 0.3), read_in_full=True)
FOUND = BackbonesTried(300, 2000, 2500, (READ, NEAR, FAR))


def test_the_first_sentence_says_which_was_best_which_is_as_good_and_what_would_tell():
    assert describe(FOUND) == (
        "Of 3 backbones at 3 sizes, lite0 at 320 pixels was best on a sample of 300 images; lite2 at 260 pixels cannot "
        "be told from it (difference in log loss 0.020, 95 % CI -0.010 to 0.050); 6m00s of reading all images with "
        "lite2 at 260 would probably tell.",
    )


def test_with_too_few_images_it_says_how_many_more_are_needed():
    [sentence] = describe(replace(FOUND, n_development=333))
    assert sentence.endswith("about 1,100 more images, and 6m00s of reading all images with lite2 at 260, would "
                             "probably tell.")  # fmt: skip


def test_what_was_read_in_full_costs_nothing_more():
    [sentence] = describe(replace(FOUND, tried=(READ, replace(NEAR, read_in_full=True))))
    assert sentence.endswith("; the search compared both on all images.")


def test_seconds_that_were_not_measured_are_not_stated():
    [sentence] = describe(replace(FOUND, tried=(BEST, replace(NEAR, pass_seconds=None))))
    assert sentence.endswith("; reading all images with both would probably tell.")


def test_both_passes_count_where_neither_was_made():
    [sentence] = describe(replace(FOUND, tried=(BEST, NEAR)))
    assert "7m15s of reading all images with both" in sentence


def test_a_clear_winner_is_called_one():
    [sentence] = describe(replace(FOUND, tried=(READ, FAR)))
    assert sentence == (
        "Of 2 backbones at 2 sizes, lite0 at 320 pixels was best on a sample of 300 images; the next, lite1 at 240x200 "
        "pixels, is clearly worse (difference in log loss 0.200, 95 % CI 0.100 to 0.300)."
    )


def test_others_that_cannot_be_told_apart_are_counted():
    [sentence] = describe(replace(FOUND, tried=(READ, NEAR, replace(NEAR, backbone="lite1"))))
    assert "lite2 at 260 pixels and 1 other cannot be told from it (the nearest: difference" in sentence
    assert sentence.endswith(" would probably tell the nearest from it.")


def test_equal_answers_promise_nothing():
    same = replace(NEAR, difference=ScoreInterval(0.0, 0.0, 0.0), images_needed=None)
    [sentence] = describe(replace(FOUND, tried=(READ, same)))
    assert sentence.endswith("95 % CI 0.000 to 0.000).")


def test_what_was_left_out_is_named_with_what_it_would_have_taken():
    left_out = (
        LeftOutBackbone("slow", "448x448", "time", seconds=90.0),
        LeftOutBackbone("broken", "32x32", "failed", "RuntimeError: bad weights"),
        LeftOutBackbone("faces", "", "licence", "CC-BY-NC-4.0"),
    )
    _, late, broken, limited = describe(replace(FOUND, left_out=left_out))
    assert late == "There was no time to try, on the sample: slow at 448 pixels (about 1m30s)."
    assert broken == "broken at 32 pixels was left out: RuntimeError: bad weights."
    assert "its licence (CC-BY-NC-4.0) does not allow commercial use" in limited


def test_without_time_for_any_only_that_is_said():
    found = BackbonesTried(300, 500, 500, (), (LeftOutBackbone("a", "32x32", "time", seconds=9.0),))
    assert describe(found) == ("There was no time to compare backbones on a sample: a at 32 pixels (about 9s).",)
    [table] = tables(found)
    assert table.rows == (("a", "32x32", "reading the sample would have taken too much of the time", 9.0),)


def test_one_that_the_cache_holds_would_have_taken_no_time_that_is_worth_saying():
    found = BackbonesTried(300, 500, 500, (), (LeftOutBackbone("a", "32x32", "time", seconds=0.0),))
    assert describe(found)[0].endswith(": a at 32 pixels.")


def test_a_single_one_that_was_tried_is_called_the_only_one():
    found = replace(FOUND, tried=(READ,), left_out=(LeftOutBackbone("a", "32x32", "time", seconds=9.0),))
    assert describe(found)[0] == "Only lite0 at 320 pixels could be tried on a sample of 300 images."


def test_the_tables_have_a_row_for_each_and_no_cell_that_json_lacks():
    tried, left = tables(replace(FOUND, not_asked=("a", "b")))
    assert [row[0] for row in tried.rows] == ["lite0", "lite2", "lite1"]
    assert tried.rows[0][4:8] == (None, None, None, None)
    assert tried.rows[1][4:10] == (0.02, -0.01, 0.05, 1400, 5.0, 360.0)
    assert all(len(row) == len(table.columns) for table in (tried, left) for row in table.rows)
    assert left.rows == (("a, b", None, "it takes part only if it is named with --backbones", None),)
