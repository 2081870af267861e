"""Which texts and labels are found in each layout of the data; images are as they were."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from autotl.errors import DatasetError

TEXTS = (
    "The service was friendly and quick, we will come again.",
    "Cold food; an hour of waiting, and nobody said sorry.",
    "Größe und Form passen,\nwie immer \"perfekt\"!\n\n\n– und günstig",
    "Never again, the room was dirty and loud all night.",
)  # fmt: skip
LABELS = ("good", "bad", "good", "bad")
ROWS = pd.DataFrame({"review": TEXTS, "sentiment": LABELS, "author": ["ann", "bob", "ann", "cid"], "id": list("1234")})


def create_files(root, *paths, content="some words"):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


def labels(source):
    return dict(zip(source.table["path"], source.table["label"], strict=True))


def contents(source):
    """The words of each item that is not missing."""
    kept = source.table[source.table["missing"] == ""]
    return [(source.root / path).read_bytes().decode() for path in kept["path"]]


def write(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix in (".jsonl", ".ndjson"):
        frame.to_json(path, orient="records", lines=True)
    else:
        mark = {".csv": ",", ".tsv": "\t", ".txt": "\t"}[path.suffix]
        frame.to_csv(path, sep=mark, index=False, encoding="utf-16" if path.suffix == ".txt" else "utf-8")
    return path


# Folders


def test_class_folders_of_texts_are_texts(tmp_path, opened):
    create_files(tmp_path / "a", "ham/1.txt", "ham/old/2.EML", "spam/1.html", "spam/2.md", "spam/3.htm", "0.txt")
    create_files(tmp_path / "a", "README.md", "LICENSE.txt", "spam/requirements.txt", "spam/x.pdf")
    source = opened(tmp_path / "a")
    assert source.modality == "text"
    assert labels(source) == {
        "0.txt": "", "ham/1.txt": "ham", "ham/old/2.EML": "ham", "spam/1.html": "spam", "spam/2.md": "spam",
        "spam/3.htm": "spam",
    }  # fmt: skip
    assert source.layout == "one sub-folder per class; 1 unlabelled text beside the class folders"
    assert source.ignored == {"*.md": 1, "*.txt": 2, "*.pdf": 1}


def test_folders_of_a_split_and_around_the_classes_are_read_as_for_images(tmp_path, opened):
    paths = [f"news/{part}/{label}/1.txt" for part in ("train", "test") for label in ("sport", "politics")]
    source = opened(create_files(tmp_path / "a", *paths))
    assert (source.root, source.modality) == (tmp_path / "a" / "news", "text")
    assert set(source.table["given_split"]) == {"train", "test"}
    assert source.layout == "in news: folders train and test, each with one sub-folder per class"


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_of_texts_is_unpacked(tmp_path, opened, kind):
    create_files(tmp_path / "a", "ham/1.txt", "spam/1.eml")
    archive = shutil.make_archive(str(tmp_path / "a"), kind, tmp_path / "a")
    source = opened(tmp_path / f"a.{kind}")
    assert archive
    assert (labels(source), source.modality) == ({"ham/1.txt": "ham", "spam/1.eml": "spam"}, "text")


def test_images_win_over_texts_unless_the_texts_are_asked_for(tmp_path, opened):
    create_files(tmp_path / "a", "cat/1.png", "dog/2.png", "cat/1.txt", "dog/2.txt", "dog/3.txt")
    source = opened(tmp_path / "a")
    assert (source.modality, source.ignored) == ("image", {"*.txt": 3})
    source = opened(tmp_path / "a", text="files")
    assert (source.modality, source.ignored) == ("text", {"*.png": 2})
    assert labels(source) == {"cat/1.txt": "cat", "dog/2.txt": "dog", "dog/3.txt": "dog"}


def test_many_texts_beside_few_images_are_said(tmp_path, opened):
    root = create_files(tmp_path / "a", "cat/1.png", "dog/2.png", *(f"cat/{k}.txt" for k in range(4)))
    assert opened(root).notes == ()
    create_files(root, "dog/5.md")
    (note,) = opened(root).notes
    assert note.message == "5 texts (4 *.txt, 1 *.md) are not read, because there are images, too"
    assert (note.advice, note.severity) == ("To learn from the texts, add --text files.", "info")


def test_images_in_formats_that_are_not_read_are_not_taken_for_texts(tmp_path, opened):
    create_files(tmp_path / "a", "cat/1.dcm", "cat/2.dcm", "dog/1.dcm", "dog/about.txt")
    with pytest.raises(DatasetError, match=r"has no images in class folders .*3 \*\.dcm, 1 \*\.txt"):
        opened(tmp_path / "a")


def test_texts_beside_a_table_that_gives_images_change_nothing(tmp_path, opened):
    create_files(tmp_path / "pictures", "a.png", "b.png")
    root = create_files(tmp_path / "a", "docs/one.md", "more/two.md", "three.txt")
    names = [str(tmp_path / "pictures" / name) for name in ("a.png", "b.png")]
    pd.DataFrame({"path": names, "label": ["x", "y"]}).to_csv(root / "labels.csv", index=False)
    source = opened(root)
    assert (source.modality, labels(source)) == ("image", dict(zip(names, "xy", strict=True)))
    assert source.ignored == {"*.md": 2, "*.txt": 1}


def test_without_class_folders_the_message_speaks_of_texts(tmp_path, opened):
    create_files(tmp_path / "a", "1.txt", "2.txt")
    with pytest.raises(DatasetError, match=r"has no texts in class folders \(2 texts outside .* Put the texts of each"):
        opened(tmp_path / "a")


def test_named_classes_may_be_folders_of_texts(tmp_path, opened):
    create_files(tmp_path / "a", "x/ham/1.txt", "x/spam/2.txt", "other/3.txt")
    source = opened(tmp_path / "a", classes=("ham", "spam"))
    assert labels(source) == {"x/ham/1.txt": "ham", "x/spam/2.txt": "spam", "other/3.txt": ""}
    with pytest.raises(DatasetError, match="no folder with texts is called 'han'"):
        opened(tmp_path / "a", classes=("han",))


# Tables


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.txt", "x.parquet", "x.jsonl", "x.ndjson"])
def test_each_cell_of_the_column_is_a_text_with_the_labels_of_its_row(tmp_path, opened, name):
    source = opened(write(ROWS, tmp_path / name), text="review")
    assert (source.modality, source.label) == ("text", "sentiment")
    assert labels(source) == {f"row-00000{n}.txt": label for n, label in enumerate(LABELS, start=1)}
    assert contents(source) == list(TEXTS)
    assert source.table["attribute.author"].tolist() == ["ann", "bob", "ann", "cid"]
    assert source.layout == f"{name}, texts in the column 'review', labels in the column 'sentiment'"
    assert source.root.is_relative_to(tmp_path / "cache")


def test_a_column_of_texts_is_recognised_and_said(tmp_path, opened):
    source = opened(write(ROWS, tmp_path / "x.csv"))
    assert contents(source) == list(TEXTS)
    assert source.layout == (
        "x.csv, texts in the column 'review' (--text NAME takes another), labels in the column 'sentiment'"
    )


def test_the_texts_are_written_once_and_nothing_beside_the_data(tmp_path, opened):
    table = write(ROWS, tmp_path / "x.csv")
    first = opened(table)
    before = [(path, path.stat().st_mtime_ns) for path in sorted(first.root.iterdir())]
    assert opened(table, text="review", label="author").root == first.root
    assert [(path, path.stat().st_mtime_ns) for path in sorted(first.root.iterdir())] == before
    assert {path.name for path in tmp_path.iterdir()} == {"x.csv", "cache"}
    assert opened(table, text="sentiment", label="author").root != first.root
    assert opened(write(ROWS[::-1], tmp_path / "x.csv")).root != first.root


def test_rows_without_a_text_are_missing_and_said(tmp_path, opened):
    frame = pd.concat([ROWS, ROWS.assign(review=["", " \n", "NaN", None])])
    source = opened(write(frame, tmp_path / "x.csv"), text="review")
    assert source.table["missing"].tolist() == [""] * 4 + ["the row contains no text"] * 4
    assert len(contents(source)) == 4
    assert source.notes[0].message == (
        "4 of 8 rows have no text and are skipped: their 'review' is empty or a word for no value, such as in row 5"
    )


def test_a_column_gives_the_split_and_repeated_texts_stay_rows_of_their_own(tmp_path, opened):
    frame = pd.concat([ROWS, ROWS]).assign(split=["train"] * 4 + ["test"] * 4)
    source = opened(write(frame, tmp_path / "x.csv"))
    assert source.table["given_split"].tolist() == ["train"] * 4 + ["test"] * 4
    assert contents(source) == [*TEXTS, *TEXTS]


def test_pasted_cells_with_quotes_and_lines_read_right(tmp_path, opened):
    pasted = "sentiment\treview\r\n" + "".join(
        '{}\t"{}"\r\n'.format(label, text.replace('"', '""')) for label, text in zip(LABELS, TEXTS, strict=True)
    )
    (tmp_path / "x.txt").write_bytes(pasted.encode("utf-16"))
    assert contents(opened(tmp_path / "x.txt")) == list(TEXTS)


def test_a_table_without_a_header_is_recognised_by_its_texts(tmp_path, opened):
    (tmp_path / "sms.tsv").write_text(
        "".join(f"{k}\tSome words of a message, number {n}\n" for n, k in enumerate(LABELS))
    )
    source = opened(tmp_path / "sms.tsv")
    assert source.table["label"].tolist() == list(LABELS)
    assert source.layout.startswith("sms.tsv, which has no header, texts in the column 'column 2' (--text NAME")
    assert opened(tmp_path / "sms.tsv", text="column 2", label="column 1").root == source.root


def test_a_first_row_that_may_be_a_text_is_said_with_the_numbers_of_the_columns(tmp_path, opened):
    (tmp_path / "x.tsv").write_text(
        "".join(f"{n}\t{n / 7}\tThe text of row number {n}, more or less\n" for n in range(9))
    )
    with pytest.raises(DatasetError, match=r"a text and no header: .* --text 'column 3' --label 'column 1'\.$"):
        opened(tmp_path / "x.tsv")
    assert len(opened(tmp_path / "x.tsv", text="column 3", label="column 2").table) == 9


def test_one_column_per_class_labels_texts_too(tmp_path, opened):
    frame = ROWS[["review"]].assign(good=[1, 0, 1, 0], bad=[0, 1, 0, 1])
    source = opened(write(frame, tmp_path / "x.csv"))
    assert source.table["label"].tolist() == list(LABELS)
    assert source.layout.endswith("another), one column per class")


def test_a_column_may_name_text_files(tmp_path, opened):
    create_files(tmp_path / "letters", "a.txt", "b.eml", "c.txt")
    table = pd.DataFrame({"file": ["a.txt", "letters/b.eml", "gone.txt", ""], "label": [*"xyxy"], "note": ["n"] * 4})
    for options in ({}, {"text": "file"}):
        source = opened(write(table, tmp_path / "x.csv"), **options)
        assert (source.root, source.modality) == (tmp_path, "text")
        assert labels(source) == {"letters/a.txt": "x", "letters/b.eml": "y", "gone.txt": "x", "row-000004": "y"}
        assert source.layout == "x.csv, texts in the files that the column 'file' names, labels in the column 'label'"
        assert source.notes[0].message.startswith("2 of 4 rows have no text and are skipped")


def test_a_table_in_a_folder_of_texts_labels_them(tmp_path, opened):
    create_files(tmp_path / "a", "letters/1.txt", "letters/2.txt", "letters/3.txt")
    write(pd.DataFrame({"id": ["1", "2"], "label": ["x", "y"]}), tmp_path / "a" / "labels.csv")
    source = opened(tmp_path / "a")
    assert labels(source) == {"letters/1.txt": "x", "letters/2.txt": "y", "letters/3.txt": ""}


def test_a_folder_with_tables_of_texts_for_each_part_of_a_split(tmp_path, opened):
    create_files(tmp_path / "a", "README.md")
    write(ROWS, tmp_path / "a" / "train.csv")
    write(ROWS[["id", "review"]][:2], tmp_path / "a" / "test.csv")
    source = opened(tmp_path / "a")
    assert source.modality == "text"
    assert source.table.groupby("given_split")["label"].apply(list).to_dict() == {
        "test": ["", ""], "train": list(LABELS),
    }  # fmt: skip
    assert contents(source) == [*TEXTS[:2], *TEXTS] or contents(source) == [*TEXTS, *TEXTS[:2]]
    assert "texts in the column 'review'" in source.layout


def test_a_table_of_texts_in_a_folder_is_found_whatever_else_is_there(tmp_path, opened):
    create_files(tmp_path / "a", "cat/1.png", "dog/2.png", "notes.txt")
    write(ROWS, tmp_path / "a" / "reviews.csv")
    assert opened(tmp_path / "a").modality == "image"
    source = opened(tmp_path / "a", text="review")
    assert contents(source) == list(TEXTS)
    assert source.ignored == {"*.png": 2, "*.txt": 1}


def test_json_lines_beside_another_table_are_left_alone(tmp_path, opened):
    create_files(tmp_path / "a", "1.png", "2.png")
    write(pd.DataFrame({"path": ["1.png", "2.png"], "label": ["x", "y"]}), tmp_path / "a" / "labels.csv")
    write(pd.DataFrame({"file_name": ["1.png"], "label": ["z"]}), tmp_path / "a" / "metadata.jsonl")
    source = opened(tmp_path / "a")
    assert labels(source) == {"1.png": "x", "2.png": "y"}
    (tmp_path / "a" / "labels.csv").unlink()
    assert labels(opened(tmp_path / "a")) == {"1.png": "z", "2.png": ""}


REFUSED = {
    "an unknown column": ({}, {"text": "reveiw"}, r"no column 'reveiw'.* Did you mean 'review'\?"),
    "a column far from any": ({}, {"text": "q"}, "no column 'q'; its columns are review, .* with --text NAME"),
    "capitals": ({}, {"text": "REVIEW"}, r"Did you mean 'review'\?"),
    "one column for both": ({}, {"text": "review", "label": "review"}, "with --text and with --label. Give two"),
    "an empty column": ({"review": ""}, {"text": "review"}, "is empty in all of its 4 rows. Fill it in"),
    "names of images": ({"review": "a.png"}, {"text": "review"}, "names images, such as 'a.png'. Name the column of"),
    "files that are not there": ({"review": "a.txt"}, {"text": "review"}, "names no existing text: .*'a.txt'"),
    "two columns of texts": ({"comment": TEXTS}, {}, "several columns that may hold the texts: 'comment', 'review'"),
    "missing images": ({"path": "gone.png"}, {}, r"names no existing image: .*'gone\.png'.* add --text 'review'"),
    "no label": ({"sentiment": "", "x": "", "y": ""}, {"label": "sentiment"}, "is empty for all 4 texts"),
    "labels in doubt": (
        {"sentiment": None, "mood": list("abab"), "age": list("1234")}, {}, "not clear which column .* has the labels",
    ),
    "names as labels": (
        {"review": TEXTS[0], "sentiment": [f"name {k}" for k in range(40)], "author": "a", "id": "1"}, {},
        "40 different values in 40 texts, most of them once: that is a name of each text",
    ),
    "several parts": (
        {"is_train": "1", "is_test": "1"}, {}, "is in several parts of the split.*Each text can be in one only",
    ),
    "several classes": ({"sentiment": None, "author": None, "a": "1", "b": "1"}, {}, "AutoTL learns one per text"),
    "no rows": ({"review": []}, {"text": "review"}, "has no rows. Add one for each text, with its words and its label"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path, opened, kind):
    changed, options, message = REFUSED[kind]
    columns = {**ROWS.to_dict("list"), **changed}
    columns = {name: values for name, values in columns.items() if values is not None}
    n = next((len(values) for values in changed.values() if isinstance(values, list)), len(ROWS))
    frame = pd.DataFrame({name: [v] * n if isinstance(v, str) else list(v)[:n] for name, v in columns.items()})
    with pytest.raises(DatasetError, match=message):
        opened(write(frame, tmp_path / "x.csv"), **options)


def test_an_unknown_column_of_a_folder_is_refused_with_the_nearest(tmp_path, opened):
    root = create_files(tmp_path / "a", "ham/1.txt", "spam/2.txt")
    with pytest.raises(DatasetError, match=r"has the column 'body' given with --text\. .*--text files takes the text"):
        opened(root, text="body")
    write(ROWS, root / "one.csv")
    with pytest.raises(DatasetError, match=r"no column 'reviews'.* Did you mean 'review'"):
        opened(root, text="reviews")
    write(ROWS, root / "two.csv")
    with pytest.raises(DatasetError, match=r"no table at the top .*'reviews' given with --text.*Did you mean 'review'"):
        opened(root, text="reviews")
    with pytest.raises(DatasetError, match="has 2 tables that may contain the labels"):
        opened(root, text="review")


def test_a_column_of_bytes_is_no_column_of_texts(tmp_path, opened):
    pd.DataFrame({"x": [b"a", b"b"], "label": ["a", "b"]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DatasetError, match=r"'x' of .* given with --text, holds images or other bytes, not texts"):
        opened(tmp_path / "x.parquet", text="x")


@pytest.mark.parametrize(
    ("name", "message"), [("a.txt", "a single text, no table; expected"), ("a.json", r"\.jsonl\.$")]
)
def test_a_single_text_is_no_dataset(tmp_path, opened, name, message):
    create_files(tmp_path, name, content="Dear Sir\n\nIt is late.")
    with pytest.raises(DatasetError, match=message):
        opened(tmp_path / name)
