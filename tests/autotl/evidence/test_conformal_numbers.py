"""Conformal intervals of numbers cover what they promise, in simulations."""

import numpy as np
import pytest

from autotl.evidence.conformal_numbers import calibrate_interval, coverage_table


def linear_data(n: int, rng: np.random.Generator, n_features: int = 5) -> tuple[np.ndarray, np.ndarray]:
    vectors = rng.normal(size=(n, n_features))
    return vectors, vectors.sum(axis=1) + rng.standard_t(4, size=n)


def fitted(vectors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(vectors, numbers, rcond=None)[0]


def out_of_fold(vectors: np.ndarray, numbers: np.ndarray, n_folds: int) -> np.ndarray:
    """The residuals of each item by the model that was fitted without its fold."""
    folds = np.arange(len(numbers)) % n_folds
    models = np.stack([fitted(vectors[folds != k], numbers[folds != k]) for k in range(n_folds)], axis=1)
    return numbers - (vectors @ models)[np.arange(len(numbers)), folds]


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("n", [20, 200])
def test_split_conformal_intervals_cover_what_they_promise_and_little_more(n, alpha):
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        vectors, numbers = linear_data(n + 200, rng)
        residuals = numbers - vectors.sum(axis=1)
        interval = calibrate_interval(residuals[:n], alpha=alpha)
        covered.append((np.abs(residuals[n:]) <= interval.half_width).mean())
    assert 1 - alpha - 0.015 < np.mean(covered) < 1 - alpha + 1 / (n + 1) + 0.015


@pytest.mark.parametrize("n", [40, 100])
def test_out_of_fold_residuals_cover_what_they_promise_around_the_refitted_model(n):
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        vectors, numbers = linear_data(n + 100, rng)
        values = vectors[n:] @ fitted(vectors[:n], numbers[:n])
        half = calibrate_interval(out_of_fold(vectors[:n], numbers[:n], 5), alpha=0.1).half_width
        covered.append((np.abs(numbers[n:] - values) <= half).mean())
    assert 0.885 < np.mean(covered) < 0.94


def test_too_few_residuals_give_no_interval_rather_than_a_narrow_one():
    residuals = np.arange(8.0)
    assert calibrate_interval(residuals, alpha=0.1) is None
    assert calibrate_interval(np.arange(9.0), alpha=0.1).half_width == 8


def test_of_items_that_are_alike_one_each_is_counted():
    residuals = np.r_[np.zeros(500), np.linspace(1, 2, 50)]
    clusters = np.r_[np.zeros(500, dtype=int), np.arange(1, 51)]
    interval = calibrate_interval(residuals, clusters=clusters)
    assert interval.n == 51
    assert interval.half_width > 1.8


def test_the_table_says_what_is_covered_at_each_level_and_for_small_middle_and_large_numbers():
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 100, 600)
    numbers = values + rng.normal(size=600) * np.where(values > 66, 3, 1)
    rows = coverage_table(numbers[300:], values[300:], (numbers - values)[:300])
    assert [row.level for row in rows[:4]] == [0.5, 0.8, 0.9, 0.95]
    for row in rows[:4]:
        assert row.part == "all"
        assert row.covered.low <= row.level <= row.covered.high
    assert [row.half_width for row in rows[:4]] == sorted(row.half_width for row in rows[:4])
    assert len(rows) == 7
    assert sum(row.n for row in rows[4:]) == 300
    assert all(row.level == 0.9 and row.part.startswith("predicted ") for row in rows[4:])
    # The large numbers vary more: an interval of one width holds fewer of them.
    assert rows[-1].covered.high < 0.9 < rows[4].covered.value


def test_parts_of_few_items_and_levels_of_few_residuals_are_left_out():
    values = np.arange(30.0)
    rows = coverage_table(values + 0.5, values, np.linspace(-1, 1, 10))
    assert [(row.level, row.part) for row in rows] == [(0.5, "all"), (0.8, "all"), (0.9, "all")]
    assert coverage_table(np.zeros(0), np.zeros(0), np.ones(50)) == []


def test_predicted_numbers_that_are_all_equal_are_not_divided():
    rows = coverage_table(np.arange(100.0), np.full(100, 50.0), np.linspace(-50, 50, 100))
    assert {row.part for row in rows} == {"all"}
