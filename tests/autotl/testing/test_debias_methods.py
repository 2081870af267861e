"""The conformance check of methods against bias finds what a comparison would suffer from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from autotl.interfaces import DebiasMethod, DebiasTask, Predict
from autotl.testing import check_debias_method


def plain(task: DebiasTask) -> Predict:
    return task.fit_head(task.train, None)


def peeking(task: DebiasTask) -> Predict:
    return task.fit_head(np.arange(len(task.labels)), None)


def changing(task: DebiasTask) -> Predict:
    task.features[:] += 1
    return plain(task)


def unnormalised(task: DebiasTask) -> Predict:
    predict = plain(task)
    return lambda items: 2 * predict(items)


def unrepeatable(task: DebiasTask) -> Predict:
    predict, noise = plain(task), np.random.default_rng().random((len(task.labels), 1))
    return lambda items: (1 - noise[items]) * predict(items) + noise[items] / 2


def narrow(task: DebiasTask) -> Predict:
    predict = plain(task)
    return lambda items: predict(items)[:, :1]


def test_a_plain_method_passes() -> None:
    check_debias_method(DebiasMethod("plain", plain))


@pytest.mark.parametrize(
    ("fit", "problem"),
    [
        (peeking, "neither task.train nor task.validation"),
        (changing, "changed the arrays"),
        (unnormalised, "no probabilities"),
        (unrepeatable, "two fits with one seed"),
        (narrow, r"shape \(240, 1\)"),
        (lambda task: 3, "expected a function"),
        (lambda task: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_what_breaks_the_contract_is_named(fit: Callable[[DebiasTask], Predict], problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        check_debias_method(DebiasMethod("odd", fit))


def test_an_unknown_export_is_named() -> None:
    with pytest.raises(AssertionError, match="exports is 'all'"):
        check_debias_method(DebiasMethod("odd", plain, exports="all"))  # type: ignore[arg-type]


def test_an_unknown_need_is_named() -> None:
    with pytest.raises(AssertionError, match="needs \\['money'\\]"):
        check_debias_method(DebiasMethod("odd", plain, needs=frozenset({"money"})))
