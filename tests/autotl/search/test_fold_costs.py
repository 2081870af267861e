"""What a head will cost is learned from its folds; of one not yet seen more is expected than of the default."""

from __future__ import annotations

from autotl.search.fold_costs import FoldCosts


def costs(**seen):
    found = FoldCosts("logistic")
    for head, seconds in seen.items():
        for each in seconds:
            found.learn(head.replace("_", "-"), each)
    return found


def test_while_nothing_is_known_nothing_costs_anything():
    assert FoldCosts("logistic").per_fold("svm") == FoldCosts("logistic").per_fold("dense", network=True) == 0


def test_a_head_that_was_seen_is_expected_to_take_a_little_more_than_it_did():
    assert 2.0 < costs(svm=[9.0, 2.0, 2.0]).per_fold("svm") < 3.0


def test_the_first_fold_which_imports_libraries_counts_only_where_there_is_no_other():
    assert costs(svm=[9.0]).per_fold("svm") > 9
    assert costs(svm=[9.0, 1.0]).per_fold("svm") == costs(svm=[50.0, 1.0]).per_fold("svm") < 2


def test_the_slower_half_of_its_folds_is_what_is_expected():
    assert costs(svm=[0.0, 1.0, 1.0, 5.0, 5.0]).per_fold("svm") > 5


def test_an_unseen_head_is_taken_to_need_several_times_the_default_and_a_network_far_more():
    found = costs(logistic=[1.0, 1.0])
    assert found.per_fold("logistic") < found.per_fold("svm") < found.per_fold("dense", network=True) / 10


def test_what_a_head_took_long_ago_is_forgotten():
    assert costs(svm=[100.0] * 20 + [1.0] * 20).per_fold("svm") < 2


def test_asking_for_a_head_is_not_seeing_it():
    found = costs(logistic=[1.0])
    found.per_fold("svm")
    assert found.has_seen("logistic")
    assert not found.has_seen("svm")
