"""What more trials would bring is read off what the trials so far have brought."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.interfaces import ScoreInterval
from autotl.search.expected_gain import ERROR_REMOVED, FEWEST_TRIALS, expect_fine_tune_gain, expect_gain, gain_sentence


def test_fewer_than_ten_probes_say_too_little():
    assert expect_gain([0.5] * (FEWEST_TRIALS - 1), larger_is_better=True) is None
    assert expect_gain([0.5] * FEWEST_TRIALS, larger_is_better=True) is not None


def test_where_nothing_was_gained_nothing_is_expected():
    found = expect_gain([0.8, *np.linspace(0.3, 0.79, 40)], larger_is_better=True)
    assert found == ScoreInterval(0, 0, 0)


def test_the_more_the_search_has_brought_the_more_is_expected():
    rng = np.random.default_rng(0)
    values = 0.5 + 0.1 * rng.random(40)
    gains = [expect_gain([0.5, *(values + np.r_[luck, np.zeros(39)])], larger_is_better=True) for luck in (0, 0.1, 0.2)]
    assert [g.value for g in gains] == sorted(g.value for g in gains)
    assert gains[0].value < gains[-1].value
    assert all(0 <= g.low <= g.value <= g.high for g in gains)


def test_no_more_is_expected_than_was_gained_over_the_default():
    found = expect_gain([0.79, *([0.1] * 30), 0.8], larger_is_better=True)
    assert found.high == pytest.approx(0.01)


def test_a_loss_is_looked_at_upside_down():
    values = np.random.default_rng(1).random(30)
    assert expect_gain(values, larger_is_better=True) == expect_gain(-values, larger_is_better=False)


def test_it_is_said_in_words():
    found = expect_gain(np.linspace(0.5, 0.9, 20), larger_is_better=True)
    assert gain_sentence(found, "accuracy").startswith("ten times as many probes would probably improve accuracy by 0.")
    assert f"(80 %: {found.low:.3f} to {found.high:.3f})" in gain_sentence(found, "accuracy")


def test_a_smaller_loss_is_said_to_be_an_improvement():
    found = expect_gain(np.linspace(0.9, 0.5, 20), larger_is_better=False)
    assert found.value > 0
    assert gain_sentence(found, "log_loss").startswith(
        f"ten times as many probes would probably improve log_loss by {found.value:.3f} "
    )


@pytest.mark.parametrize(("larger_is_better", "best", "start"), [(True, 0.8, 0.6), (False, 0.2, 0.4)])
def test_a_guess_is_a_share_of_the_error_that_is_left_less_what_the_start_lacks(larger_is_better, best, start):
    sign = 1 if larger_is_better else -1
    level = expect_fine_tune_gain(best, best, larger_is_better=larger_is_better, seconds=9)
    assert sign * level.gain.value == pytest.approx(0.2 * ERROR_REMOVED)
    below = expect_fine_tune_gain(best, start, larger_is_better=larger_is_better, seconds=9)
    assert sign * below.gain.value == pytest.approx(0.4 * ERROR_REMOVED - 0.2)
    assert below.gain.high - below.gain.low == pytest.approx(2 * (level.gain.high - level.gain.low))
    assert all(g.low < g.value < g.high for g in (level.gain, below.gain))


def test_a_guess_about_a_perfect_probe_is_that_nothing_is_to_be_gained():
    found = expect_fine_tune_gain(1.0, 1.0, larger_is_better=True, seconds=1)
    assert found.gain == ScoreInterval(0, 0, 0)
    assert found.sentence("accuracy") == (
        "fine-tuning may change accuracy by +0.000 (80 %: +0.000 to +0.000) for about 1 s"
    )
