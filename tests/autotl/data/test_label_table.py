"""A table of labels is understood by the names and contents of its columns, or refused with a reason."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from PIL import Image

from autotl.data.file_lookup import Folder
from autotl.data.label_table import read_labels
from autotl.errors import DatasetError


@pytest.fixture
def read(tmp_path):
    """Read a table given as text, beside empty files: read("path,label", "a.png,cat", label=None)."""

    def read(*lines, label=None):
        for name in ("a.png", "b.png", "images/c.d.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        (tmp_path / "x.csv").write_text("".join(f"{line}\n" for line in lines))
        return read_labels(tmp_path / "x.csv", Folder(tmp_path), label=label, cache=tmp_path / "cache")

    return read


def labels(found):
    return dict(zip(found.rows["path"], found.rows["label"], strict=True))


def test_every_column_gets_its_meaning(read):
    found = read("id,Class Name,site,SET", "b, tulip ,,VAL", "a,rose,Oslo,Train", "images/c.d,,x,")
    assert found.rows.to_dict("list") == {
        "path": ["a.png", "b.png", "images/c.d.png"],
        "label": ["rose", "tulip", ""],
        "given_split": ["train", "validation", ""],
        "missing": ["", "", ""],
        "attribute.site": ["Oslo", "", "x"],
    }
    assert (found.column, found.layout) == ("Class Name", "x.csv, column 'Class Name'; split by the column 'SET'")


@pytest.mark.parametrize("column", ["path", "Image Path", "FILENAME", "image-id", "img", "Bilddatei"])
def test_the_column_of_images_is_found_by_its_name_or_its_content(read, column):
    found = read(f"number,{column},label", "1,c.d.png,cat")
    assert labels(found) == {"images/c.d.png": "cat"}
    assert found.rows["attribute.number"].tolist() == ["1"]


def test_a_column_with_a_name_for_images_that_names_none_is_ignored(read):
    assert labels(read("image,name,y", "http://x/1,a.png,1", "http://x/2,b.png,2")) == {"a.png": "1", "b.png": "2"}


def test_a_class_with_the_name_of_a_file_is_not_an_image(read):
    assert labels(read("kind,picture", "a,b.png", "a,a.png")) == {"a.png": "a", "b.png": "a"}


@pytest.mark.parametrize("first", ["a.png,cat", "z.png,cat", "a,cat"])
def test_a_first_row_that_names_an_image_is_no_header(read, first):
    found = read(first, "b.png,dog", "images/c.d.png,cat")
    assert sorted(labels(found).values()) == ["cat", "cat", "dog"]
    assert len(found.rows) == 3
    assert found.layout == "x.csv, which has no header, column 'column 2'"
    assert read(first, "b.png,dog", label="column 2").column == "column 2"


def test_a_first_row_with_a_common_name_of_a_column_is_a_header(read):
    assert labels(read("file,a.png", "a.png,x", "b.png,y")) == {"a.png": "x", "b.png": "y"}


def test_an_ambiguous_name_is_said_and_not_guessed(read, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "c.d.png").touch()
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "c.d.png").touch()
    with pytest.raises(DatasetError, match=r"'elsewhere/c\.d\.png', and 3 images are called so \(images/c\.d\.png, p/"):
        read("path,label", "elsewhere/c.d.png,cat")


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("path,species,label", "label"),
        ("path,Class Name,site", "Class Name"),
        ("path,kind", "kind"),
        ("path,id,kind", "kind"),
        ("path,split,kind", "kind"),
    ],
)
def test_the_label_column_is_found_by_its_name_or_by_being_the_only_one_left(read, header, label):
    values = {"path": "a.png", "split": "test"}
    assert read(header, ",".join(values.get(name, "x") for name in header.split(","))).column == label


def test_a_column_called_split_without_a_word_for_a_part_is_an_attribute_and_it_is_said(read):
    found = read("path,label,split", "a.png,x,left", "b.png,y,right")
    assert found.rows[["given_split", "attribute.split"]].to_numpy().tolist() == [["", "left"], ["", "right"]]
    assert "the column 'split' is not read as a split: it has left, right" in found.notes[0].message


def test_rows_that_a_split_leaves_out_are_excluded_by_name_and_keep_their_label(read):
    found = read("path,label,split", "a.png,x,train", "b.png,y,unused", "c.d,x,test", "e.png,,unused")
    assert found.rows.set_index("path")["missing"].to_dict() == {
        "a.png": "", "b.png": "excluded by x.csv: its 'split' is 'unused'", "images/c.d.png": "",
        "e.png": "there is no such file",
    }  # fmt: skip
    assert found.rows.set_index("path")["label"]["b.png"] == "y"
    assert found.notes[0].message == "1 of 4 rows of x.csv are left out: its 'split' is 'unused' (1)"


def test_one_file_in_two_parts_of_a_split_is_an_error(read):
    with pytest.raises(DatasetError, match=r"gives 'a.png' 2 different parts \(train, test\).*only one part"):
        read("path,label,split", "a.png,cat,train", "./a.png,cat,test")


def test_labels_are_text_and_whole_numbers_are_written_whole(read):
    assert list(labels(read("path,y", "a.png,3.0", "b.png,10.0", "c.d,")).values()) == ["3", "10", ""]
    assert list(labels(read("path,y", "a.png,3.5", "b.png,3", "c.d,nan")).values()) == ["3.5", "3", ""]


def test_a_file_named_twice_is_one_row_where_the_labels_agree(read):
    found = read("path,label,site", "a.png,,1", "a.png,cat,2", "./a.png,cat,3", "b.png,dog,4")
    assert labels(found) == {"a.png": "cat", "b.png": "dog"}
    assert found.rows["attribute.site"].tolist() == ["2", "4"]
    assert found.layout == "x.csv, column 'label'; 2 repeated rows dropped"
    with pytest.raises(DatasetError, match=r"gives 'a.png' 2 different labels \(cat, dog\).*only one label"):
        read("path,label", "a.png,cat", "b.png,dog", "a.png,dog")


def test_a_missing_file_keeps_its_row_with_the_reason(read):
    found = read("path,label", "a.png,cat", "z.png,dog")
    assert found.rows["missing"].tolist() == ["", "there is no such file"]


def test_a_table_may_contain_the_images_itself(tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    frame = pd.DataFrame({"label": ["a", "b"], "thumb": [b"no", b"no"], "image": [file.getvalue(), b""]})
    frame.to_parquet(tmp_path / "x.parquet")
    found = read_labels(tmp_path / "x.parquet", Folder(tmp_path), label=None, cache=tmp_path / "cache")
    assert labels(found) == {"row-000001.png": "a", "row-000002": "b"}
    assert (found.root / "row-000001.png").read_bytes() == file.getvalue()
    assert list(found.rows.columns) == ["path", "label", "given_split", "missing"]


@pytest.mark.parametrize(
    ("lines", "label", "message"),
    [
        (["path,label"], None, r"x\.csv has no rows"),
        (["path,label", "z.png,b"], None, r"names no existing image: its column 'path' has 'z\.png', which is not in"),
        (["what,label", "x,b"], None, r"no column that names the images; its columns are what, label"),
        (
            ["path,p,q", "a.png,1,2"],
            None,
            r"not clear which column of .* has the labels; its columns are path, p, q.*--label NAME",
        ),
        (["path,species", "a.png,1"], "specis", r"no column 'specis'; its columns are path, species.*mean 'species'\?"),
    ],
)
def test_an_invalid_table_is_an_error_that_says_why(read, lines, label, message):
    with pytest.raises(DatasetError, match=message):
        read(*lines, label=label)
