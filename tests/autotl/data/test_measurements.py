"""A column of measurements, dates or names is refused in one short sentence, and classes are not."""

from __future__ import annotations

import pandas as pd
import pytest

from autotl.data.measurements import require_classes
from autotl.errors import DatasetError


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"{i * 1.37:.4f}" for i in range(400)], "a measurement"),
        ([f"{i * 1.37:.1f}".replace(".", ",") for i in range(400)], "a measurement"),
        ([str(i) for i in range(400)], "a measurement"),
        ([f"{i % 40 / 10}" for i in range(400)], "a measurement"),
        ([f"-{i}.5e-3" for i in range(400)], "a measurement"),
        ([*(f"{i}.25" for i in range(395)), "broken", "n/m", *["", ""]], "a measurement"),
        ([f"2024-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(300)], "a date"),
        ([f"caption of image {i}" for i in range(300)], "a name of each image"),
    ],
)
def test_what_is_no_class_is_refused_with_a_few_examples(values, kind):
    with pytest.raises(DatasetError, match=f"that is {kind}") as caught:
        require_classes(pd.Series(values), "the column 'label' of x.csv")
    assert "and 390 more" in str(caught.value) or len(values) != 400 or len(set(values)) != 400
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("values", "named"), [([f"{i}.5" for i in range(100)], True), ([*"abcdefghijklmnopqrstuvwxyz"], False)]
)
def test_only_of_numbers_it_is_said_that_they_can_be_learned(values, named):
    with pytest.raises(DatasetError) as caught:
        require_classes(pd.Series(values), "x")
    assert ("add --target number" in str(caught.value)) == named


@pytest.mark.parametrize(
    "values",
    [
        [str(i % 10) for i in range(100)],
        [f"{i % 8 / 2}" for i in range(100)],
        [f"class {i % 100:03d}" for i in range(400)],
        [str(i % 100) for i in range(400)],
        ["a", "b", "a", ""],
    ],
)
def test_classes_are_classes_whatever_they_are_called(values):
    require_classes(pd.Series(values), "x")
