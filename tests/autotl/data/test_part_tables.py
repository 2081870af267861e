"""A table for each part of a split: beside one folder of images, or in the folder of each part."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from PIL import Image

from autotl.data.source import open_source
from autotl.errors import DatasetError


@pytest.fixture
def opened(tmp_path):
    """Open a folder with these texts and empty images: opened({"train.csv": "path,label\\n..."}, "images/a.png")."""

    def opened(tables, *images, **options):
        for name, text in {**tables, **dict.fromkeys(images, "")}.items():
            (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / name).write_text(text)
        return open_source(tmp_path / "data", cache=tmp_path / "cache", **options)

    return opened


def rows(source):
    return dict(
        zip(source.table["path"], zip(source.table["label"], source.table["given_split"], strict=True), strict=True)
    )


@pytest.mark.parametrize(
    ("one", "two", "images"),
    [
        ("train/labels.csv", "val/labels.csv", ("train/1.png", "val/1.png")),
        ("train/_annotations.csv", "valid/_annotations.csv", ("train/images/1.png", "valid/images/1.png")),
        ("train.csv", "val.csv", ("train/1.png", "val/1.png")),
        ("train_labels.csv", "validation-labels.csv", ("train_images/1.png", "validation_images/1.png")),
        ("labels/train.csv", "labels/dev.csv", ("images/train/1.png", "images/dev/1.png")),
    ],
)
def test_names_are_looked_up_in_the_part_of_their_table(opened, one, two, images):
    source = opened({one: "file,label\n1.png,cat\n", two: "file,label\n1.png,dog\n"}, *images)
    assert rows(source) == {images[0]: ("cat", "train"), images[1]: ("dog", "validation")}
    assert source.layout == f"{one}, {two}, column 'label'; split by the tables"


def test_tables_beside_one_folder_of_images(opened):
    tables = {"train.csv": "id,kind\na,cat\nb,dog\n", "test.csv": "id,kind\nc,cat\n", "notes.csv": "x\n1\n"}
    source = opened(tables, "images/a.png", "images/b.png", "images/c.png", "images/d.png")
    assert rows(source) == {
        "images/a.png": ("cat", "train"), "images/b.png": ("dog", "train"), "images/c.png": ("cat", "test"),
        "images/d.png": ("", ""),
    }  # fmt: skip
    assert source.ignored == {"*.csv": 1}


def test_images_of_a_table_without_labels_are_unlabelled(opened):
    source = opened({"train.csv": "id,kind\n1,cat\n2,dog\n", "test.csv": "id\n3\n"}, "1.png", "2.png", "3.png")
    assert rows(source)["3.png"] == ("", "test")


def test_an_image_in_two_parts_is_an_error_that_names_the_tables(opened):
    tables = {"train.csv": "id,kind\n1,cat\n2,dog\n", "test.csv": "id,kind\n2,dog\n"}
    with pytest.raises(DatasetError, match=r"train\.csv, test\.csv gives '2\.png' 2 different parts \(train, test\)"):
        opened(tables, "1.png", "2.png")


def test_several_tables_in_every_part_are_an_error_unless_they_have_one_name(opened):
    images = ("train/1.png", "val/1.png")
    text = "file,label\n1.png,cat\n"
    source = opened({"train/labels.csv": text, "val/labels.csv": text, "train/boxes.csv": "x,y\n"}, *images)
    assert source.layout.startswith("train/labels.csv, val/labels.csv")
    with pytest.raises(DatasetError, match=r"several tables that may contain the labels"):
        opened({"val/boxes.csv": "x,y\n"})


def test_class_folders_count_unless_a_column_is_asked_for(opened):
    images = ("train/cat/1.png", "train/dog/2.png", "test/cat/3.png")
    tables = {"train/age.csv": "path,age\ncat/1.png,old\ndog/2.png,new\n", "test/age.csv": "path,age\ncat/3.png,old\n"}
    assert {label for label, _ in rows(opened(tables, *images)).values()} == {"cat", "dog"}
    assert rows(opened({}, label="age"))["test/cat/3.png"] == ("old", "test")


def test_images_stored_in_a_table_per_part(tmp_path):
    for part in ("train", "test"):
        file = io.BytesIO()
        Image.new("RGB", (4, 4), "red" if part == "train" else "blue").save(file, "PNG")
        frame = pd.DataFrame({"image": [file.getvalue()], "label": ["a"]})
        (tmp_path / "x").mkdir(exist_ok=True)
        frame.to_parquet(tmp_path / "x" / f"{part}-00000-of-00001.parquet")
    source = open_source(tmp_path / "x", cache=tmp_path / "cache")
    assert source.table["given_split"].tolist() in (["train", "test"], ["test", "train"])
    assert all((source.root / path).is_file() for path in source.table["path"])


def test_tables_with_one_column_per_class_in_every_part(opened):
    marks = "filename, cat, dog\n1.png, 1, 0\n2.png, 0, 1\n"
    images = [f"{part}/{name}.png" for part in ("train", "valid") for name in "12"]
    source = opened({"train/_classes.csv": marks, "valid/_classes.csv": marks}, *images)
    assert rows(source) == {
        "train/1.png": ("cat", "train"), "train/2.png": ("dog", "train"),
        "valid/1.png": ("cat", "validation"), "valid/2.png": ("dog", "validation"),
    }  # fmt: skip
    assert "one column per class; split by the tables" in source.layout
