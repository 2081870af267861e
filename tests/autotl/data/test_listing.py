"""Every image and table below a folder is listed, with any name and through links."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autotl.data.listing import IMAGE_SUFFIXES, ignored_kinds, list_files, top_folders
from autotl.errors import DatasetError


def create_files(root, *paths):
    """Create a folder with an empty file at each of the paths."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def test_every_supported_suffix_counts_in_any_case_and_paths_are_sorted(tmp_path):
    names = [f"cat/{i:02d}{suffix.upper()}" for i, suffix in enumerate(sorted(IMAGE_SUFFIXES))]
    files = list_files(create_files(tmp_path, *names, "b.CSV", "a/b.parquet", "c.tsv"))
    assert len(names) == 17
    assert (files.items, files.tables) == (names, ["a/b.parquet", "b.CSV", "c.tsv"])


def test_other_files_are_counted_by_kind_and_never_fatal(tmp_path):
    create_files(tmp_path, "cat/1.png", "cat/notes.txt", "dog/more.TXT", "dog/meta.json", "README")
    create_files(
        tmp_path, ".git/config", ".git/more", "cat/.DS_Store", "cat/._1.png", "Thumbs.db", "__MACOSX/cat/1.png"
    )
    (tmp_path / "cat" / os.fsdecode(b"gr\xfcn.txt")).touch()
    files = list_files(tmp_path)
    assert files.items == ["cat/1.png"]
    assert files.ignored == {"*.txt": 3, "hidden": 3, "system": 2, "*.json": 1, "without suffix": 1}
    assert ignored_kinds({"*.json": 1, "hidden": 3, "*.txt": 8}) == "8 *.txt, 3 hidden, 1 *.json"


def test_unreadable_folders_are_counted_where_the_listing_is_lenient(tmp_path):
    create_files(tmp_path, "cat/1.png")
    (tmp_path / "cat" / os.fsdecode(b"\xfc.png")).touch()
    files = list_files(tmp_path, lenient=True)
    assert (files.items, files.ignored) == (["cat/1.png"], {"unreadable": 1})


def test_a_patch_file_is_not_a_table_of_labels(tmp_path):
    create_files(tmp_path, "labels.csv", "labels.csv.patch.csv", "cat/1.png")
    files = list_files(tmp_path)
    assert (files.tables, files.ignored) == (["labels.csv"], {"*.patch.csv": 1})


def test_links_are_followed_and_links_in_a_circle_end(tmp_path):
    pets = create_files(tmp_path / "pets", "cat/1.png", "dog/1.png")
    elsewhere = create_files(tmp_path / "elsewhere", "2.png", "far/3.png")
    (pets / "cat" / "linked.png").symlink_to(elsewhere / "2.png")
    (pets / "bird").symlink_to(elsewhere)
    (elsewhere / "far" / "back").symlink_to(elsewhere)
    (pets / "cat" / "up").symlink_to(pets)
    (pets / "cat" / "out").symlink_to("/")
    (pets / "dog" / "self").symlink_to(pets / "dog")
    (pets / "dog" / "never").symlink_to(pets / "dog" / "never")
    assert list_files(pets).items == ["bird/2.png", "bird/far/3.png", "cat/1.png", "cat/linked.png", "dog/1.png"]


def test_two_folders_that_link_to_each_other_end(tmp_path):
    create_files(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a" / "b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "a").symlink_to(tmp_path / "a")
    assert list_files(tmp_path).items == ["a/1.png", "a/b/2.png", "b/2.png", "b/a/1.png"]


def test_pipes_and_links_to_nowhere_are_listed_for_the_scan_to_judge(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert list_files(tmp_path).items == ["gone.png", "pipe.png"]


def test_names_may_contain_spaces_and_any_script(tmp_path):
    names = ["Größe XL/Bild 1.PNG", "猫 🐈/写真\n1.jpg"]
    assert list_files(create_files(tmp_path / "my data", *names)).items == names
    assert top_folders([*names, "3.png"]) == {"Größe XL", "猫 🐈"}


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_an_image_whose_name_is_not_valid_text_is_an_error_with_what_to_do(tmp_path):
    create_files(tmp_path, "cat/1.png", "cat/2.png", os.fsdecode(b"cat/gr\xfcn.png"))
    with pytest.raises(DatasetError, match=r"b'cat/gr\\xfcn.png' is not valid text.*Rename"):
        list_files(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the locale does not decide")
def test_where_python_was_told_not_to_take_utf8_the_message_says_how_to_change_that(tmp_path):
    create_files(tmp_path, "grün/1.png", "grün/2.png")
    code = "import sys, pathlib; from autotl.data.listing import list_files; list_files(pathlib.Path(sys.argv[1]))"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True)
    assert "encoding (ASCII). Set the environment variable PYTHONUTF8=1, or rename it." in done.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named(tmp_path):
    create_files(tmp_path, "dog/1.png")
    (tmp_path / "dog").chmod(0)
    try:
        with pytest.raises(DatasetError, match="dog cannot be read"):
            list_files(tmp_path)
    finally:
        (tmp_path / "dog").chmod(0o755)


def test_listing_takes_few_steps_per_file(tmp_path):
    # Time is no measure on a busy machine; one Path object or resolved link per file would double the calls.
    create_files(tmp_path, *(f"cat/{i}.png" for i in range(300)))
    calls = []
    sys.setprofile(lambda frame, event, arg: calls.append(event) if event.endswith("call") else None)
    try:
        found = list_files(tmp_path)
    finally:
        sys.setprofile(None)
    assert len(found.items) == 300
    assert len(calls) < 12 * 300
