"""Which pairs of an image and a text are found in tables and folders, and when images or texts are taken alone."""

from __future__ import annotations

import base64
import json
import shutil

import pandas as pd
import pytest
from pairs_on_disk import write_listing

from autotl.errors import DatasetError

N = 8
TOLD = "pairs of images in the files that the column 'photo' names and texts in the column 'description'"


@pytest.fixture
def shop(tmp_path):
    """A folder with a listing of eight photos and descriptions."""
    write_listing(tmp_path / "shop", N)
    return tmp_path / "shop"


@pytest.fixture
def change(shop):
    """Write the listing again with other columns: change(photo=[...], extra=None) -> its path."""

    def change(n=N, to="listing.csv", **columns):
        frame = pd.read_csv(shop / "listing.csv", dtype=str)[:n].assign(**columns)
        frame = frame[[name for name in frame if columns.get(name, "") is not None]]
        path = shop / to
        if path.suffix == ".parquet":
            frame.to_parquet(path)
        elif path.suffix == ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        else:
            frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
        if to != "listing.csv":
            (shop / "listing.csv").unlink()
        return path

    return change


def parts(source):
    """The bytes of the image and the text of each pair that is not missing."""
    found = []
    for path in source.table["path"][source.table["missing"] == ""]:
        pair = json.loads((source.root / path).read_text())
        image, text = (source.root / pair[part]["path"] for part in ("image", "text"))
        found.append((image.read_bytes(), text.read_text()))
    return found


def expected(shop):
    frame = pd.read_csv(shop / "listing.csv", dtype=str)
    photos = [shop / "photos" / f"{row:03d}.png" for row in range(len(frame))]
    return [(photo.read_bytes(), text) for photo, text in zip(photos, frame["description"], strict=True)]


# What is a pair


@pytest.mark.parametrize("name", ["listing.csv", "listing.tsv", "listing.parquet", "listing.jsonl"])
def test_each_row_with_an_image_and_a_text_is_a_pair(shop, change, opened, name):
    wanted = expected(shop)
    source = opened(change(to=name), text="description")
    assert (source.modality, source.label) == ("pair", "label")
    assert source.table["path"].tolist() == [f"row-{row:06d}.pair" for row in range(1, N + 1)]
    assert source.table["label"].tolist() == ["0 cancer", "1 cancer", "0 wine", "1 wine"] * 2
    assert parts(source) == wanted
    assert source.layout == f"{name}, {TOLD}, labels in the column 'label'"
    assert not any(name.startswith("attribute.") for name in source.table)


def test_texts_are_learned_from_only_if_they_are_asked_for(shop, opened):
    source = opened(shop / "listing.csv")
    assert (source.modality, source.table["path"][0]) == ("image", "photos/000.png")
    (note,) = source.notes
    assert note.message == "the column 'description' holds texts, which are not learned from"
    assert note.advice == "To learn from the images and these texts together, add --text description."
    assert note.severity == "info"


def test_none_for_the_images_leaves_the_texts(shop, opened):
    for options in ({}, {"text": "description"}):
        source = opened(shop / "listing.csv", image="none", **options)
        assert (source.modality, source.notes) == ("text", ())
        assert source.table["attribute.photo"][0] == "photos/000.png"


def test_the_column_of_images_may_be_named(shop, change, opened):
    names = [f"photos/{row:03d}.png" for row in range(N)]
    table = change(back=names[::-1], front=None)
    source = opened(table, image="back")
    assert (source.modality, source.layout) == ("image", "listing.csv, column 'label'")
    assert source.table["attribute.photo"].tolist() == names[::-1]
    assert [image for image, _ in parts(opened(table, image="back", text="description"))] == [
        (shop / name).read_bytes() for name in names[::-1]
    ]
    assert [image for image, _ in parts(opened(table, text="description"))] == [
        (shop / name).read_bytes() for name in names
    ]


@pytest.mark.parametrize("as_text", [False, True])
def test_images_may_be_stored_in_the_table(shop, change, opened, as_text):
    wanted = expected(shop)
    stored = [image for image, _ in wanted]
    if as_text:
        stored = [base64.b64encode(image).decode() for image in stored]
    source = opened(change(photo=stored, to="listing.parquet"), text="description")
    assert (source.modality, parts(source)) == ("pair", wanted)
    assert source.layout.startswith("listing.parquet, pairs of images in the column 'photo' and texts in the column")


def test_texts_may_be_in_files_that_the_table_names(shop, change, opened):
    wanted = expected(shop)
    (shop / "texts").mkdir()
    for row, (_, text) in enumerate(wanted):
        (shop / "texts" / f"{row}.txt").write_text(text)
    table = change(description=[f"texts/{row}.txt" for row in range(N)])
    source = opened(table, text="description")
    assert (source.modality, parts(source)) == ("pair", wanted)
    assert "and texts in the files that the column 'description' names" in source.layout


def test_names_without_an_ending_are_those_of_images_where_most_are_found(shop, change, opened):
    table = change(photo=None, image_id=[f"{row:03d}" for row in range(N)])
    assert opened(table, text="description").modality == "pair"
    table = change(image_id=None, id=[f"{row:03d}" for row in range(N)])
    assert opened(table, text="description").modality == "text"  # a number of a row may be the name of a file as well
    assert opened(table, text="description", image="id").modality == "pair"
    assert opened(shop, text="description").modality == "pair"
    change(id=["000", "001", *"abcdef"])
    assert opened(shop, text="description").modality == "text"


# Rows that lack a part


def test_a_row_that_lacks_its_image_or_its_text_is_skipped_and_said(shop, change, opened):
    photos = ["photos/000.png", "gone.png", "", *(f"photos/{row:03d}.png" for row in range(3, N))]
    texts = pd.read_csv(shop / "listing.csv")["description"].tolist()
    source = opened(change(photo=photos, description=[*texts[:3], "", "n/a", *texts[5:]]), text="description")
    assert source.table["missing"].tolist() == [
        "", "its image: there is no such file", "its image: the row names no file",
        "its text: the row contains no text", "its text: the row contains no text", *[""] * 3,
    ]  # fmt: skip
    assert [note.message for note in source.notes] == [
        "2 of 8 rows have no image and are skipped: 1 because there is no such file, 1 because the row names no file, "
        "such as gone.png",
        "2 of 8 rows have no text and are skipped: their 'description' is empty or a word for no value, such as in "
        "row 4",
    ]
    assert len(parts(source)) == 4


def test_stored_images_that_are_none_are_missing(shop, change, opened):
    stored = [(shop / "photos" / f"{row:03d}.png").read_bytes() for row in range(N)]
    source = opened(change(photo=[b"", b"no image", *stored[2:]], to="listing.parquet"), text="description")
    assert source.table["missing"].tolist()[:3] == [
        "its image: the row contains no image", "its image: the row does not contain an image of a known format", "",
    ]  # fmt: skip
    assert source.notes[0].message == (
        "2 of 8 rows have no image and are skipped, such as row 1: the row contains no image"
    )


def test_images_that_are_not_there_leave_the_texts_and_are_said(shop, change, opened):
    shutil.rmtree(shop / "photos")
    source = opened(shop / "listing.csv", text="description")
    assert source.modality == "text"
    assert source.notes[0].message == (
        "the column 'photo' names images, none of which was found, such as 'photos/000.png': the texts alone are "
        "learned from"
    )
    assert opened(shop / "listing.csv", text="description", image="none").notes == ()


# Folders, splits and other tables


def test_images_of_a_folder_that_no_row_names_count_as_other_files(shop, change, opened):
    change(n=6)
    source = opened(shop, text="description")
    assert (source.modality, len(source.table), source.ignored) == ("pair", 6, {"*.png": 2})


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_of_a_table_with_its_photos_gives_pairs(shop, opened, kind):
    shutil.make_archive(str(shop), kind, shop.parent, shop.name)
    source = opened(shop.with_suffix(f".{kind}"), text="description")
    assert (source.modality, parts(source)) == ("pair", expected(shop))


def test_a_table_beside_class_folders_of_images_gives_pairs_if_it_is_asked_for(shop, change, opened):
    names = []
    for row in range(N):
        name = f"{'even' if row % 2 == 0 else 'odd'}/{row:03d}.png"
        (shop / name).parent.mkdir(exist_ok=True)
        shutil.move(shop / "photos" / f"{row:03d}.png", shop / name)
        names.append(name)
    change(photo=names)
    assert set(opened(shop).table["label"]) == {"even", "odd"}
    source = opened(shop, text="description")
    assert (source.modality, source.label) == ("pair", "label")


def test_a_column_of_the_table_gives_the_split(change, opened):
    source = opened(change(split=["train"] * 4 + ["test"] * 4), text="description")
    assert source.table["given_split"].tolist() == ["train"] * 4 + ["test"] * 4
    assert source.layout.endswith("; split by the column 'split'")


@pytest.mark.parametrize("alone", [False, True])
def test_the_folders_of_the_images_give_the_split(shop, change, opened, alone):
    photos = [f"photos/{'train' if row < 6 else 'test'}/{row:03d}.png" for row in range(N)]
    for row, photo in enumerate(photos):
        (shop / photo).parent.mkdir(exist_ok=True)
        shutil.move(shop / "photos" / f"{row:03d}.png", shop / photo)
    table = change(photo=photos)
    source = opened(table if alone else shop, text="description")
    assert source.table["given_split"].tolist() == ["train"] * 6 + ["test"] * 2
    assert source.layout.endswith("; split by the folders train and test")


def test_folders_around_the_data_give_no_split(tmp_path, opened):
    write_listing(tmp_path / "train" / "shop", N)
    source = opened(tmp_path / "train" / "shop" / "listing.csv", text="description")
    assert set(source.table["given_split"]) == {""}


def test_one_table_for_each_part_gives_pairs_of_each(shop, opened):
    frame = pd.read_csv(shop / "listing.csv", dtype=str)
    frame[:5].to_csv(shop / "train.csv", index=False)
    frame[5:].drop(columns="label").to_csv(shop / "test.csv", index=False)
    (shop / "listing.csv").unlink()
    source = opened(shop, text="description")
    assert source.modality == "pair"
    given = source.table.groupby("given_split")["label"].apply(list).to_dict()
    assert given == {"train": ["0 cancer", "1 cancer", "0 wine", "1 wine", "0 cancer"], "test": [""] * 3}
    assert len({image for image, _ in parts(source)}) == N
    assert source.ignored == {}


def test_attributes_and_labels_of_another_table_go_by_the_images(shop, change, opened, tmp_path):
    table = pd.DataFrame({"path": [f"photos/{row:03d}.png" for row in range(N)], "seller": [*"aabbccdd"]})
    table.assign(grade=[*"xyxyxyxy"]).to_csv(tmp_path / "more.csv", index=False)
    source = opened(shop / "listing.csv", text="description", attributes=tmp_path / "more.csv")
    assert source.table["attribute.seller"].tolist() == [*"aabbccdd"]
    source = opened(shop / "listing.csv", text="description", attributes=tmp_path / "more.csv", label="grade")
    assert source.table["label"].tolist() == [*"xyxyxyxy"]


# The files in the cache


def test_pairs_are_written_once_for_their_content_and_place(shop, opened):
    first = opened(shop / "listing.csv", text="description")
    before = [(path, path.stat().st_mtime_ns) for path in sorted(first.root.iterdir())]
    assert opened(shop, text="description", image="photo").root == first.root
    assert [(path, path.stat().st_mtime_ns) for path in sorted(first.root.iterdir())] == before
    assert {path.name for path in shop.iterdir()} == {"listing.csv", "photos"}


def test_a_table_that_moved_names_the_images_at_their_new_place(shop, opened):
    first = opened(shop / "listing.csv", text="description")
    wanted = parts(first)
    moved = shop.rename(shop.with_name("moved"))
    second = opened(moved / "listing.csv", text="description")
    assert second.root != first.root
    assert parts(second) == wanted
    assert set(second.table["image.path"]) == {str(path) for path in (moved / "photos").iterdir()}


def test_an_image_that_is_added_later_completes_its_pair(shop, opened):
    photo = shop / "photos" / "003.png"
    data = photo.read_bytes()
    photo.unlink()
    assert len(parts(opened(shop / "listing.csv", text="description"))) == N - 1
    photo.write_bytes(data)
    assert parts(opened(shop / "listing.csv", text="description")) == expected(shop)


# What is refused

REFUSED = {
    "an unknown column of images": ({}, {"image": "foto"}, r"no column 'foto'.* Did you mean 'photo'\?"),
    "labels as images": (
        {}, {"image": "label"},
        "'label' of .*, given with --image, does not name images: it has '0 cancer', and no image below .* the columns "
        "are photo, description, label",
    ),
    "an empty column": ({"photo": ""}, {"image": "photo"}, "'photo' .* --image, is empty in all of its 8 rows. Fill"),
    "one column for images and texts": ({}, {"image": "description"}, "named with --image and with --text. Give two"),
    "one column for images and labels": (
        {}, {"image": "photo", "label": "photo"}, "named with --image and with --label. Give two"
    ),
    "images as texts": ({}, {"text": "photo"}, "'photo' of .*, given with --text, names images"),
    "images that are not there": (
        {"photo": "gone.png"}, {"image": "photo"},
        r"names no existing image: its column 'photo' has 'gone\.png', .* --image none leaves images out",
    ),
    "a name in doubt": (
        {"photo": "000"}, {"image": "photo"}, "names no image without doubt: .*photos/000.jpg, photos/000.png"
    ),
    "no label": ({"label": ""}, {"label": "label"}, "'label' is empty for all 8 pairs"),
    "labels in doubt": ({"label": None, "mood": [*"abababab"], "age": [*"12345678"]}, {}, "not clear which column"),
    "several labels": (
        {"label": None, "a": "1", "b": "1", "c": [*"01010101"]}, {}, "AutoTL learns one per pair"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_with_what_to_do(shop, change, opened, kind):
    changed, options, message = REFUSED[kind]
    shutil.copy(shop / "photos" / "000.png", shop / "photos" / "000.jpg")
    with pytest.raises(DatasetError, match=message):
        opened(change(**changed), **{"text": "description"} | options)


def test_no_row_with_both_is_refused(shop, change, opened):
    texts = pd.read_csv(shop / "listing.csv")["description"].tolist()
    table = change(
        photo=[f"photos/{row:03d}.png" for row in range(4)] + ["gone.png"] * 4, description=[""] * 4 + texts[4:]
    )
    with pytest.raises(
        DatasetError,
        match=r"no row of .*listing.csv has both an image and a text: 4 of 8 have no image \(there is no such file\) "
        r"and 4 of 8 have no text \(the row contains no text\)\. Complete the rows, or .* --image none for the texts",
    ):
        opened(table, text="description")


def test_a_folder_without_a_table_has_no_column_of_images(shop, opened):
    (shop / "listing.csv").unlink()
    (shop / "photos" / "cat").mkdir()
    with pytest.raises(DatasetError, match=r"no table at the top of .* has the column 'photo' given with --image\."):
        opened(shop, image="photo")
    with pytest.raises(DatasetError, match=r"--image none leaves the images of .* out, and it has no table .* --text"):
        opened(shop, image="none")


def test_without_a_column_of_texts_none_for_the_images_is_refused(change, opened):
    with pytest.raises(
        DatasetError,
        match=r"texts alone were asked for \(--image none\), and .* has no column that holds them; .*--text",
    ):
        opened(change(description=None), image="none")
    table = change(text="Some words of one kind", body="Some words of another")
    with pytest.raises(DatasetError, match=r"has several columns that may hold them \('text', 'body'\)"):
        opened(table, image="none")
