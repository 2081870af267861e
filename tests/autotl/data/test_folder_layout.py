"""Class folders are recognised inside the folders of a split, around them, and without a split."""

from __future__ import annotations

import pytest

from autotl.data.folder_layout import read_folders


def read(*paths):
    """(label, split) per path."""
    names = read_folders(paths)
    return list(zip(names.labels, names.splits, strict=True))


def test_each_folder_is_a_class_and_nested_folders_belong_to_the_class_above():
    assert read("cat/1.png", "cat/indoors/sofa/2.jpg", "dog/1.png") == [
        ("cat", ""),
        ("cat", ""),
        ("dog", ""),
    ]
    assert read_folders(["cat/1.png"]).layout == "one sub-folder per class"
    assert read_folders(["1.png"]).layout == "images without class folders"


@pytest.mark.parametrize("folder", ["unlabelled", "Unlabeled", "_unlabelled", "_UNLABELED"])
def test_images_beside_the_class_folders_and_in_a_folder_for_them_are_unlabelled(folder):
    assert read("0.png", "cat/1.png", f"{folder}/2.png", f"{folder}/deep/3.png") == [
        ("", ""), ("cat", ""), ("", ""), ("", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        *((name, "train") for name in ("train", "Training", "trn")),
        *((name, "validation") for name in ("val", "VALID", "validation", "dev", "development")),
        *((name, "test") for name in ("test", "testing", "tst", "holdout", "Hold-Out", "eval", "evaluation")),
    ],
)
def test_folders_named_like_parts_of_a_split_are_a_split(folder, split):
    outside, inside = (
        [f"{folder}/cat/1.png", f"{folder}/dog/deep/2.png"],
        [f"cat/{folder}/1.png", f"dog/{folder}/2.png"],
    )
    assert read(*outside) == read(*inside) == [("cat", split), ("dog", split)]
    assert read_folders(outside).layout == f"folder {folder}, with one sub-folder per class"
    assert read_folders(inside).layout == f"one sub-folder per class, each with folder {folder}"


def test_images_of_a_split_without_a_class_are_unlabelled():
    assert read("5.png", "train/cat/1.png", "test/6.png", "train/unlabelled/7.png", "unlabelled/deep/8.png") == [
        ("", ""), ("cat", "train"), ("", "test"), ("", "train"), ("", ""),
    ]  # fmt: skip


def test_in_a_split_within_classes_other_images_have_no_split():
    paths = ["0.png", "cat/1.png", "cat/train/2.png", "dog/test/deep/3.png", "unlabelled/4.png"]
    assert read(*paths) == [("", ""), ("cat", ""), ("cat", "train"), ("dog", "test"), ("", "")]


@pytest.mark.parametrize(
    ("paths", "layout"),
    [
        (
            ["test/cat/1.png", "val/cat/2.png", "train/dog/3.png"],
            "folders train, val and test, each with one sub-folder per class",
        ),
        (
            ["train/cat/1.png", "test/3.png"],
            "folders train and test, one sub-folder per class in train; 1 unlabelled image in test",
        ),
        (["train/1.png", "test/3.png"], "folders train and test, without class folders"),
        (["cat/train/1.png", "cat/test/2.png"], "one sub-folder per class, each with folders train and test"),
    ],
)
def test_the_layout_is_a_sentence_with_training_first(paths, layout):
    assert read_folders(paths).layout == layout


@pytest.mark.parametrize(
    "paths",
    [
        ["bus/1.png", "test/2.png", "train/3.png"],
        ["bus/train/1.png", "bus/red/2.png"],
        ["bus/train/1.png", "car/2.png"],
    ],
)
def test_one_folder_with_another_name_makes_classes_of_all(paths):
    assert read(*paths) == [(path.split("/")[0], "") for path in paths]
