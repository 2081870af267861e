"""Which images and labels are found in each layout of the data, and which data is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import stat
import tarfile
import zipfile

import pandas as pd
import pytest
from PIL import Image

from autotl.data.listing import IMAGE_SUFFIXES
from autotl.errors import DatasetError


def image_bytes():
    """A small image, as the bytes of a file."""
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(file, "PNG")
    return file.getvalue()


PNG = image_bytes()


def create_files(root, *paths):
    """Create a folder with an image at each of the paths, and text in other files."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(PNG if file.suffix.lower() in IMAGE_SUFFIXES else b"soft")
    return root


def pack(archive, folder):
    """The folder's content as a zip or tar."""
    kind = {".zip": "zip", ".tar": "tar", ".gz": "gztar"}[archive.suffix]
    made = shutil.make_archive(str(archive.parent / "packed"), kind, folder)
    shutil.move(made, archive)
    return archive


def labels(source):
    """{path: label} of a source."""
    return dict(zip(source.table["path"], source.table["label"], strict=True))


def splits(source):
    """{path: given split} of a source."""
    return dict(zip(source.table["path"], source.table["given_split"], strict=True))


# Folders


def test_a_folder_with_one_folder_per_class(tmp_path, opened):
    create_files(tmp_path / "pets", "0.png", "cat/1.png", "cat/indoors/2.jpg", "dog/1.png", "dog/side.csv", "notes.txt")
    source = opened(tmp_path / "pets")
    assert labels(source) == {"0.png": "", "cat/1.png": "cat", "cat/indoors/2.jpg": "cat", "dog/1.png": "dog"}
    assert list(source.table.columns) == ["path", "label", "given_split", "missing"]
    assert set(source.table["given_split"]) == set(source.table["missing"]) == {""}
    layout = "one sub-folder per class; 1 unlabelled image beside the class folders"
    assert (source.root, source.layout, source.label) == (tmp_path / "pets", layout, "")
    assert source.ignored == {"*.csv": 1, "*.txt": 1}


@pytest.mark.parametrize("path", ["{split}/{label}/1.png", "{label}/{split}/1.png"])
def test_folders_of_a_split_may_contain_the_classes_or_be_inside_them(tmp_path, opened, path):
    pairs = [(label, split) for label in ("cat", "dog") for split in ("train", "test")]
    paths = {path.format(label=label, split=split): (label, split) for label, split in pairs}
    table = opened(create_files(tmp_path, *paths)).table
    assert dict(zip(table["path"], zip(table["label"], table["given_split"], strict=True), strict=True)) == paths


def test_a_single_folder_around_a_split_or_around_classes_is_entered(tmp_path, opened):
    source = opened(create_files(tmp_path / "a", "photos/train/cat/1.png", "photos/test/cat/2.png", "empty/notes.txt"))
    assert source.root == tmp_path / "a" / "photos"
    assert source.table["path"].tolist() == ["test/cat/2.png", "train/cat/1.png"]
    source = opened(create_files(tmp_path / "b", "pets/pets/cat/1.png", "pets/pets/dog/2.png", "pets/README.md"))
    assert source.root == tmp_path / "b" / "pets" / "pets"
    assert labels(source) == {"cat/1.png": "cat", "dog/2.png": "dog"}
    assert source.layout == "in pets/pets: one sub-folder per class"


def snapshot(root):
    return sorted((str(path), path.stat().st_mtime_ns) for path in (root, *root.rglob("*")))


def test_nothing_is_written_beside_the_data(tmp_path, opened):
    pets = create_files(tmp_path / "pets", "1.png")
    (pets / "labels.csv").write_text(f"image,label\n{base64.b64encode(PNG).decode()},cat\n")
    pack(tmp_path / "pets" / "x.zip", create_files(tmp_path / "more", "cat/1.png"))
    for path in (pets, *pets.iterdir()):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    before = snapshot(pets)
    try:
        for data in (pets, pets / "labels.csv", pets / "x.zip"):
            opened(data)
        assert snapshot(pets) == before
    finally:
        pets.chmod(0o755)


# A folder with a table of labels, and a table itself


@pytest.fixture
def flowers(tmp_path):
    """Three images in one folder, two of them in a table."""
    root = create_files(tmp_path / "flowers", "images/a.png", "images/b.png", "images/c.png")
    (root / "labels.csv").write_text("file,species,site\nimages/a.png,rose,Köln\nimages/b.png, tulip ,\n", "utf-8")
    return root


def test_a_table_beside_the_images_labels_those_that_it_names(flowers, opened):
    create_files(flowers, "notes.txt")
    source = opened(flowers)
    assert labels(source) == {"images/a.png": "rose", "images/b.png": "tulip", "images/c.png": ""}
    assert source.table["attribute.site"].tolist() == ["Köln", "", ""]
    assert (source.layout, source.label) == ("labels.csv, column 'species'", "species")
    assert source.ignored == {"*.txt": 1}


def test_a_table_given_as_the_data_is_the_images_that_it_names(flowers, opened):
    source = opened(flowers / "labels.csv")
    assert labels(source) == {"images/a.png": "rose", "images/b.png": "tulip"}
    assert (source.root, source.ignored) == (flowers, {})


def test_class_folders_take_precedence_over_a_table_unless_its_column_is_asked_for(tmp_path, opened):
    root = create_files(tmp_path, "cat/1.png", "dog/2.png")
    (root / "age.csv").write_text("path,age,sex\ncat/1.png,old,m\n")
    (root / "other.csv").write_text("path,weight\ncat/1.png,3\n")
    assert labels(opened(root)) == {"cat/1.png": "cat", "dog/2.png": "dog"}
    source = opened(root, label="age")
    assert labels(source) == {"cat/1.png": "old", "dog/2.png": ""}
    assert source.ignored == {"*.csv": 1}
    with pytest.raises(DatasetError, match=r"other.csv has no column 'weigth'; its columns are .* mean 'weight'\?"):
        opened(root, label="weigth")


@pytest.mark.parametrize("name", ["data", "data/train.csv", "data.zip"])
def test_the_split_comes_from_the_folders_where_a_table_only_labels(tmp_path, opened, name):
    root = create_files(tmp_path / "data", "train/a.jpg", "train/b.jpg", "test/c.jpg")
    (root / "train.csv").write_text("id,breed\na,pug\nb,poodle\nlost,pug\n")
    pack(tmp_path / "data.zip", root)
    source = opened(tmp_path / name)
    given = {"lost": "", "test/c.jpg": "test", "train/a.jpg": "train", "train/b.jpg": "train"}
    if name == "data/train.csv":
        del given["test/c.jpg"]
    assert splits(source) == given
    assert {path for path, label in labels(source).items() if not label} == given.keys() & {"test/c.jpg"}
    named = "folders train and test" if "test/c.jpg" in given else "folder train"
    assert source.layout.endswith(f"train.csv, column 'breed'; split by the {named}")


def test_a_split_in_a_table_takes_precedence_over_the_folders(tmp_path, opened):
    root = create_files(tmp_path, "train/a.jpg", "test/b.jpg")
    (root / "x.csv").write_text("id,breed,split\na,pug,val\nb,pug,\n")
    assert splits(opened(root)) == {"test/b.jpg": "", "train/a.jpg": "validation"}


def test_two_tables_that_may_contain_the_labels_are_named(flowers, opened):
    (flowers / "more.csv").write_text("file,species\nimages/a.png,rose\n")
    for label in (None, "species"):
        with pytest.raises(DatasetError, match=r"has 2 tables .*\(labels.csv, more.csv\).*Give the right one"):
            opened(flowers, label=label)
    assert opened(flowers, label="site").layout == "labels.csv, column 'site'"
    with pytest.raises(
        DatasetError, match=r"no table at the top .* has the column 'age'.*more\.csv has no column 'age'"
    ):
        opened(flowers, label="age")


def test_a_table_with_images_may_be_in_a_folder(tmp_path, opened):
    root = create_files(tmp_path / "data", "preview.png", "README.md")
    pd.DataFrame({"image": [PNG, PNG], "label": ["a", "b"]}).to_parquet(root / "x.parquet")
    source = opened(root)
    assert source.table["path"].tolist() == ["row-000001.png", "row-000002.png"]
    assert source.ignored == {"*.md": 1, "*.png": 1}


# Archives


@pytest.mark.parametrize("name", ["pets.zip", "pets.tar", "pets.tar.gz", "pets.upload"])
def test_an_archive_is_understood_like_the_folder_in_it(tmp_path, opened, name):
    folder = create_files(tmp_path / "in", "cat/1.png", "dog/2.png")
    kind = name if name != "pets.upload" else "x.zip"
    archive = pack(tmp_path / kind, folder).rename(tmp_path / name)
    source = opened(archive)
    assert labels(source) == {"cat/1.png": "cat", "dog/2.png": "dog"}
    assert source.layout == f"{name}: one sub-folder per class"
    key = hashlib.sha256(archive.read_bytes()).hexdigest()[:16]
    assert source.root == tmp_path / "cache" / "unpacked" / key
    before = snapshot(source.root)
    assert labels(opened(archive)) == labels(source)
    assert snapshot(source.root) == before


@pytest.mark.parametrize("wrapping", ["photos", "photos/photos", "a/b/c"])
@pytest.mark.parametrize("inner", [("cat/1.png", "dog/2.png"), ("train/cat/1.png", "test/cat/2.png"), ("cat/1.png",)])
def test_folders_that_only_wrap_are_entered(tmp_path, opened, wrapping, inner):
    folder = create_files(tmp_path / "in", *(f"{wrapping}/{path}" for path in inner), "LICENSE.txt")
    source = opened(pack(tmp_path / "x.zip", folder))
    assert source.table["path"].tolist() == sorted(inner)
    assert set(source.table["label"]) <= {"cat", "dog"}


@pytest.mark.parametrize("paths", [("cat/1.png",), ("train/cat/1.png", "train/dog/2.png")])
def test_a_class_or_part_of_a_split_is_not_mistaken_for_a_wrapping_folder(tmp_path, opened, paths):
    assert opened(pack(tmp_path / "x.zip", create_files(tmp_path / "in", *paths))).table["path"].tolist() == list(paths)


@pytest.mark.parametrize("where", [".", "set"])
def test_a_table_in_an_archive_names_only_files_of_the_archive(tmp_path, opened, where):
    outside = create_files(tmp_path / "outside", "secret.png") / "secret.png"
    folder = create_files(tmp_path / "in", f"{where}/images/a.png", f"{where}/images/b.png")
    names = ["images/a.png", "/home/me/b.png", str(outside), "../" * 9 + str(outside)[1:], "../a/../secret.png"]
    (folder / where / "labels.csv").write_text("path,label\n" + "".join(f"{name},x\n" for name in names))
    source = opened(pack(tmp_path / "x.zip", folder))
    found = source.table[source.table["missing"] == ""]
    assert found["path"].tolist() == ["images/a.png", "images/b.png"]
    assert source.table["missing"].tolist().count("there is no such file") == 3
    assert source.layout == "x.zip: labels.csv, column 'label'"


def test_a_table_names_a_renamed_file_as_the_archive_does(tmp_path, opened):
    files = {"set/images/a?.png": "what", "set/images/b.png": "lower", "set/images/B.png": "upper"}
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for name in files:
            file.writestr(name, PNG)
        lines = "".join(f"{name.removeprefix('set/')},{label}\n" for name, label in files.items())
        file.writestr("set/labels.csv", f"path,label\n{lines}")
    for _ in range(2):
        expected = {"images/a_.png": "what", "images/b.png": "lower", "images/B~2.png": "upper"}
        assert labels(opened(tmp_path / "x.zip")) == expected


def test_what_a_killed_process_left_is_unpacked_again(tmp_path, opened):
    archive = pack(tmp_path / "x.zip", create_files(tmp_path / "in", "cat/1.png", "dog/2.png"))
    root = opened(archive).root
    root.with_suffix(".json").unlink()  # it is written last
    shutil.rmtree(root / "dog")
    assert labels(opened(archive)) == {"cat/1.png": "cat", "dog/2.png": "dog"}


def test_a_table_with_images_may_be_in_an_archive(tmp_path, opened):
    folder = create_files(tmp_path / "in", "set/README.md")
    pd.DataFrame({"image": [PNG] * 2, "label": ["a", "b"]}).to_parquet(folder / "set" / "x.parquet")
    source = opened(pack(tmp_path / "x.tar", folder))
    assert source.table["label"].tolist() == ["a", "b"]
    assert (source.root / "row-000001.png").read_bytes() == PNG


def test_a_hostile_or_damaged_archive_is_refused_and_leaves_nothing(tmp_path, opened):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("../cat/1.png", PNG)
    link = tarfile.TarInfo("cat/1.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "y.tar", "w") as file:
        file.addfile(link)
    for name in ("x.zip", "y.tar"):
        with pytest.raises(DatasetError, match=name):
            opened(tmp_path / name)
    assert [path for path in (tmp_path / "cache" / "unpacked").iterdir() if path.is_dir()] == []


# Attributes


@pytest.fixture
def pets(tmp_path):
    """Two images of two classes."""
    return create_files(tmp_path / "pets", "cat/1.png", "dog/2.png")


def test_every_other_column_of_the_attributes_is_kept_as_text(pets, tmp_path, opened):
    path = tmp_path / "attributes.csv"
    path.write_text("path,age group,site\ncat/1.png,007,Köln\n", encoding="utf-8")
    table = opened(pets, attributes=path).table.set_index("path")
    assert table.loc["cat/1.png", ["label", "attribute.age group", "attribute.site"]].tolist() == ["cat", "007", "Köln"]
    assert table.loc["dog/2.png", ["label", "attribute.age group", "attribute.site"]].tolist() == ["dog", "", ""]


def test_an_attribute_may_be_the_label_and_the_folder_becomes_an_attribute(pets, opened):
    path = pets / "attributes.csv"
    path.write_text("path,age,site\ncat/1.png,3.0,Köln\n", encoding="utf-8")
    source = opened(pets, attributes=path, label="age")
    assert labels(source) == {"cat/1.png": "3", "dog/2.png": ""}
    assert source.table["attribute.folder"].tolist() == ["cat", "dog"]
    assert "attribute.age" not in source.table
    assert source.label == "age"
    assert source.layout == "one sub-folder per class; labels from attributes.csv, column 'age'"


def test_attributes_may_label_images_without_class_folders(tmp_path, opened):
    root = create_files(tmp_path / "flat", "1.png", "2.png")
    (tmp_path / "a.csv").write_text("path,age\n1.png,old\n")
    source = opened(root, attributes=tmp_path / "a.csv", label="age")
    assert labels(source) == {"1.png": "old", "2.png": ""}
    assert "attribute.folder" not in source.table
    assert source.layout == "images without class folders; labels from a.csv, column 'age'"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,folder,age\ncat/1.png,1,2\n", r"the attribute 'folder' of .*a\.csv already exists"),
        ("path,ages\ncat/1.png,1\n", r"a\.csv has no column 'age'; .* mean 'ages'\?"),
        ("path,age\ncat/1.png,\n", r"the column of labels 'age' is empty for all 2 images"),
    ],
)
def test_invalid_attributes_are_an_error_that_says_why(pets, tmp_path, opened, content, message):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DatasetError, match=message):
        opened(pets, attributes=tmp_path / "a.csv", label="age")


# Data that is refused


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", r"nowhere does not exist.*one sub-folder of images per class, a zip or tar"),
        ("a.png", r"a\.png is a file of another kind; expected a folder"),
        ("a.xlsx", r"a\.xlsx is a spreadsheet; save .* as CSV"),
        ("pipe", r"pipe is a file of another kind; expected a folder"),
        ("pipe.csv", r"pipe\.csv is a file of another kind; expected a folder"),
    ],
)
def test_other_files_are_an_error_that_says_what_to_give(tmp_path, opened, name, message):
    create_files(tmp_path, "a.png", "a.xlsx")
    if name.startswith("pipe"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(DatasetError, match=message):
        opened(tmp_path / name)


def test_a_folder_without_classes_says_what_was_found_and_expected(tmp_path, opened):
    with pytest.raises(DatasetError, match=r"no images in class folders \(0 other files\).*\.avif.*\.jpg"):
        opened(tmp_path)
    create_files(tmp_path, "1.png", "notes.txt")
    with pytest.raises(DatasetError, match=r"\(1 image outside of them, 1 other files: 1 \*\.txt\).*sub-folder named"):
        opened(tmp_path)


def test_a_label_without_a_table_is_an_error_with_what_to_do(pets, opened):
    with pytest.raises(
        DatasetError, match=r"no table at the top .* has the column 'age' given with --label\. Omit --label"
    ):
        opened(pets, label="age")


def test_a_label_that_the_table_does_not_have_is_looked_up_in_the_attributes(tmp_path, opened):
    create_files(tmp_path / "d", "a.png", "b.png")
    (tmp_path / "d" / "labels.csv").write_text("path,label\na.png,cat\nb.png,dog\n")
    (tmp_path / "who.csv").write_text("path,age\na.png,old\nb.png,young\n")
    for data in (tmp_path / "d", tmp_path / "d" / "labels.csv"):
        source = opened(data, label="age", attributes=tmp_path / "who.csv")
        assert source.table["label"].tolist() == ["old", "young"]
        assert source.table["attribute.label"].tolist() == ["cat", "dog"]


def test_an_archive_whose_folder_was_removed_from_the_cache_is_unpacked_again(tmp_path, opened):
    archive = pack(tmp_path / "pets.zip", create_files(tmp_path / "pets", "cat/1.png", "dog/2.png"))
    first = opened(archive)
    shutil.rmtree(first.root)
    assert opened(archive).table.equals(first.table)
    assert first.root.is_dir()


def test_the_layout_names_a_table_that_is_not_read_for_labels(tmp_path, opened):
    create_files(tmp_path / "d", "site a/a.png", "site b/b.png")
    (tmp_path / "d" / "metadata.csv").write_text("image_id,dx\na,mel\nb,nv\n")
    by_folder = opened(tmp_path / "d")
    assert "metadata.csv not read for labels (--label COLUMN would)" in by_folder.layout
    (note,) = by_folder.notes
    assert "other labels in its column 'dx' (mel, nv) than the folders" in note.message
    assert opened(tmp_path / "d", label="dx").table["label"].tolist() == ["mel", "nv"]


def test_a_table_with_the_labels_that_the_folders_give_is_no_reason_for_a_warning(tmp_path, opened):
    create_files(tmp_path / "d", "cat/a.png", "dog/b.png")
    (tmp_path / "d" / "labels.csv").write_text("path,label\ncat/a.png,cat\ndog/b.png,dog\n")
    assert opened(tmp_path / "d").notes == ()


@pytest.mark.parametrize("pieces", [("ham_images_part_1", "ham_images_part_2"), ("images_001", "images_002")])
def test_folders_that_are_the_parts_of_a_download_leave_the_labels_to_the_table(tmp_path, opened, pieces):
    create_files(tmp_path / "d", f"{pieces[0]}/a.png", f"{pieces[1]}/b.png")
    (tmp_path / "d" / "metadata.csv").write_text("image_id,dx\na,mel\nb,nv\n")
    assert opened(tmp_path / "d").table["label"].tolist() == ["mel", "nv"]


def test_images_of_formats_that_are_not_read_are_counted_in_a_warning(tmp_path, opened):
    source = opened(create_files(tmp_path / "d", "cat/1.png", "cat/2.tga", "cat/3.JP2", "dog/1.png", "dog/2.txt"))
    (note,) = source.notes
    assert note.message == "2 images are left out, because the format is not read: 1 *.jp2, 1 *.tga"


def test_other_files_around_a_wrapping_folder_are_still_counted(tmp_path, opened):
    folder = create_files(tmp_path / "d", "a/b/cat/1.png", "a/b/dog/1.png", "a/README.md", "LICENSE.txt")
    assert opened(pack(tmp_path / "d.zip", folder)).ignored == {"*.md": 1, "*.txt": 1}


def test_files_beside_a_table_with_invalid_names_are_ignored(tmp_path, opened):
    create_files(tmp_path / "d", "a.png", "b.png")
    (tmp_path / "d" / "other").mkdir()
    (tmp_path / "d" / "other" / os.fsdecode(b"\xfc.png")).touch()
    (tmp_path / "d" / "l.csv").write_text("path,label\na.png,cat\nb.png,dog\nlost.png,dog\n")
    table = opened(tmp_path / "d" / "l.csv").table.set_index("path")
    assert table["missing"].to_dict() == {"a.png": "", "b.png": "", "lost.png": "there is no such file"}
