"""Tables and folders as data with several labels per item, numbers, or classes in an order."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scanning import scan, write_noise, write_pets

from autotl.errors import DatasetError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six images, and no table yet."""
    folder = tmp_path / "photos"
    for number in range(6):
        write_noise(folder / f"{number}.png", number)
    return folder


def write_table(photos: Path, name: str = "labels.csv", **columns) -> Path:
    frame = pd.DataFrame({"path": [f"{number}.png" for number in range(6)], **columns})
    frame.to_parquet(photos / name) if name.endswith(".parquet") else frame.to_csv(photos / name, index=False)
    return photos / name


def messages(dataset) -> str:
    return " ".join(note.message for note in dataset.notes)


def test_a_column_of_joined_names_gives_each_item_all_its_labels(photos):
    write_table(photos, tags=["sea;sun", "sea", "sun;hot dog", ";", "", "hot dog"])
    dataset = scan(photos, label="tags", kind="labels")
    assert dataset.classes == ("hot dog", "sea", "sun")
    assert dataset.items["path"].tolist() == ["0.png", "1.png", "2.png", "3.png", "5.png"]
    assert dataset.labels.tolist() == [
        [False, True, True], [False, True, False], [True, False, True], [False] * 3, [True, False, False],
    ]  # fmt: skip
    assert "labels separated by semicolons" in messages(dataset)


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_lists_are_read_from_csv_and_parquet(photos, name):
    write_table(photos, name, tags=[["b", "a"], ["a"], [], ["b"], ["a", "b"], ["b"]])
    dataset = scan(photos, label="tags", kind="labels")
    assert dataset.classes == ("a", "b")
    assert dataset.labels.sum(axis=0).tolist() == [3, 4]


def test_one_column_per_label_keeps_apart_what_is_unknown_and_what_is_not_so(photos):
    write_table(photos, b=["1", "0", "", "1", "1", "0"], a=["1", "1", "0", "-1", "0", "1"])
    dataset = scan(photos, kind="labels")
    assert dataset.classes == ("a", "b")
    assert dataset.labels.tolist() == [[1, 1], [1, 0], [0, -1], [-1, 1], [0, 1], [1, 0]]
    assert not [name for name in dataset.items if name.startswith("attribute.")]


def test_several_marks_in_a_row_are_refused_where_classes_are_learned_with_the_way_to_learn_them(photos):
    write_table(photos, a=[1, 1, 0, 0, 0, 1], b=[1, 0, 1, 1, 1, 0])
    with pytest.raises(DatasetError, match="Learn them all with --target labels"):
        scan(photos)


def test_a_column_that_is_called_label_comes_before_columns_of_answers(photos):
    write_table(photos, label=["x;y", "y", "x", "x;y", "y", "x"], indoor=[1, 0, 1, 0, 1, 0], day=[0, 1, 1, 0, 0, 1])
    dataset = scan(photos, kind="labels")
    assert dataset.classes == ("x", "y")
    assert "attribute.indoor" in dataset.items


def test_an_image_in_several_class_folders_has_all_their_labels_and_counts_once(tmp_path):
    pets = write_pets(tmp_path / "pets")
    shutil.copy(pets / "cat" / "1.png", pets / "dog" / "both.png")
    dataset = scan(pets, kind="labels")
    assert dataset.classes == ("cat", "dog")
    assert len(dataset.items) == 8
    assert dataset.labels[dataset.items["path"] == "cat/1.png"].tolist() == [[True, True]]
    assert "1 item in several class folders" in messages(dataset)
    assert len(scan(pets).items) == 9


def test_numbers_with_decimal_commas_are_read_and_said(photos):
    write_table(photos, age=["1,5", "2,25", "3", "", "10,5", "7"])
    dataset = scan(photos, label="age", kind="number")
    assert dataset.labels.tolist() == [1.5, 2.25, 3, 10.5, 7]
    assert "'1,5' in the column 'age' of photos is read as 1.5" in messages(dataset)


def test_numbers_with_units_are_refused_by_the_item(photos):
    write_table(photos, age=["1", "2 kg", "3", "4", "5", "6"])
    with pytest.raises(DatasetError, match=r"such as '2 kg' in '1\.png': it has a unit"):
        scan(photos, label="age", kind="number")


def test_thousands_are_not_taken_for_decimals_of_whole_numbers(photos):
    write_table(photos, price=["1,000", "2,000", "500", "900", "3,000", "20"])
    dataset = scan(photos, label="price", kind="number")
    assert dataset.labels.tolist() == [1000, 2000, 500, 900, 3000, 20]


def test_ordered_classes_are_in_the_order_of_a_known_scale_which_is_said(photos):
    write_table(photos, risk=["high", "low", "medium", "low", "high", "medium"])
    dataset = scan(photos, label="risk", kind="ordered")
    assert dataset.classes == ("low", "medium", "high")
    assert dataset.labels.tolist() == [2, 0, 1, 0, 2, 1]
    assert "by a known scale: low, medium, high" in messages(dataset)


def test_classes_without_a_known_order_are_refused_as_ordered_ones(photos):
    write_table(photos, animal=["cat", "dog", "cat", "dog", "cat", "dog"])
    with pytest.raises(DatasetError, match=r"the order of the classes in .* is not known"):
        scan(photos, label="animal", kind="ordered")


def test_the_parts_of_a_split_in_tables_of_their_own_are_read_together(tmp_path):
    folder = tmp_path / "photos"
    for number in range(8):
        write_noise(folder / f"{number}.png", number)
    for part, rows in (("train", range(6)), ("test", range(6, 8))):
        grades = ["2", "10", "1", "2", "10", "1"] if part == "train" else ["10", "10"]
        pd.DataFrame({"path": [f"{row}.png" for row in rows], "grade": grades}).to_csv(
            folder / f"{part}.csv", index=False
        )
    dataset = scan(folder, label="grade", kind="ordered")
    assert dataset.classes == ("1", "2", "10")
    assert np.bincount(dataset.labels).tolist() == [2, 2, 4]


def test_a_table_with_one_column_per_label_keeps_every_row_though_two_images_are_the_same(photos):
    shutil.copyfile(photos / "0.png", photos / "5.png")
    write_table(photos, a=["1", "0", "1", "0", "1", "0"], b=["0", "1", "0", "1", "0", "1"])
    dataset = scan(photos, kind="labels")
    assert len(dataset.items) == 6
    assert dataset.labels.tolist()[0] != dataset.labels.tolist()[5]


def test_a_folder_whose_name_cannot_be_that_of_a_label_is_refused(tmp_path):
    for name in ("cat", "dog;old"):
        write_noise(tmp_path / "pets" / name / "0.png", len(name))
    with pytest.raises(DatasetError, match=r"folder for the label 'dog;old'.*Rename it"):
        scan(tmp_path / "pets", kind="labels")
