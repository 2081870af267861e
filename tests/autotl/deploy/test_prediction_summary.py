"""What a table of predictions holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.deploy.prediction_summary import PredictionSummary, summarise_targets

HEADER = "item,label,cat,error,error\n"
"""One of the classes is called "error"."""


def summarise_one(file: Path) -> PredictionSummary | None:
    return summarise_targets(file).get("")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [f"/d/{n}.png,{'cat' if n % 5 else 'error'},0.7,0.3,\n" for n in range(49)] + ["/d/49.png,,,,it is torn\n"]
    (tmp_path / "table.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    return tmp_path / "table.csv"


def test_images_are_counted_by_class_and_unreadable_files_apart(file: Path) -> None:
    summary = summarise_one(file)
    assert summary
    assert summary.counts.to_dict() == {"cat": 39, "error": 10}
    assert (summary.n_classified, summary.n_unreadable, summary.folder) == (49, 1, "/d")
    assert summary.head.iloc[1].tolist() == ["1.png", "cat", 0.7, ""]
    assert summary.columns == ("item", "label", "cat", "error", "error")


def test_a_row_that_is_still_being_written_is_no_fault(file: Path) -> None:
    with file.open("a", encoding="utf-8") as table:
        table.write("/d/50.png,ca")
    assert summarise_one(file)


@pytest.mark.parametrize("content", ["", HEADER, "nonsense"])
def test_a_table_without_rows_has_no_summary(content: str, file: Path) -> None:
    file.write_text(content, encoding="utf-8")
    assert summarise_one(file) is None


def test_images_that_the_model_doubts_are_counted_where_it_says_so(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    rows = ["/d/1.png,cat,0.7,0.3,,cat|set,true,0.4", "/d/2.png,cat,0.9,0.1,,cat,false,0.02", "/d/3.png,,,,torn,,,"]
    table.write_text("item,label,cat,set,error,set (doubts),unsure,none_of_these\n" + "\n".join(rows), encoding="utf-8")
    summary = summarise_one(table)
    assert summary
    assert (summary.has_doubts, summary.n_unsure, summary.n_none, summary.n_unreadable) == (True, 1, 1, 1)
    assert summary.columns == ("item", "label", "cat", "set", "error")
    assert summary.head["probability"].tolist()[:2] == [0.7, 0.9]


def test_a_model_without_doubts_has_none_to_count(file: Path) -> None:
    summary = summarise_one(file)
    assert summary
    assert (summary.has_doubts, summary.n_unsure, summary.n_none) == (False, None, None)


def test_a_table_of_several_targets_has_a_summary_of_each(tmp_path: Path) -> None:
    header = (
        "item,pet.label,pet.cat,pet.set,pet.set (doubts),pet.unsure,pet.none_of_these,"
        "price.value,price.low,price.high,a.b.labels,a.b.label,error\n"
    )
    rows = [
        "/d/1.png,cat,0.7,0.3,cat|set,true,0.4,12.5,10,15,label,0.9,\n",
        "/d/2.png,cat,0.9,0.1,cat,false,0.02,3.5,1,6,,0.2,\n",
        "/d/3.png,,,,,,,,,,,,torn\n",
    ]
    (tmp_path / "table.csv").write_text(header + "".join(rows), encoding="utf-8")
    found = summarise_targets(tmp_path / "table.csv")
    assert list(found) == ["pet", "price", "a.b"]
    pet, price, others = found.values()
    assert (pet.counts.to_dict(), pet.n_unreadable, pet.n_unsure, pet.n_none) == ({"cat": 2}, 1, 1, 1)
    assert pet.columns == ("item", "pet.label", "pet.cat", "pet.set", "error")
    assert pet.head.iloc[0].tolist() == ["1.png", "cat", 0.7, ""]
    assert (price.is_number, price.n_classified, price.has_doubts) == (True, 2, False)
    assert price.head.iloc[0].to_dict() == {"image": "1.png", "label": 12.5, "low": 10, "high": 15, "problem": ""}
    assert others.counts.to_dict() == {"label": 1}
    assert summarise_one(tmp_path / "table.csv") is None


def test_a_number_has_its_interval_in_place_of_a_probability(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("item,value,low,high,error\n/d/1.png,3,2.5,3.5,\n", encoding="utf-8")
    summary = summarise_one(tmp_path / "table.csv")
    assert summary
    assert summary.is_number
    assert list(summary.head) == ["image", "label", "low", "high", "problem"]
