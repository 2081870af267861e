"""A model of several targets reads each item once for each way in which its networks take it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autotl.deploy.targets_predictor import Predictor


def reader(most: int) -> Any:
    """One that gives so many items at a time."""

    def parts(read: Sequence[int]) -> Iterator[dict[str, np.ndarray]]:
        for start in range(0, len(read), most):
            yield {"ids": np.array(read[start : start + most])}

    return SimpleNamespace(parts=parts)


@pytest.mark.parametrize(
    ("most", "sizes"),
    [((2,), [2, 2, 1]), ((9,), [5]), ((9, 9), [5]), ((2, 3), [1, 1, 1, 1, 1]), ((9, 2), [1, 1, 1, 1, 1])],
)
def test_all_readers_give_the_same_items_at_a_time(most: tuple[int, ...], sizes: list[int]) -> None:
    predictor = object.__new__(Predictor)
    predictor._readers = [reader(one) for one in most]
    predictor._inputs = {f"part{number}/ids" for number in range(len(most))}
    parts = list(predictor._parts([[item] * len(most) for item in range(5)]))
    for number in range(len(most)):
        given = [part[f"part{number}/ids"].tolist() for part in parts]
        assert [len(one) for one in given] == sizes
        assert [item for one in given for item in one] == [0, 1, 2, 3, 4]
    assert list(predictor._parts([])) == []
