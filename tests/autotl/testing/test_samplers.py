"""The conformance check of samplers passes a sound one and fails on the defect planted in it."""

from __future__ import annotations

import pytest
from made_plugins import random_sampler

from autotl.interfaces import Sampler
from autotl.testing.samplers import check_sampler

# Keras gives NumPy a variable whose __array__ is of the time before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_a_sound_sampler_passes():
    check_sampler(Sampler("random", random_sampler))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda seed: random_sampler(None), "two samplers built with one seed proposed different trials"),
        (lambda seed: "random", "returned a str; expected an optuna sampler"),
        (lambda seed: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_a_sampler_with_a_defect_fails(build, message):
    with pytest.raises(AssertionError, match=f"sampler 'unsound'.*{message}"):
        check_sampler(Sampler("unsound", build))
