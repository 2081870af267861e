"""Fine-tuning goes down from the head as far as the time allows, and as long as that brings something."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planning import LARGE, LOGISTIC, SMALL, Bench, board, network, plan, probe, read, space, tuned

from autotl.interfaces import Encoder, Head, ScoreInterval
from autotl.trial import FINE_TUNE, PROBE, Candidate, Reading, Training, TrialRecord


def test_fine_tuning_sits_on_the_best_probes_reading_with_the_best_head_that_can():
    best = probe(1, 0.9, "svm", stage="top", pooling="max")
    good = probe(2, 0.8, params={"logistic/C": 0.5})
    within = space(Head("svm", lambda *a: None), Head("logistic", lambda *a: None))
    overrides = plan(within=within).next(board(best, good, probe(3, 0.7)), [], 0.5).overrides
    expected = {"head": "logistic", "stage": "top", "pooling": "max", "trainable_stages": 1, "logistic/C": 0.5}
    assert expected.items() <= overrides.items()


def test_fine_tuning_that_was_asked_for_sits_on_a_network_though_only_an_encoder_has_been_probed():
    encoder = Encoder("frozen", lambda *a: None, (SMALL,))
    sources = {"frozen": encoder, "net": network("net")}
    within = replace(space(), backbones=sources)
    on_encoder = TrialRecord(1, "complete", PROBE, Reading("frozen", SMALL, "joined", "avg"), "logistic",
                             score=ScoreInterval(0.9))  # fmt: skip
    overrides = plan(within=within, strategy=FINE_TUNE).next(board(on_encoder), [], 0.0).overrides
    expected = {"strategy": FINE_TUNE, "backbone": "net", "size": "32x32", "trainable_stages": 1, "head": "logistic"}
    assert expected.items() <= overrides.items()
    deeper = plan(within=within, strategy=FINE_TUNE).next(board(on_encoder, tuned(2, 0.8, 1)), [], 0.5).overrides
    assert {"backbone": "net", "trainable_stages": 3}.items() <= deeper.items()
    assert isinstance(plan(within=within, strategy=FINE_TUNE).next(board(), [], 0.0), str)


def test_fine_tuning_goes_down_in_steps_then_shows_altered_images_to_its_best_depth_then_ends():
    tried = []
    trials = [probe(1, 0.5)]
    for number, value in enumerate((0.6, 0.8, 0.7, 0.9), 2):
        overrides = plan().next(board(*trials), [], 0.5).overrides
        tried.append((overrides["trainable_stages"], overrides["augment"]))
        trials.append(tuned(number, value, *tried[-1][:1], augment=tried[-1][1]))
    assert tried == [(1, False), (3, False), (5, False), (3, True)]
    assert not plan().next(board(*trials), [], 0.5).overrides


def test_a_depth_that_was_given_up_is_not_tried_again_but_one_that_failed_is():
    given_up = board(probe(1, 0.5), tuned(2, 0.6, 1), tuned(3, None, 3, "pruned"))
    assert plan().next(given_up, [], 0.5).overrides["trainable_stages"] == 5
    failed = board(probe(1, 0.5), tuned(2, 0.6, 1), tuned(3, None, 3, "failed"))
    assert plan().next(failed, [], 0.5).overrides["trainable_stages"] == 3


@pytest.mark.parametrize("larger", [True, False])
def test_two_disappointments_in_a_row_end_fine_tuning(larger):
    """What counts are the fine-tune trials before: deeper ones may do more though the first do less than a probe."""
    sign = 1 if larger else -1

    def after(*values):
        trials = (
            tuned(n, sign * value, depth) for n, (value, depth) in enumerate(zip(values, (1, 3, 5), strict=False), 2)
        )
        return plan().next(board(probe(1, sign * 0.7), *trials, larger=larger), [], 0.5).overrides

    assert after(0.6)["trainable_stages"] == 3
    assert after(0.6, 0.5)["trainable_stages"] == 5
    assert not after(0.6, 0.5, 0.55)
    assert after(0.6, 0.65, 0.62)["augment"]


def test_a_step_is_passed_over_where_it_would_leave_too_little_for_the_deeper_one():
    bench = Bench(tuning=0.0, epoch=10.0)  # 6 epochs of 3 stages: 184 s, 3 of 5: 154 s, and 6 s to begin with
    started = board(probe(1, 0.5), tuned(2, 0.6, 1))
    for left, depth in ((360.0, 3), (340.0, 5), (170.0, 5), (150.0, 3)):
        assert plan(bench, left=left).next(started, [], 0.5).overrides["trainable_stages"] == depth, left


def test_fine_tuning_is_done_at_the_largest_size_that_leaves_time_for_the_deepest_step():
    bench = Bench(tuning=0.0, epoch=10.0, read=[("net", SMALL), ("net", LARGE)])
    found = board(probe(1, 0.9, size=LARGE), probe(2, 0.5, size=SMALL))
    sizes = {
        left: plan(bench, left=left).next(found, [], 0.5).overrides["size"] for left in (700.0, 600.0, 170.0, 149.0)
    }
    assert sizes == {700.0: "64x64", 600.0: "32x32", 170.0: "32x32", 149.0: "64x64"}
    # It stays there, for each step starts from the one above.
    later = board(probe(1, 0.9, size=LARGE), tuned(2, 0.6, 1))
    assert plan(bench).next(later, [], 0.5).overrides["size"] == "32x32"


def test_deeper_trials_start_from_the_best_shallower_one_of_the_same_make():
    def start(depth, *trials):
        training = Training(depth, 1e-3, 1e-4, augment=False)
        candidate = Candidate(FINE_TUNE, network("net"), read(), LOGISTIC, training)
        found = plan().schedule.start_from(candidate, board(probe(1, 0.9), *trials))
        return found and found.number

    shallow, better = tuned(2, 0.6, 1), tuned(3, 0.7, 1)
    assert start(2, shallow, better) == 3
    assert start(1, shallow, better) is None
    for other in ({"stage": "top"}, {"pooling": "max"}, {"size": LARGE}, {"head": "dense"}, {"state": "pruned"}):
        assert start(2, tuned(2, 0.6, 1, **other)) is None
