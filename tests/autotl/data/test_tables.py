"""Tables of any kind, separator and encoding come in as text, and say why where they cannot."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from autotl.data.tables import column_names, no_such_column, read_side_table, read_table
from autotl.errors import DatasetError


@pytest.mark.parametrize("name", ["x.csv", "x.TSV", "x.parquet"])
def test_every_kind_of_table_is_read_as_text(tmp_path, name):
    path = tmp_path / name
    frame = pd.DataFrame({" class": [3, 10, None], "age": ["007", "60+", None], "big": [2.5, np.nan, 1]})
    if name == "x.parquet":
        frame.to_parquet(path)
        frame[" class"] = ["3", "10", ""]
    else:
        frame.to_csv(path, index=name == "x.csv", sep="\t" if name == "x.TSV" else ",")
        frame[" class"] = ["3.0", "10.0", ""]
    table = read_table(path)
    assert table.to_dict("list") == {
        "class": frame[" class"].tolist(), "age": ["007", "60+", ""], "big": ["2.5", "", "1.0"],
    }  # fmt: skip
    assert column_names(path) == ["class", "age", "big"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_any_separator_and_encoding_is_understood(tmp_path, encoding, mark):
    lines = ["path|Größe|note", "a.png|groß|x", 'b.png|klein|"a, b; c"']
    (tmp_path / "x.csv").write_text("\n".join(lines).replace("|", mark), encoding)
    table = read_table(tmp_path / "x.csv")
    assert table.iloc[0].to_dict() == {"path": "a.png", "Größe": "groß", "note": "x"}
    assert table.iloc[1].tolist() == ["b.png", "klein", "a, b; c"]


def test_words_for_missing_values_stay_words(tmp_path):
    words = ["None", "NA", "null", "0", "007", "true"]
    (tmp_path / "x.csv").write_text("path,label\n" + "".join(f"a,{word}\n" for word in words))
    assert read_table(tmp_path / "x.csv")["label"].tolist() == words


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "", r"x\.csv cannot be read as a CSV file"),
        (
            "x.csv",
            "path,label\na.png,b,c\n",
            r"x\.csv cannot be read as a CSV file: its first row has 2 cells, but row 2 has more: 'a.png,b,c'",
        ),
        (
            "x.csv",
            ",".join(f"c{n}" for n in range(10_001)) + "\n",
            "has 10,001 columns, and at most 10,000 are read. Keep",
        ),
        ("x.csv", "path,label, label\na.png,b,c\n", r"has the column 'label' more than once"),
        ("x.csv", "path,label,label\na.png,b,c\n", r"has the column 'label' more than once"),
        ("x.parquet", "PAR1 and no more", r"x\.parquet cannot be read as a Parquet file"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_table(tmp_path / name)


def test_a_file_that_is_not_a_table_has_no_columns(tmp_path):
    for name in ("x.csv", "x.parquet"):
        (tmp_path / name).write_text("")
        assert column_names(tmp_path / name) == []


def test_bytes_stay_bytes_and_records_give_their_bytes_or_else_their_paths(tmp_path):
    held = [{"bytes": b"one", "path": "x.png"}, None]
    named = [{"bytes": None, "path": "a.png"}, {"bytes": None, "path": None}]
    pd.DataFrame({"raw": [b"one", None], "held": held, "named": named}).to_parquet(tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").to_dict("list") == {
        "raw": [b"one", b""], "held": [b"one", b""], "named": ["a.png", ""],
    }  # fmt: skip


def test_numbered_labels_get_the_names_that_hugging_face_wrote(tmp_path):
    names = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}, "image": {}}}}
    table = pa.table({"label": [1, 0, -1]}).replace_schema_metadata({"huggingface": json.dumps(names)})
    parquet.write_table(table, tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet")["label"].tolist() == ["dog", "cat", ""]


def test_hugging_face_metadata_of_missing_columns_or_lists_is_ignored(tmp_path):
    features = {
        "label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
        "gone": {"names": ["x"], "_type": "ClassLabel"},
        "boxes": [{"dtype": "int64"}],
    }
    written = json.dumps({"info": {"features": features}})
    parquet.write_table(
        pa.table({"label": [1]}).replace_schema_metadata({"huggingface": written}), tmp_path / "x.parquet"
    )
    assert read_table(tmp_path / "x.parquet").to_dict("list") == {"label": ["dog"]}


def test_numbers_too_large_to_be_exact_stay_as_they_are(tmp_path):
    pd.DataFrame({"n": [1e300, 2.0]}).to_parquet(tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet")["n"].tolist() == ["1e+300", "2.0"]


IMAGES = pd.Series(["cat/1.png", "dog/2.png"])


def test_a_side_table_is_read_without_its_bytes(tmp_path):
    pd.DataFrame({"path": ["dog/2.png"], "age": ["7"], "thumb": [b"x"]}).to_parquet(tmp_path / "a.parquet")
    table = read_side_table(tmp_path / "a.parquet", IMAGES, column="age")
    assert table.to_dict("list") == {"path": ["dog/2.png"], "age": ["7"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("what,age\n", r"has the columns what, age; the column 'path' is missing"),
        ("path,years\n", r"has the columns path, years; the column 'age' is missing"),
        ("path,age\ncat/1.png,1\ncat/1.png,2\n", r"names 'cat/1\.png' more than once"),
        (
            "path,age\npets/cat/3.png,1\n",
            r"none of the images: it has 'pets/cat/3\.png', the dataset has .*'cat/1\.png'",
        ),
        ("path,age\n", r"none of the images: it has no rows"),
    ],
)
def test_an_invalid_side_table_is_an_error_that_says_why(tmp_path, content, message):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_side_table(tmp_path / "a.csv", IMAGES, column="age")


@pytest.mark.parametrize(
    "path", ["./dog/2.png", "/home/x/pets/dog/2.png", "D:\\pets\\dog\\2.png", "2.png", " dog/2.png"]
)
def test_the_paths_of_a_side_table_may_begin_elsewhere(tmp_path, path):
    (tmp_path / "a.csv").write_text(f"Image Name,age\n{path},7\n")
    table = read_side_table(tmp_path / "a.csv", IMAGES, column="age")
    assert table.to_dict("list") == {"path": ["dog/2.png"], "age": ["7"]}


def test_a_missing_column_is_an_error_that_names_the_columns_and_the_nearest(tmp_path):
    assert "its columns are file, species. Did you mean 'species'?" in no_such_column(
        "specis", ["file", "species"], tmp_path
    )
    assert no_such_column("x", iter(["file"]), tmp_path).endswith("Give one of these with --label NAME.")
