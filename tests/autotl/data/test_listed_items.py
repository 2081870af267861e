"""A table lists its items row by row, whichever kind they are."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from pairs_on_disk import write_listing

from autotl.data.listed_items import listed_items
from autotl.errors import DatasetError

TEXTS = ["The first of some long texts.", "", "The third of some long texts."]


@pytest.fixture
def table(tmp_path):
    """Write a table: table(name=[...])."""

    def table(**columns):
        pd.DataFrame(columns).to_csv(tmp_path / "x.csv", index=False)
        return tmp_path / "x.csv"

    return table


@pytest.mark.parametrize("name", ["text", "words of the day"])
@pytest.mark.parametrize("asked", [True, False])
def test_the_texts_of_every_row_are_listed_also_those_without_words(tmp_path, table, name, asked):
    path = table(**{name: TEXTS, "n": ["1", "2", "3"]})
    found = listed_items(path, text=name if asked else None, modality="text", cache=tmp_path / "cache")
    assert [row.name for row in found] == ["row-000001.txt", "row-000002.txt", "row-000003.txt"]
    assert [row.missing for row in found] == ["", "the row contains no text", ""]
    assert [row.file.read_text() for row in found if not row.missing] == [TEXTS[0], TEXTS[2]]


def test_named_files_keep_the_names_of_the_table(tmp_path, table):
    (tmp_path / "a.txt").write_text("words")
    found = listed_items(table(path=["./a.txt", "b.txt"]), modality="text", cache=tmp_path / "cache")
    assert [(row.name, row.missing) for row in found] == [("./a.txt", ""), ("b.txt", "there is no such file")]
    assert found[0].file.read_text() == "words"


def test_items_of_another_kind_are_refused(tmp_path, table):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"'path' of .* gives images; texts were expected. Give a table of texts"):
        listed_items(table(path=["a.png"]), modality="text", cache=tmp_path / "cache")
    with pytest.raises(DatasetError, match=r"'text' of .* gives texts; images were expected. Give a table of images"):
        listed_items(table(text=TEXTS), cache=tmp_path / "cache")


def test_without_any_column_of_texts_the_columns_are_named(tmp_path, table):
    with pytest.raises(DatasetError, match=r"no column that names the texts; its columns are a, b\."):
        listed_items(table(a=["x"], b=["y"]), modality="text", cache=tmp_path / "cache")


def test_the_pairs_of_every_row_are_listed_also_those_without_a_part(tmp_path):
    path = write_listing(tmp_path / "shop", 8)
    frame = pd.read_csv(path, dtype=str).assign(other="Words of another kind, which are not meant")
    frame.loc[2, "photo"] = "gone.png"
    frame.drop(columns="label").to_csv(path, index=False)
    found = listed_items(path, text="description", modality="pair", cache=tmp_path / "cache")
    assert [row.name for row in found] == [f"row-{number:06d}.pair" for number in range(1, 9)]
    assert [row.missing for row in found] == ["", "", "its image: there is no such file", *[""] * 5]
    assert json.loads(found[3].file.read_text())["image"]["path"] == str(tmp_path / "shop" / "photos" / "003.png")
    with pytest.raises(DatasetError, match=r"pairs have a text each, and .* has several columns .*'description', 'oth"):
        listed_items(path, modality="pair", cache=tmp_path / "cache")
    frame.drop(columns=["label", "other"]).to_csv(path, index=False)
    assert len(listed_items(path, modality="pair", cache=tmp_path / "cache")) == 8


def test_what_items_do_not_consist_of_is_not_looked_for(tmp_path):
    path = write_listing(tmp_path / "shop", 4)
    images = listed_items(path, text="description", modality="image", cache=tmp_path / "cache")
    assert [row.name for row in images] == [f"photos/00{row}.png" for row in range(4)]
    texts = listed_items(path, text="description", image="photo", modality="text", cache=tmp_path / "cache")
    assert [row.name for row in texts] == [f"row-00000{row}.txt" for row in range(1, 5)]


def test_of_pairs_whose_images_are_not_there_the_missing_images_are_named(tmp_path):
    path = write_listing(tmp_path, 8)
    shutil.rmtree(tmp_path / "photos")
    with pytest.raises(DatasetError, match=r"names no existing image: its column 'photo' has 'photos/000.png'"):
        listed_items(path, text="description", modality="pair", cache=tmp_path / "cache")


def test_a_table_of_texts_alone_has_no_pairs(tmp_path, table):
    with pytest.raises(DatasetError, match=r"'text' of .* gives texts; pairs were expected. Give a table of pairs"):
        listed_items(table(text=TEXTS), text="text", modality="pair", cache=tmp_path / "cache")
