"""Folds of several heads are computed side by side, and give what they give one after the other."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info

from autotl.data.split import Split
from autotl.search.fold_pool import FoldPool, Folds
from autotl.training.classifiers import EstimatorClassifier

N_ITEMS, N_FOLDS = 60, 5
RNG = np.random.default_rng(0)
LABELS = RNG.integers(3, size=N_ITEMS)
VECTORS = (RNG.normal(size=(N_ITEMS, 8)) + LABELS[:, None]).astype(np.float32)
SPLIT = Split(np.arange(N_ITEMS) % N_FOLDS, np.arange(N_ITEMS))


def classifiers(n):
    return [EstimatorClassifier(LogisticRegression(), 8, 3) for _ in range(n)]


def blas_threads():
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


class Slow(EstimatorClassifier):
    """Waits for others that are fitted at the same moment."""

    def __init__(self, barrier):
        super().__init__(LogisticRegression(), 8, 3)
        self._barrier = barrier

    def fit(self, vectors, labels):
        self._barrier.wait(10)
        super().fit(vectors, labels)


def test_answers_are_those_of_one_fold_after_the_other():
    alone = Folds(FoldPool(1), classifiers(1), VECTORS, LABELS, SPLIT)
    beside = Folds(FoldPool(2), classifiers(N_FOLDS), VECTORS, LABELS, SPLIT)
    for fold in range(N_FOLDS):
        assert np.array_equal(beside.answer(fold).items, alone.answer(fold).items)
        assert np.array_equal(beside.answer(fold).answers, alone.answer(fold).answers)
    beside.close()


def test_as_many_folds_as_there_are_cores_run_at_the_same_moment():
    barrier = threading.Barrier(N_FOLDS)
    folds = Folds(FoldPool(N_FOLDS), [Slow(barrier) for _ in range(N_FOLDS)], VECTORS, LABELS, SPLIT)
    assert [folds.answer(fold).seconds > 0 for fold in range(N_FOLDS)] == [True] * N_FOLDS
    folds.close()


def test_linear_algebra_keeps_to_one_thread_until_all_have_ended():
    before, pool = blas_threads(), FoldPool(2)
    first = Folds(pool, classifiers(N_FOLDS), VECTORS, LABELS, SPLIT)
    second = Folds(pool, classifiers(N_FOLDS), VECTORS, LABELS, SPLIT)
    assert blas_threads() == {1}
    first.close()
    assert blas_threads() == {1}
    second.close()
    assert blas_threads() == before


def test_folds_that_are_given_up_are_not_computed():
    pool, release = FoldPool(1), threading.Event()
    pool.n_threads = 1
    fitted = []

    class Counting(EstimatorClassifier):
        def fit(self, vectors, labels):
            release.wait(10)
            fitted.append(1)
            super().fit(vectors, labels)

    folds = Folds(pool, [Counting(LogisticRegression(), 8, 3) for _ in range(N_FOLDS)], VECTORS, LABELS, SPLIT)
    assert not folds.is_ready(0)
    release.set()
    folds.answer(0)
    assert folds.is_ready(0)
    folds.close()
    folds.close()
    assert len(fitted) < N_FOLDS


def test_what_a_head_raises_is_raised_where_its_answer_is_asked_for():
    folds = Folds(FoldPool(2), classifiers(N_FOLDS), VECTORS[:, :0], LABELS, SPLIT)
    with pytest.raises(ValueError, match="0 feature"):
        folds.answer(0)
    folds.close()


def test_results_come_in_the_order_of_the_work():
    for pool in (FoldPool(1), FoldPool(3)):
        assert pool.map([lambda i=i: i * i for i in range(7)]) == [i * i for i in range(7)]
