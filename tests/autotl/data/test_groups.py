"""Groups are read from a table, an attribute, EXIF data or the path."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from autotl.data.groups import group_notes, read_groups
from autotl.data.source import open_source
from autotl.errors import DatasetError

MODEL, SERIAL = 0x0110, 0xA431


def write_image(path, *, model="", serial=""):
    """Write a small image, with the camera in its EXIF data where one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if model:
        exif[MODEL] = model
    if serial:
        exif.get_ifd(0x8769)[SERIAL] = serial
    Image.fromarray(np.zeros((6, 8, 3), dtype=np.uint8)).save(path, exif=exif)
    return path


@pytest.fixture
def pets(tmp_path):
    """Four images of two patients, with a table of attributes that lacks the last."""
    root = tmp_path / "pets"
    write_image(root / "cat" / "patient1" / "a.jpg", model="Nokia 1", serial="S1")
    write_image(root / "cat" / "patient2" / "b.jpg", model="Nokia 1", serial="S2")
    write_image(root / "dog" / "patient1" / "c.png")
    write_image(root / "dog" / "z.jpg", serial="S1")
    (tmp_path / "a.csv").write_text(
        "path,site,empty,(s)\ncat/patient1/a.jpg,X,,1\ncat/patient2/b.jpg, Y ,,2\ndog/patient1/c.png,X,,3\n"
    )
    source = open_source(root, attributes=tmp_path / "a.csv", cache=tmp_path / "cache")
    return replace(source, table=source.table.rename(columns={"missing": "quarantine"}))


def groups(source, spec):
    """The groups of a source as a list."""
    found = read_groups(spec, source.table, source.root)
    assert found.index.equals(source.table.index)
    return found.tolist()


@pytest.mark.parametrize("name", ["groups.csv", "groups.TSV", "groups.parquet"])
def test_groups_come_from_a_table(pets, tmp_path, name):
    frame = pd.DataFrame({"path": ["cat/patient1/a.jpg", "dog/z.jpg", "elsewhere.png"], "group": [" 7", "7", "8"]})
    if name.endswith("parquet"):
        frame.to_parquet(tmp_path / name)
    else:
        frame.to_csv(tmp_path / name, index=False, sep="\t" if name.endswith("TSV") else ",")
    assert groups(pets, str(tmp_path / name)) == ["7", "", "", "7"]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("exif:Model", ["Nokia 1", "Nokia 1", "", ""]),
        ("exif:BodySerialNumber", ["S1", "S2", "", "S1"]),
    ],
)
def test_groups_come_from_exif_data(pets, spec, found):
    assert groups(pets, spec) == found


def test_files_that_are_damaged_or_missing_have_no_exif_group(pets):
    (pets.root / "cat" / "patient1" / "a.jpg").write_text("not an image")
    (pets.root / "cat" / "patient2" / "b.jpg").unlink()
    assert groups(pets, "exif:BodySerialNumber") == ["", "", "", "S1"]
    pets.table.loc[3, "quarantine"] = "there is no such file"
    with pytest.raises(DatasetError, match="none of them has this EXIF field"):
        read_groups("exif:BodySerialNumber", pets.table, pets.root)


@pytest.mark.parametrize("spec", ["site", "attribute.site"])
def test_groups_come_from_an_attribute(pets, spec):
    assert groups(pets, spec) == ["X", "Y", "X", ""]


def test_groups_come_from_a_column_of_the_table_of_labels(tmp_path):
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text("path,label,patient\na.png,x,P1\nb.png,y,P1\n")
    assert groups(open_source(tmp_path / "labels.csv", cache=tmp_path / "cache"), "patient") == ["P1", "P1"]


def test_groups_come_from_the_path_by_a_regular_expression(pets):
    assert groups(pets, r"(patient\d+)") == ["patient1", "patient2", "patient1", ""]


def test_a_column_takes_precedence_over_an_expression_of_the_same_text(pets):
    assert groups(pets, "(s)") == ["1", "2", "3", ""]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("(patient", r"neither a CSV file nor a regular expression .*columns path and group"),
        ("(a)(b)", r"has 2 capturing groups; exactly 1 is needed"),
        (r"patient\d+", r"has 0 capturing groups; exactly 1 is needed.*The columns are site, empty, \(s\)"),
        ("sit", r"has 0 capturing groups.*Did you mean the column 'site'\?"),
        (r"(doctor\d+)", r"matches none of the 4 paths, such as 'cat/patient1/a\.jpg'"),
        ("nowhere.csv", r"nowhere\.csv cannot be read as a CSV file"),
        ("exif:Modell", r"'exif:Modell' cannot be read: .*Model"),
        ("exif:Copyright", r"'exif:Copyright' gives none of the 4 images a group: none of them has this EXIF field"),
        ("empty", r"'empty' gives none of the 4 images a group: this column is empty"),
    ],
)
def test_an_invalid_specification_of_groups_is_an_error_that_says_why(pets, spec, message):
    with pytest.raises(DatasetError, match=message):
        read_groups(spec, pets.table, pets.root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,patient\ncat/a.png,7\n", r"has the columns path, patient; the column 'group' is missing"),
        ("path,group\ndog/z.jpg,7\ndog/z.jpg,8\n", r"names 'dog/z\.jpg' more than once"),
        (
            "path,group\nq.jpg,7\n",
            r"names none of the images: it has 'q\.jpg', the dataset has .*'cat/patient1/a\.jpg'",
        ),
        ("path,group\ndog/z.jpg,\n", r"gives none of the 4 images a group: its column group is empty"),
        ("", r"cannot be read as a CSV file"),
    ],
)
def test_an_invalid_table_of_groups_is_an_error_that_says_why(pets, tmp_path, content, message):
    (tmp_path / "groups.csv").write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_groups(str(tmp_path / "groups.csv"), pets.table, pets.root)


def test_images_without_a_group_are_counted_and_words_for_no_value_are_no_group(pets, tmp_path):
    (tmp_path / "groups.csv").write_text("path,group\ncat/patient1/a.jpg,7\ncat/patient2/b.jpg,NA\ndog/z.jpg,7\n")
    found = read_groups(str(tmp_path / "groups.csv"), pets.table, pets.root)
    assert found.tolist() == ["7", "", "", "7"]
    usable = pd.Series(True, index=found.index)
    [note] = group_notes("groups.csv", found, usable)
    assert note.message == (
        "--groups 'groups.csv' gives 2 of 4 images no group: each of them counts as a group of its own, beside 1 named "
        "group"
    )
    assert group_notes("groups.csv", found, found != "") == ()


def test_groups_that_were_declined_are_not_asked_to_be_completed(pets):
    found = read_groups("none", pets.table, pets.root)
    assert group_notes("none", found, pd.Series(True, index=found.index)) == ()
