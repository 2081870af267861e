"""As good as a coder, or not, or not known: and who of the coders errs."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from autotl.evidence.agreement.coding_table import MISSING, CodingTable
from autotl.evidence.agreement.deviating_coders import deviating_coders
from autotl.evidence.agreement.model_as_coder import decide, in_each_place, model_as_coder

CODERS = ("Ann", "Bo", "Cem")


def coded(n: int, errors: tuple[float, ...], model_error: float, *, seed: int = 0) -> tuple[CodingTable, np.ndarray]:
    """Two classes; who errs says the other one."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    wrong = rng.random((n, len(errors) + 1)) < (*errors, model_error)
    said = np.where(wrong, 1 - truth[:, None], truth[:, None])
    names = tuple(f"{number:05d}" for number in range(n))
    return CodingTable(names, CODERS[: len(errors)], ("cat", "dog"), said[:, :-1]), said[:, -1]


def test_a_model_as_good_as_the_coders_is_recognised_and_a_bad_one_too() -> None:
    assert model_as_coder(*coded(800, (0.05,) * 3, 0.04)).answer == "yes"
    assert model_as_coder(*coded(800, (0.05,) * 3, 0.25)).answer == "no"


def test_with_few_items_it_cannot_be_said_and_the_number_that_would_tell_is_named() -> None:
    found = model_as_coder(*coded(30, (0.05,) * 3, 0.05))
    assert found.answer == "cannot say yet"
    assert found.more_items is not None
    assert 50 < found.more_items < 2000


def test_items_without_any_difference_prove_nothing_when_they_are_few() -> None:
    table, _ = coded(40, (0.0,) * 3, 0.0)
    found = model_as_coder(table, table.codes[:, 0])
    assert found.answer == "cannot say yet"
    assert found.by_coder[0].difference.low < -0.05
    assert model_as_coder(*coded(200, (0.0,) * 3, 0.0)).answer == "yes"


def test_the_promised_number_of_items_tells_in_most_cases() -> None:
    told = 0
    for seed in range(40):
        found = model_as_coder(*coded(150, (0.08,) * 3, 0.08, seed=seed))
        if found.more_items:
            more = model_as_coder(*coded(150 + found.more_items, (0.08,) * 3, 0.08, seed=1000 + seed))
            told += more.answer != "cannot say yet"
        else:
            told += found.answer == "yes"
    assert told / 40 > 0.7


@pytest.mark.parametrize(("n", "n_coders"), [(60, 2), (150, 3)])
def test_a_worse_model_is_called_as_good_as_any_coder_in_at_most_5_percent(n: int, n_coders: int) -> None:
    """At the margin: the model agrees with the others by 5 points less. Short form of tests/benchmarks/bench_coders."""
    error = 0.05
    worse = error + 0.05 / (1 - 2 * error)
    wrong = sum("yes" in decide(in_each_place(*coded(n, (error,) * n_coders, worse, seed=seed))) for seed in range(200))
    assert wrong / 200 <= 0.05


def test_weights_count_the_population_and_not_the_sample() -> None:
    table, answers = coded(400, (0.0, 0.0), 0.0)
    answers = answers.copy()
    answers[:200] = 1 - answers[:200]  # wrong in the half that was drawn four times as often
    weights = np.repeat([1.0, 4.0], 200)
    plain, weighted = (model_as_coder(table, answers, weights=w).by_coder[0].model.value for w in (None, weights))
    assert (plain, weighted) == (pytest.approx(0.5), pytest.approx(0.8))


def test_one_coder_or_no_common_item_says_what_is_missing() -> None:
    table, answers = coded(20, (0.1,), 0.1)
    assert "two people" in model_as_coder(table, answers).why_not
    table, answers = coded(20, (0.1, 0.1), 0.1)
    assert "by the model" in model_as_coder(table, np.full(20, MISSING)).why_not


def test_the_one_who_errs_is_named_with_what_is_confused() -> None:
    table, _ = coded(100, (0.03, 0.03, 0.0), 0.0)
    codes = table.codes.copy()
    rng = np.random.default_rng(5)
    swapped = (codes[:, 1] == 0) & (rng.random(100) < 0.6)
    codes[swapped, 1] = 1
    [found] = deviating_coders(CodingTable(table.items, table.coders, table.classes, codes))
    assert found.coder == "Bo"
    assert (found.said, found.meant) == ("dog", "cat")
    assert found.n_confused >= 0.8 * found.n_against
    assert found.others > 0.9 > found.own + 0.1


def test_nobody_is_accused_by_chance_or_by_one_other_alone() -> None:
    accused = Counter(len(deviating_coders(coded(100, (0.1,) * 3, 0.1, seed=seed)[0])) for seed in range(150))
    assert accused[0] >= 0.95 * 150
    assert deviating_coders(coded(100, (0.0, 0.5), 0.0)[0]) == ()
