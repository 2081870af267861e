"""The conformance check of checks of the data passes a sound one and fails on the defect planted in it."""

from __future__ import annotations

import time

import pytest

from autotl.interfaces import Check, Finding
from autotl.testing.checks import check_check

# Keras gives NumPy a variable whose __array__ is of the time before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def finding(**changes):
    return Finding(**({"check": "toy", "severity": "warning", "message": "few", "advice": "add some"} | changes))


def test_a_sound_check_passes():
    seen = []

    def run(dataset):
        seen.append(dataset)
        yield finding(message=f"{len(dataset.quarantined)} broken files in {len(dataset.classes)} classes")

    check_check(Check("toy", run))
    assert len(seen[0].items) == 16
    assert len(seen[0].quarantined) == 1


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda dataset: ["few images"], "run yields 'few images'; expected an autotl.interfaces.Finding"),
        (lambda dataset: [finding(check="other")], "a finding says it is from 'other'"),
        (lambda dataset: [finding(severity="fatal")], "severity is 'fatal'; expected one of info, warning, error"),
        (lambda dataset: [finding(message="")], "a finding without a message"),
        (lambda dataset: [finding(advice="")], "'few' has no advice"),
        (lambda dataset: [finding(message=str(time.perf_counter()))], "two runs on the same data"),
        (lambda dataset: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_a_check_with_a_defect_fails(run, message):
    with pytest.raises(AssertionError, match=f"check 'toy'.*{message}"):
        check_check(Check("toy", run))
