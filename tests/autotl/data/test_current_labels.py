"""The labels of a dataset after the decisions about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from scanning import labelled_source

from autotl.data.current_labels import current_labels, decided_table
from autotl.data.patch import Decision
from autotl.data.source import Source
from autotl.errors import DatasetError

ROOT = Path("/data")


@pytest.fixture
def source() -> Source:
    return labelled_source(ROOT)


def test_present_labels_are_those_after_the_decisions(source: Source) -> None:
    labels = current_labels(
        source, [Decision("relabel", "a", "fox"), Decision("merge", "wolf", "dog"), Decision("relabel", "x", "y")]
    )
    assert labels.given == {"a": "fox", "b": "cat", "c": "dog", "d": "dog", "e": "", "f": ""}
    assert (labels.classes, labels.merged) == (("cat", "dog", "fox", "wolf"), {"wolf": "dog"})
    assert labels.files["a"] == ROOT / "a"


def test_a_row_written_by_hand_may_have_spaces_around_its_names(source: Source) -> None:
    assert current_labels(source, [Decision("relabel", " a", "dog ")]).given["a"] == "dog"


def test_a_class_stays_when_its_last_image_gets_another(source: Source) -> None:
    assert "wolf" in current_labels(source, [Decision("relabel", "d", "dog")]).classes


@pytest.mark.parametrize(
    ("order", "merge", "expected"),
    [
        ((), ("cat", "dog"), ("cat", "dog", "wolf")),
        (("wolf", "cat"), ("wolf", "dog"), ("wolf", "cat", "dog")),
        (("dog", "wolf", "cat"), ("dog", "cat"), ("dog", "wolf", "cat")),
        (("wolf", "cat", "dog"), ("cat", "animal"), ("wolf", "cat", "dog", "animal")),
        (("cat", "wolf"), ("no such class", "dog"), ("cat", "wolf", "dog")),
    ],
)
def test_a_merged_class_keeps_its_place_so_that_no_other_moves(
    source: Source, order: tuple[str, ...], merge: tuple[str, str], expected: tuple[str, ...]
) -> None:
    labels = current_labels(source, [Decision("merge", *merge)], order=order)
    assert labels.classes == expected
    assert labels.merged == {old: new for old, new in [merge] if old in expected}


def test_merges_that_lead_in_a_circle_do_not_stop_the_labelling(source: Source) -> None:
    circle = [Decision("merge", "cat", "dog"), Decision("merge", "dog", "cat")]
    assert current_labels(source, circle).given["a"] == "cat"


def test_a_table_says_what_each_image_came_with_and_what_was_decided(source: Source) -> None:
    decisions = [
        Decision("relabel", "a", "fox", sha256="0" * 64), Decision("exclude", "b"), Decision("merge", "wolf", "dog"),
        Decision("relabel", "renamed", "dog", sha256="1" * 64),
    ]  # fmt: skip
    table = decided_table(source, decisions).set_index("path")
    assert table["label"].to_dict() == {
        "a": "fox", "b": "cat", "c": "dog", "d": "dog", "e": "", "f": "", "gone": "cat"
    }  # fmt: skip
    assert table.loc["d", "label_given"] == "wolf"
    assert list(table.index[table["excluded"]]) == ["b"]


def test_a_table_cannot_be_made_of_merges_in_a_circle(source: Source) -> None:
    with pytest.raises(DatasetError, match="into itself"):
        decided_table(source, [Decision("merge", "cat", "dog"), Decision("merge", "dog", "cat")])
