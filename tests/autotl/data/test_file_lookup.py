"""The file that a table means is found by its path, name or stem, and never another one."""

from __future__ import annotations

import unicodedata

import pytest

from autotl.data.file_lookup import Folder


def create_files(root, *paths):
    """Create a folder with an empty file at each of the paths."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return Folder(root)


@pytest.mark.parametrize(
    "name",
    [
        "images/a.b.png",
        "./images/a.b.png",
        "a.b.png",
        "a.b",
        "images/a.b",
        "images\\a.b.png",
        "C:\\Users\\me\\a.b.png",
        "/home/me/photos/a.b.png",
    ],
)
def test_a_file_is_found_by_its_path_its_name_or_its_stem(tmp_path, name):
    assert create_files(tmp_path, "images/a.b.png", "thumbs/a.c.png").find(name) == "images/a.b.png"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("1.png", ""),
        ("1", ""),
        ("2.png", "q/2.png"),
        ("3.png", "images/3.png"),
        ("9.png", None),
        ("folder.png", None),
        ("", None),
        ("a\0b", None),
    ],
)
def test_an_ambiguous_name_is_never_guessed_except_in_a_folder_of_images(tmp_path, name, path):
    folder = create_files(tmp_path, "p/1.png", "q/1.png", "q/2.png", "images/3.png", "other/3.png", "folder.png/x.txt")
    assert folder.find(name) == path


def test_names_match_in_either_unicode_form(tmp_path):
    path = unicodedata.normalize("NFD", "images/Käfer.png")
    assert create_files(tmp_path, path).find(unicodedata.normalize("NFC", "Käfer.png")) == path


def test_files_outside_are_found_from_a_folder_on_disk_and_not_from_an_archive(tmp_path):
    create_files(tmp_path / "elsewhere", "1.png", "2")
    folder = create_files(tmp_path / "data", "4.png")
    for name in (str(tmp_path / "elsewhere" / "1.png"), "../elsewhere/2", "a/../../elsewhere/2"):
        assert (folder.root / folder.find(name)).is_file()
        assert Folder(folder.root, sealed=True).find(name) is None
    assert folder.find(str(folder.root / "4.png")) == "4.png"


def test_a_renamed_file_is_found_by_its_name_in_the_archive(tmp_path):
    create_files(tmp_path, "set/A.png", "set/a~2.png", "set/what_.png")
    renamed = {"set/a.png": "set/a~2.png", "set/what?.png": "set/what_.png"}
    folder = Folder(tmp_path, sealed=True, renamed=renamed).inner("set")
    names = ["A.png", "a.png", "./a.png", "a", "what?.png", "x/what?.png", "what?", "what_.png"]
    paths = ["A.png", "a~2.png", "a~2.png", "a~2.png", "what_.png", "what_.png", "what_.png", "what_.png"]
    assert [folder.find(name) for name in names] == paths


def test_the_top_folders_are_those_with_images(tmp_path):
    folder = create_files(tmp_path, "cat/deep/1.png", "notes/x.txt", "2.png")
    assert folder.tops == {"cat"}
    assert folder.inner("cat").files.items == ["deep/1.png"]
