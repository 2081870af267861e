"""Functions of plugins name their plugin when they raise, and are as they were otherwise."""

from __future__ import annotations

import functools
import re

import numpy as np
import pandas as pd
import pytest

from autotl.errors import ExportError, HeadError, PluginError
from autotl.predictions import Predictions
from autotl.runtime.blame import blaming, of_plugin, where_of_plugin

WHO = "check 'mine' of plugin 'theirs'"


def raising(error):
    def function(*_):
        raise error

    return blaming(function, WHO, "theirs")


def test_what_a_function_returns_is_unchanged():
    assert blaming(lambda a, *, b: (a, b), WHO, "theirs")(1, b=2) == (1, 2)
    assert list(blaming(lambda n: iter(range(n)), WHO, "theirs")(3)) == [0, 1, 2]
    assert blaming(functools.partial(max, 3), WHO, "theirs")(2) == 3


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("k"), TypeError(), OSError(5, "x"), AssertionError("a")])
def test_whatever_it_raises_is_told_with_the_plugin_the_kind_of_error_and_the_line(error):
    with pytest.raises(PluginError, match=rf"^{WHO} raised {type(error).__name__}: .*test_blame\.py, line \d+"):
        raising(error)()


def test_what_it_raises_while_it_yields_is_told_too():
    def function():
        yield 1
        raise ValueError("no")

    found = blaming(function, WHO, "theirs")()
    assert next(found) == 1
    with pytest.raises(PluginError, match=f"{WHO} raised ValueError: no"):
        next(found)


@pytest.mark.parametrize("kind", [ExportError, PluginError, HeadError])
def test_an_error_made_for_the_user_keeps_its_kind_and_names_the_plugin_once(kind):
    twice = blaming(raising(kind("no such layer")), WHO, "theirs")
    with pytest.raises(kind) as caught:
        twice()
    assert str(caught.value) == f"{WHO}: no such layer"


def test_an_interruption_passes_and_a_call_of_exit_is_an_error_of_the_plugin():
    with pytest.raises(KeyboardInterrupt):
        raising(KeyboardInterrupt())()
    with pytest.raises(PluginError, match=f"{WHO} raised SystemExit: 3"):
        raising(SystemExit(3))()


def test_an_error_without_a_word_says_whose_it_is():
    with pytest.raises(PluginError, match=f"{WHO} raised ExportError without a reason"):
        raising(ExportError(""))()


def test_what_it_is_given_stays_as_it_was():
    array, table = np.zeros(3), pd.DataFrame({"path": ["a", "b"]})
    predictions = Predictions(np.arange(2), np.array([0, 1]), np.eye(2))

    def spoil(array, table, predictions):
        table["path"] = "gone"
        for values in (array, predictions.probabilities):
            with pytest.raises(ValueError, match="read-only"):
                values[:] = 1

    blaming(spoil, WHO, "theirs")(array, table, predictions)
    assert not array.any()
    assert list(table["path"]) == ["a", "b"]
    predictions.probabilities[:] = 1 / 2


def test_a_function_tells_whose_it_is():
    assert re.fullmatch(r" of plugin 'theirs' \(.*test_blame\.py, line \d+\)", where_of_plugin(raising(ValueError())))
    assert of_plugin(raising(ValueError())) == " of plugin 'theirs'"
    assert of_plugin(len) == ""
