"""Class folders are recognised inside the folders of a split, around them, and without a split; doubt is said."""

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


def folder(*names, n=2):
    return [f"{name}/{k}.png" for name in names for k in range(n)]


def found(*paths):
    """{folder: (label, split)}."""
    names = read_folders(paths)
    folders = [path.rpartition("/")[0] for path in paths]
    return dict(zip(folders, zip(names.labels, names.splits, strict=True), strict=True))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"), ("seg_train", "seg_test"), ("Train images", "Test images"), ("TRAIN", "TESTING"),
        ("pets-train", "pets-test"), ("images_train", "images_test"), ("1_train", "2_test"), ("TrainData", "HoldOut"),
        ("train2017", "test2017"), ("Trainingsdaten", "Testdaten"), ("train/train", "test/test"),
        ("train/images", "test/images"), ("train/data/imgs", "test"), ("pets/train", "pets/test"),
        ("Entraînement", "Prueba"), ("träning", "testovací"), ("обучение", "тест"), ("训练集", "测试集"),
        ("学習", "テスト"), ("훈련", "테스트"), ("addestramento", "verifica"), ("train_mini", "test"),
    ],
)  # fmt: skip
def test_the_parts_of_a_split_are_recognised_by_any_common_name_and_nesting(train, test):
    paths = folder(*(f"{part}/{label}" for part in (train, test) for label in ("cat", "dog")))
    assert found(*paths) == {
        f"{part}/{label}": (label, split)
        for part, split in ((train, "train"), (test, "test"))
        for label in ("cat", "dog")
    }
    assert not read_folders(paths).notes


@pytest.mark.parametrize("odd", ["test", "to_sort", "predict", "val", "Test images", "thumbnails", "outputs"])
def test_a_folder_that_is_probably_no_class_is_unlabelled_and_named(odd):
    names = read_folders(folder("OK", "NG", odd))
    assert found(*folder("OK", "NG", odd))[odd] == ("", "")
    assert f"2 unlabelled images in {odd}" in names.layout
    (note,) = names.notes
    assert odd in note.message
    assert "--classes" in note.advice


@pytest.mark.parametrize(
    ("classes", "doubtful"),
    [
        (("control", "test"), "test"),
        (("OK", "NG", "unknown"), "unknown"),
        (("images", "masks"), "images"),
        (("part_1", "part_2"), "part_1"),
    ],
)
def test_a_class_with_an_unusual_name_stays_possible_and_is_named(classes, doubtful):
    assert found(*folder(*classes)) == {name: (name, "") for name in classes}
    assert any(doubtful in note.message and note.severity == "warning" for note in read_folders(folder(*classes)).notes)


def test_a_train_beside_vehicles_is_a_class_without_a_warning():
    names = read_folders(folder("bus", "car", "train"))
    assert set(names.labels) == {"bus", "car", "train"}
    assert [note.severity for note in names.notes] == ["info"]


@pytest.mark.parametrize("name", ["crash_test", "blood test", "no_test_done", "household outdoor", "train_test_split"])
def test_a_name_with_a_word_of_a_split_is_one_only_beside_its_counterpart(name):
    assert found(*folder("a", name)) == {"a": ("a", ""), name: (name, "")}


@pytest.mark.parametrize("odd", ["samples", "ground_truth", "train_masks", "seg_pred", "unlabelled"])
def test_a_folder_beside_a_given_split_leaves_the_split_as_it_is(odd):
    paths = folder("train/cat", "train/dog", "test/cat", odd)
    assert found(*paths) == {
        "train/cat": ("cat", "train"), "train/dog": ("dog", "train"), "test/cat": ("cat", "test"), odd: ("", ""),
    }  # fmt: skip
    assert f"2 unlabelled images in {odd}" in read_folders(paths).layout


@pytest.mark.parametrize("dummy", ["unknown", "images", "test", "all", "unlabelled"])
def test_the_only_folder_of_a_test_part_that_is_no_class_to_learn_is_unlabelled(dummy):
    paths = folder("train/cat", "train/dog", f"test/{dummy}")
    assert found(*paths)[f"test/{dummy}"] == ("", "test")
    assert f"2 unlabelled images in test{'/' + dummy if dummy != 'unlabelled' else ''}" in read_folders(paths).layout


def test_a_part_of_a_split_may_lie_beside_the_class_folders():
    assert found(*folder("OK", "NG", "test/OK", "test/NG")) == {
        "OK": ("OK", ""), "NG": ("NG", ""), "test/OK": ("OK", "test"), "test/NG": ("NG", "test"),
    }  # fmt: skip


def test_class_and_part_may_be_in_one_name():
    paths = folder("cat_train", "cat_test", "big_dog_train", "big_dog_test")
    assert found(*paths)["big_dog_test"] == ("big_dog", "test")


def test_numbered_pieces_are_read_as_one():
    names = read_folders(folder("fold_1/cat", "fold_1/dog", "fold_2/cat", "fold_2/dog"))
    assert (set(names.labels), set(names.splits)) == ({"cat", "dog"}, {""})
    assert names.layout == "one sub-folder per class, in fold_1 and fold_2"


def test_folders_of_the_same_names_in_every_class_are_asked_about():
    sites = [f"{part}/{site}/{label}" for part in ("train", "test") for site in "AB" for label in ("cat", "dog")]
    (note,) = read_folders(folder(*sites)).notes
    assert "A and B are taken for the classes" in note.message
    assert "--classes cat,dog" in note.advice


def test_folders_of_the_same_names_are_asked_about_however_deep_they_are():
    names = read_folders(folder("big/big/train/ok", "big/big/train/bad", "small/small/ok", "small/small/bad"))
    (note,) = names.notes
    assert "big and small are taken for the classes" in note.message
    assert "--classes bad,ok" in note.advice


def test_one_accent_written_in_two_ways_is_one_class():
    composed, decomposed = "K\u00e4fer", "Ka\u0308fer"
    paths = folder(f"train/{composed}", "train/dog", f"test/{decomposed}/deep", "test/dog")
    assert found(*paths) == {
        f"train/{composed}": (composed, "train"), f"test/{decomposed}/deep": (composed, "test"),
        "train/dog": ("dog", "train"), "test/dog": ("dog", "test"),
    }  # fmt: skip
    assert set(read_folders(folder(composed, decomposed, "dog")).labels) == {composed, "dog"}


def test_a_copy_of_the_class_folders_beside_them_is_no_class():
    assert found(*folder("cat", "dog", "old/cat", "old/dog"))["old/cat"] == ("", "")


@pytest.mark.parametrize(("kinds", "said"), [({}, "it is empty"), ({"*.psd": 12}, "12 *.psd")])
def test_a_class_folder_in_which_nothing_can_be_used_is_named(kinds, said):
    names = read_folders(folder("train/cat", "train/dog"), unusable={"train/bird": kinds, "test": kinds, "docs": kinds})
    assert [note.message.split(" has ")[0] for note in names.notes] == ["the folder test", "the folder train/bird"]
    assert all(said in note.message for note in names.notes)


def test_paths_may_be_absolute_as_a_table_names_them():
    paths = folder("/data/x/train", "/data/x/test")
    assert read_folders(paths).splits == ["train"] * 2 + ["test"] * 2
    assert set(read_folders([*folder("/data/cat", "dog"), "1.png"]).labels) <= {"", "dog", "cat", "data"}
