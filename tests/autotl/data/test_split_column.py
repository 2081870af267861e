"""A split in a table is respected, and no word in it is passed over."""

from __future__ import annotations

import pandas as pd
import pytest

from autotl.data.split_column import read_split
from autotl.errors import DatasetError


def split_in(name="split", *words, **more):
    frame = pd.DataFrame({name: list(words), **more}, dtype=str)
    return read_split(frame, list(frame.columns), "x.csv")


@pytest.mark.parametrize(
    ("name", "words", "parts"),
    [
        ("split", ["train", "dev", "test"], ["train", "validation", "test"]),
        ("Split", ["Train", " TEST ", "VALID"], ["train", "test", "validation"]),
        ("subset", ["training", "testing", "validation"], ["train", "test", "validation"]),
        ("Usage", ["Training", "PublicTest", "Private Test"], ["train", "test", "test"]),
        ("partition", ["0", "1", "2"], ["train", "validation", "test"]),
        ("where", ["train", "test", "test"], ["train", "test", "test"]),
        ("split", ["test", "", ""], ["test", "", ""]),
        ("split", ["Training set", "Validation set", "Test set"], ["train", "validation", "test"]),
        ("split", ["entrenamiento", "validación", "prueba"], ["train", "validation", "test"]),
        ("split", ["训练集", "验证集", "测试集"], ["train", "validation", "test"]),
        ("is_train", ["True", "FALSE", "1"], ["train", "test", "train"]),
        ("Is Training Image", ["yes", "no", "no"], ["train", "test", "test"]),
        ("is_test", ["0", "1", "0"], ["train", "test", "train"]),
        ("is_val", ["f", "t", ""], ["train", "validation", "train"]),
    ],
)
def test_people_write_a_split_in_many_ways(name, words, parts):
    found = split_in(name, *words)
    assert (found.columns, found.parts.tolist(), set(found.left_out)) == ((name,), parts, {""})


def test_several_columns_of_true_and_false_make_one_split():
    flags = {"is_val": ["0", "1", "0", "0"], "is_test": ["0", "0", "1", "0"]}
    found = split_in("is_train", "1", "0", "0", "0", **flags)
    assert found.columns == ("is_train", "is_val", "is_test")
    assert found.parts.tolist() == ["train", "validation", "test", ""]
    assert found.left_out.tolist()[3] == "none of is_train, is_val, is_test is true"
    with pytest.raises(DatasetError, match=r"row 2 of x\.csv is in several parts"):
        split_in("is_train", "1", "1", is_test=["0", "1"])


@pytest.mark.parametrize("word", ["unused", "Extra", "", "NaN", "-", "left out"])
def test_rows_that_a_word_leaves_out_are_left_out_by_name(word):
    found = split_in("split", "train", word, "test", word)
    assert found.parts.tolist() == ["train", "", "test", ""]
    labelled = pd.Series([True, True, True, False])
    of_labelled = found.of_labelled(labelled, "x.csv")
    assert [bool(reason) for reason in of_labelled.left_out] == [False, True, False, False]
    assert (repr(word) if word else "empty") in of_labelled.notes[-1].message


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("split", ["train", "tets", "tets"], r"has 'tets' in 2 rows such as row 2, which is none of train"),
        ("split", ["train", "test", "3"], r"has '3' in 1 row such as row 3"),
        ("split", ["0", "1", "1"], r"has 0, 1, which do not say which part"),
        ("split", ["True", "False", "True"], r"has false, true, which do not say"),
        ("partition", [str(i) for i in range(400)], r"has 0, 1, 10, .* and 390 more, which do not say"),
    ],
)
def test_other_words_are_an_error_that_names_them(name, words, message):
    with pytest.raises(DatasetError, match=message):
        split_in(name, *words)


@pytest.mark.parametrize(
    ("name", "words", "note"),
    [
        ("split", ["left", "right"], "'split' is not read as a split: it has left, right"),
        ("set", ["1", "2"], "'set' is not read as a split"),
        ("fold", ["0", "1"], "'fold' gives folds; AutoTL makes its own"),
    ],
)
def test_a_column_that_is_no_split_is_named(name, words, note):
    found = split_in(name, *words)
    assert (found.columns, set(found.parts)) == ((), {""})
    assert note in found.notes[0].message


@pytest.mark.parametrize(("name", "words"), [("kind", ["train", "car"]), ("train", ["0", "1"]), ("is_cat", ["0", "1"])])
def test_a_class_called_train_is_no_split(name, words):
    assert split_in(name, *words).columns == ()
