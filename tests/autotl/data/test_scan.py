"""A folder becomes a dataset: classes, skipped files, groups and attributes."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image
from scanning import scan, write_noise, write_pets

from autotl.data.dataset import require_learnable
from autotl.errors import DatasetError


@pytest.fixture
def pets(tmp_path):
    return write_pets(tmp_path / "pets")


def test_each_folder_is_a_class_and_nested_folders_belong_to_the_class_above(pets):
    write_noise(pets / "cat" / "indoors" / "sofa" / "9.jpg", 9)
    dataset = scan(pets)
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == [0] * 5 + [1] * 4
    assert dataset.items["path"].tolist()[4] == "cat/indoors/sofa/9.jpg"
    assert dataset.path(4) == pets.resolve() / "cat/indoors/sofa/9.jpg"
    assert set(zip(dataset.items["width"], dataset.items["height"], strict=True)) == {(16, 12)}
    require_learnable(dataset, pets)


def test_hidden_files_and_side_files_are_counted_and_left_out_and_loose_images_have_no_label(pets):
    (pets / "cat" / "notes.txt").write_text("soft")
    (pets / "Thumbs.db").write_bytes(b"")
    write_noise(pets / "loose.png")
    write_noise(pets / "cat" / "._1.png")
    write_noise(pets / ".trash" / "old.png")
    dataset = scan(pets)
    assert dict(dataset.ignored) == {"*.txt": 1, "system": 1, "hidden": 2}
    assert (len(dataset.items), list(dataset.unlabelled["path"])) == (8, ["loose.png"])


def test_a_folder_without_images_is_not_a_class(pets):
    (pets / "empty").mkdir()
    assert scan(pets).classes == ("cat", "dog")


def test_names_may_contain_spaces_capitals_and_any_script(tmp_path):
    for i in range(2):
        write_noise(tmp_path / "Größe XL" / f"Bild {i}.PNG", i)
        write_noise(tmp_path / "猫 🐈" / f"写真 {i}.JPG", 10 + i)
    dataset = scan(tmp_path)
    assert dataset.classes == ("Größe XL", "猫 🐈")
    assert dataset.labels.tolist() == [0, 0, 1, 1]
    assert all(dataset.path(i).exists() for i in range(4))


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_a_name_that_is_not_valid_text_is_an_error_with_what_to_do(pets):
    (pets / "cat" / os.fsdecode(b"gr\xfcn.png")).write_bytes(b"")
    with pytest.raises(DatasetError, match=r"xfcn.png.*not valid text.*Rename"):
        scan(pets)


def test_links_are_followed_and_a_link_in_a_circle_ends(pets, tmp_path):
    elsewhere = write_noise(tmp_path / "elsewhere" / "a.png", 50)
    (pets / "cat" / "linked.png").symlink_to(elsewhere)
    (pets / "bird").symlink_to(elsewhere.parent)
    (pets / "cat" / "circle").symlink_to(pets)
    (pets / "dog" / "self").symlink_to(pets / "dog")
    dataset = scan(pets)
    assert dataset.classes == ("bird", "cat", "dog")
    assert len(dataset.items) == 8 + 2


def test_unusable_files_are_skipped_with_their_reason(pets):
    (pets / "cat" / "0.png").write_bytes(b"")
    (pets / "cat" / "2.png").write_text("not an image at all")
    (pets / "dog" / "0.png").write_bytes((pets / "dog" / "1.png").read_bytes()[:200])
    (pets / "dog" / "gone.png").symlink_to(pets / "nowhere.png")
    os.mkfifo(pets / "dog" / "pipe.png")
    dataset = scan(pets)
    reasons = dict(zip(dataset.quarantined["path"], dataset.quarantined["quarantine"], strict=True))
    assert list(reasons) == ["cat/0.png", "cat/2.png", "dog/0.png", "dog/gone.png", "dog/pipe.png"]
    assert "empty" in reasons["cat/0.png"]
    assert "not a JPEG, PNG" in reasons["cat/2.png"]
    assert "cut short" in reasons["dog/0.png"]
    assert "No such file" in reasons["dog/gone.png"]
    assert "not a file" in reasons["dog/pipe.png"]
    assert [dataset.path(i).relative_to(pets.resolve()).as_posix() for i in range(5)] == [
        "cat/1.png", "cat/3.png", "dog/1.png", "dog/2.png", "dog/3.png",
    ]  # fmt: skip
    assert dataset.labels.tolist() == [0, 0, 1, 1, 1]
    assert len(dataset.digests()) == 5


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_files_without_permission_are_skipped_and_folders_are_named(pets):
    (pets / "cat" / "0.png").chmod(0)
    assert "ermission" in scan(pets).quarantined["quarantine"].iloc[0]
    (pets / "dog").chmod(0)
    try:
        with pytest.raises(DatasetError, match="dog cannot be read"):
            scan(pets)
    finally:
        (pets / "dog").chmod(0o755)


def test_scanning_writes_nothing_into_the_folder(pets):
    for path in (pets, *pets.iterdir()):
        path.chmod(0o555)
    before = sorted((str(p), p.stat().st_mtime_ns) for p in pets.rglob("*"))
    try:
        scan(pets)
        assert sorted((str(p), p.stat().st_mtime_ns) for p in pets.rglob("*")) == before
    finally:
        for path in (pets, *pets.iterdir()):
            path.chmod(0o755)


def test_progress_counts_up_to_the_number_of_images(pets, tmp_path):
    seen = []
    scan(pets, cache=tmp_path / "cache", progress=lambda *step: seen.append(step))
    assert ("hash", 8, 8) in seen and ("scan", 8, 8) in seen
    assert [stage for stage, done, total in seen if done == total] == ["hash", "scan", "compare"]


def test_a_missing_path_or_a_file_is_an_error_that_says_what_to_give(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere does not exist.*one sub-folder of images per class"):
        scan(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"a\.png is a file of another kind; expected a folder"):
        scan(write_noise(tmp_path / "a.png"))


def test_a_folder_without_images_in_class_folders_says_what_was_found_and_expected(tmp_path):
    with pytest.raises(DatasetError, match=r"no images in class folders \(0 other files\).*\.jpg"):
        scan(tmp_path)
    write_noise(tmp_path / "1.png")
    with pytest.raises(
        DatasetError, match=r"\(1 image outside of them, 0 other files\).*sub-folder named after the class"
    ):
        scan(tmp_path)


def test_groups_come_from_the_path_by_a_regular_expression(pets):
    for i in range(2):
        write_noise(pets / "cat" / f"patient{i}" / "x.png", 30 + i)
    groups = scan(pets, groups=r"(patient\d+)").items.set_index("path")["group"]
    assert groups["cat/patient0/x.png"] == "patient0"
    assert groups["cat/patient1/x.png"] == "patient1"
    assert groups["cat/0.png"] == ""


def test_a_file_that_an_archive_names_outside_itself_is_never_opened(tmp_path, pets):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (9, 9)).save(secret)
    rows = [f"{label}/{i}.png,{label}" for label in ("cat", "dog") for i in range(4)]
    (pets / "labels.csv").write_text("\n".join(["path,label", *rows, f"{secret},cat"]))
    archive = shutil.make_archive(str(tmp_path / "pets"), "zip", pets)
    outside = scan(Path(archive), label="label", cache=tmp_path / "cache").quarantined
    assert outside["path"].tolist() == [str(secret)]
    assert outside["n_bytes"].tolist() == [0]
    assert hashlib.sha256(secret.read_bytes()).hexdigest() not in outside["sha256"].tolist()


def test_groups_come_from_exif_data(pets):
    exif = Image.Exif()
    exif[0x0110] = "Nokia 1"
    for label in ("cat", "dog"):
        Image.new("RGB", (16, 12), "red").save(pets / label / "0.png", exif=exif)
    (pets / "dog" / "gone.png").symlink_to(pets / "nowhere.png")
    groups = scan(pets, groups="exif:Model").items.set_index("path")["group"]
    assert groups[["cat/0.png", "dog/0.png"]].tolist() == ["Nokia 1", "Nokia 1"]
    assert (groups == "").sum() == 6


def test_groups_come_from_a_column_of_the_labels(pets):
    rows = [f"{label}/{i}.png,{label},patient {i % 2}" for label in ("cat", "dog") for i in range(4)]
    (pets / "labels.csv").write_text("\n".join(["path,label,patient", *rows]))
    groups = scan(pets / "labels.csv", groups="patient").items.set_index("path")["group"]
    assert groups.tolist() == ["patient 0", "patient 1"] * 4


def test_groups_come_from_a_table(pets, tmp_path):
    table = tmp_path / "groups.csv"
    table.write_text("path,group\ncat/0.png,7\ndog/1.png,7\n")
    groups = scan(pets, groups=str(table)).items.set_index("path")["group"]
    assert (groups["cat/0.png"], groups["dog/1.png"], groups["cat/1.png"]) == ("7", "7", "")


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("(patient", r"neither a CSV file nor a regular expression .*columns path and group"),
        (r"(a)(b)", r"has 2 capturing groups; exactly 1 is needed"),
        (r"patient\d+", r"has 0 capturing groups; exactly 1 is needed"),
        (r"(patient\d+)", r"matches none of the 8 paths, such as 'cat/0\.png'"),
        ("nowhere.csv", r"nowhere\.csv cannot be read as a CSV file"),
    ],
)
def test_an_invalid_specification_of_groups_is_an_error_that_says_why(pets, groups, message):
    with pytest.raises(DatasetError, match=message):
        scan(pets, groups=groups)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,patient\ncat/0.png,7\n", r"has the columns path, patient; the column 'group' is missing"),
        ("path,group\ncat/0.png,7\ncat/0.png,8\n", r"names 'cat/0\.png' more than once"),
        (
            "path,group\npets/cat/9.png,7\n",
            r"names none of the images: it has 'pets/cat/9\.png', the dataset has paths such as 'cat/0\.png'",
        ),
        ("", r"cannot be read as a CSV file"),
    ],
)
def test_an_invalid_table_of_groups_is_an_error_that_says_why(pets, tmp_path, content, message):
    (tmp_path / "groups.csv").write_text(content)
    with pytest.raises(DatasetError, match=message):
        scan(pets, groups=str(tmp_path / "groups.csv"))


def test_every_other_column_of_the_attributes_is_kept_as_text(pets, tmp_path):
    table = tmp_path / "attributes.csv"
    table.write_text("path,age group,site\ncat/0.png,007,Köln\ndog/1.png,60+,\n", encoding="utf-8")
    items = scan(pets, attributes=table).items.set_index("path")
    assert items.loc["cat/0.png", ["attribute.age group", "attribute.site"]].tolist() == ["007", "Köln"]
    assert (items["attribute.age group"] == "").sum() == 6
    assert (items["attribute.site"] == "").sum() == 7


def test_data_out_of_reach_are_named_and_not_what_would_be_beside_them(tmp_path):
    out_of_reach = tmp_path / ("x" * 300)
    with pytest.raises(OSError, match="too long") as raised:
        scan(out_of_reach)
    assert raised.value.filename == str(out_of_reach)
