"""Tables as people write them: whatever the columns, separator, paths and words, every image ends in one place."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotl.data.source import open_source

CLASSES = ("cat", "dog", "None")
FILES = [f"{label}/{i:03d}.png" for label in CLASSES for i in range(4)]
FORMS = (
    "{}", "./{}", "/home/somebody/pets/{}", "D:\\pets\\{}", "data/{}", "../pets/{}", "https://host/pets/{}?size=9",
    "file:///C:/My%20Images/{}", "s3://bucket/pets/{}", "PETS/{}",
)  # fmt: skip
IMAGE_COLUMNS = ("path", "image", "File Name", "IMG", "image-id", "photo", "Bild")
LABEL_COLUMNS = ("label", "Class Name", "CATEGORY", "species", "target", "y")
OTHERS = ("site", "age", "group", "item", "error", "given_split", "missing", "sha256", "quarantine", "fold")
NO_VALUE = ("", "NA", "n/a", "nan", "NULL", "?", "-", " ")
PARTS = {
    "train": ("train", "Training", "TRAIN"), "validation": ("val", "valid", "dev"), "test": ("test", "Testing"),
    "out": ("unused", "", "extra", "NaN"),
}  # fmt: skip


@st.composite
def tables(draw):
    """A table: its rows by column, how they are written, and what each row must become."""
    draw_one = lambda options: draw(st.sampled_from(options))  # noqa: E731 - said twenty times below
    files = draw(st.permutations(FILES))[: draw(st.integers(4, len(FILES)))]
    form, image, label = draw_one(FORMS), draw_one(IMAGE_COLUMNS), draw_one(LABEL_COLUMNS)
    others = draw(st.lists(st.sampled_from(OTHERS), unique=True, max_size=3))
    split = draw_one(("", "", "split", "Subset", "partition", "data split"))
    rows, expected = [], {}
    for number, file in enumerate(files):
        text = file.split("/")[0] if number < 2 else draw_one((file.split("/")[0], *NO_VALUE))
        part = ("train", "test")[number] if number < 2 else draw_one(tuple(PARTS))
        there = number < 2 or draw(st.booleans())
        path = file if there else file.replace(".png", "9.png")
        row = {image: form.format(path.replace("/", "\\") if "\\" in form else path), label: text}
        row |= {split: draw_one(PARTS[part])} if split else {}
        rows.append(row | {name: f"{name} {number}" for name in others})
        labelled = text in CLASSES
        state = "skipped" if not there else "class" if labelled else "unlabelled"
        if split and there and labelled and part == "out":
            state = "excluded"
        expected[file] = (state, text if labelled else "", part if split and part != "out" else "")
    columns = draw(st.permutations(list(rows[0])))
    written = {
        "mark": draw_one((",", ";", "\t", "|")), "encoding": draw_one(("utf-8", "utf-8-sig", "utf-16", "cp1252")),
        "end": draw_one(("\n", "\r\n")), "quoted": draw(st.booleans()), "gap": draw_one(("", "\n", ",,,")),
        "header": bool(others or split) or image == "Bild" or draw(st.booleans()),
    }  # fmt: skip
    return rows, columns, written, label, expected


def text_of(rows, columns, written):
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if written["quoted"] else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=written["mark"], quoting=quoting, lineterminator=written["end"])
    if written["header"]:
        writer.writerow(columns)
    writer.writerows([row[name] for name in columns] for row in rows)
    return out.getvalue() + (
        written["end"] if written["gap"] == "\n" else written["mark"] * 1 if written["gap"] else ""
    )


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """Three folders with images of the same names."""
    root = tmp_path_factory.mktemp("pets")
    for file in FILES:
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).touch()
    return root


@settings(derandomize=True, deadline=None, max_examples=150)
@given(tables())
def test_every_image_of_a_table_is_in_a_class_unlabelled_or_left_out_with_a_reason(pets, table):
    rows, columns, written, label, expected = table
    (pets / "x.csv").write_bytes(text_of(rows, columns, written).encode(written["encoding"]))
    source = open_source(pets / "x.csv", cache=pets / "cache")
    assert source.table["path"].is_unique
    found = {}
    for row in source.table.itertuples():
        reason = str(row.missing)
        state = (
            "excluded"
            if reason.startswith("excluded")
            else "skipped"
            if reason
            else "class"
            if row.label
            else "unlabelled"
        )
        name = next(file for file in FILES if file.split(".")[0] in str(row.path).replace("\\", "/"))
        found[name] = (state, row.label, row.given_split)
    assert found == expected
    number = columns.index(label) + 1
    column = label if written["header"] else f"column {number}"
    assert source.layout.startswith("x.csv") and f"column {column!r}" in source.layout
    assert any("x.csv" in note.message or "rows" in note.message for note in source.notes) or not any(
        state == "skipped" for state, _, _ in found.values()
    )
