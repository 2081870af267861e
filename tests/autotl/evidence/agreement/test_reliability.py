"""Agreement beyond chance: as published and as statsmodels has it, and honest where little is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from autotl.evidence.agreement.coding_table import MISSING, CodingTable
from autotl.evidence.agreement.mean_interval import mean_interval, signed_errors
from autotl.evidence.agreement.reliability import cohen_kappa, reliability
from autotl.evidence.intervals import wilson


def table_of(*coders: str, classes: str = "12345") -> CodingTable:
    """A row of labels per coder, a letter each; a dot where nothing was said."""
    codes = np.array([[MISSING if one == "." else classes.index(one) for one in row] for row in coders]).T
    names = tuple(f"coder {number}" for number in range(len(coders)))
    return CodingTable(tuple(map(str, range(len(codes)))), names, tuple(classes), codes)


@pytest.mark.parametrize(
    ("table", "alpha", "n_codings"),
    [
        (table_of("0100000010", "1110010000", classes="01"), 0.095, 20),
        (table_of("aabbdcccedda", "babbbcccedddd"[:12], classes="abcde"), 0.692, 24),
        (table_of("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743, 40),
    ],
)
def test_alpha_is_the_published_one(table: CodingTable, alpha: float, n_codings: int) -> None:
    """Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, examples A to C."""
    found = reliability(table)
    assert round(found.alpha.value, 3) == alpha
    assert found.alpha.low < alpha < found.alpha.high
    assert found.n_codings == n_codings


@pytest.mark.parametrize("seed", range(5))
def test_kappa_and_its_standard_error_are_those_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 3, 80)
    second = np.where(rng.random(80) < 0.7, first, rng.integers(0, 3, 80))
    kappa, error = cohen_kappa(first, second, 4)  # the fourth class never occurs
    counts = np.zeros((3, 3))
    np.add.at(counts, (first, second), 1)
    theirs = cohens_kappa(counts)
    assert kappa.value == pytest.approx(theirs.kappa, abs=1e-6)
    assert error == pytest.approx(theirs.std_kappa, abs=1e-6)
    assert kappa.low == pytest.approx(theirs.kappa_low, abs=0.04)
    assert kappa.high == pytest.approx(theirs.kappa_upp, abs=0.04)


def test_where_all_gave_one_label_nothing_is_said_of_chance() -> None:
    found = reliability(table_of("1111", "1111"))
    assert not found.alpha.is_defined
    assert "every label is the same" in found.why_undefined
    assert not found.pairs[0].kappa.is_defined
    assert found.pairs[0].agreement.low > 0.4


def test_one_coder_has_no_agreement() -> None:
    found = reliability(table_of("1212"))
    assert not found.alpha.is_defined
    assert "coded by two people" in found.why_undefined


@pytest.mark.parametrize("n", [4, 40])
def test_perfect_agreement_has_an_interval_that_shrinks_with_the_number_of_items(n: int) -> None:
    found = reliability(table_of("12" * (n // 2), "12" * (n // 2)))
    for one in (found.alpha, found.pairs[0].kappa):
        assert one.value == one.high == 1
        assert one.low == pytest.approx({4: 0.08, 40: 0.82}[n], abs=0.08)


def test_items_of_a_cluster_tell_less() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2, 30)
    other = np.where(rng.random(30) < 0.75, base, 1 - base)
    repeated = CodingTable(
        tuple(map(str, range(150))), ("a", "b"), ("x", "y"), np.column_stack([np.repeat(base, 5), np.repeat(other, 5)])
    )
    alone, clustered = (reliability(repeated, clusters=c) for c in (None, np.repeat(np.arange(30), 5)))
    for one, two in ((alone.alpha, clustered.alpha), (alone.pairs[0].kappa, clustered.pairs[0].kappa)):
        assert one.value == two.value
        assert two.high - two.low > 1.7 * (one.high - one.low)


def test_intervals_of_shares_are_those_of_wilson() -> None:
    for right in (0, 3, 20):
        found = mean_interval(np.repeat([1.0, 0.0], [right, 20 - right]), (0.0, 1.0))
        expected = wilson(right, 20)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=2e-4)


def test_alpha_s_interval_covers_the_true_alpha() -> None:
    """Two classes of equal size, three coders who err in 15 %: alpha is (1 - 2 * 0.15) ** 2."""
    rng, covered, n_runs = np.random.default_rng(1), 0, 120
    for _ in range(n_runs):
        truth = rng.integers(0, 2, 80)
        codes = np.where(rng.random((80, 3)) < 0.15, 1 - truth[:, None], truth[:, None])
        alpha = reliability(CodingTable(tuple(map(str, range(80))), ("a", "b", "c"), ("x", "y"), codes)).alpha
        covered += alpha.low <= 0.49 <= alpha.high
    assert covered / n_runs == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / n_runs))


@pytest.mark.parametrize("limit", [0.6, 0.75, 0.8 - 1e-16, 0.8, 0.8 + 1e-16, 0.95])
def test_an_interval_at_so_many_standard_errors_ends_at_the_limit(limit: float) -> None:
    values = np.repeat([1.0, 0.0], [40, 10])
    z = signed_errors(values, limit, (0.0, 1.0))
    assert z == pytest.approx((0.8 - limit) / math.sqrt(limit * (1 - limit) / 50), abs=1e-4)
    if abs(z) > 1e-6:
        found = mean_interval(values, (0.0, 1.0), z=abs(z))
        assert limit == pytest.approx(found.low if z > 0 else found.high, abs=1e-4)


def test_a_limit_beyond_what_is_possible_is_infinitely_far() -> None:
    assert signed_errors(np.ones(5), 1.5, (0.0, 1.0)) == -math.inf
    assert signed_errors(np.ones(5), 1.0, (0.0, 1.0)) == 0
