"""P-values are corrected as Holm does."""

from __future__ import annotations

import pytest

from autotl.evidence.holm import holm


def test_holm_is_that_of_the_textbook():
    # Holm 1979: sorted values times 3, 2, 1, made monotone.
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1, 1]
    assert len(holm([])) == 0
