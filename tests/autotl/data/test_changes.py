"""Changes since the last run are found by content, so that a renamed file has only moved."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
from scanning import scan

from autotl.data.changes import Changes, compare, save_manifest, since_last_run
from autotl.data.patch import Decision, patch_file, write_patch

CAT, OTHER_CAT, DOG = "cat/circle-0-000.png", "cat/circle-0-001.png", "dog/square-0-000.png"


@pytest.fixture
def changes(pets, tmp_path):
    """Save the manifest of the pets; changes() compares with it."""
    save_manifest(scan(pets), pets, tmp_path / "manifests of the test")
    return lambda: since_last_run(scan(pets), pets, tmp_path / "manifests of the test")


def table(*rows):
    """A table of (path, content, label)."""
    return pd.DataFrame(rows, columns=["path", "sha256", "label"])


def test_where_nothing_changed_there_are_no_changes(changes):
    assert changes() == Changes((), (), (), ())
    assert not changes()
    assert changes().sentence() == "unchanged since the last run"


def test_added_and_removed_images_are_named(pets, changes, make_folder):
    make_folder(pets, stripes=1, edge=24)
    (pets / CAT).unlink()
    assert changes() == Changes(added=("stripes/stripes-0-000.png",), removed=(CAT,), relabelled=(), moved=())
    assert changes().sentence() == f"since the last run: 1 added (stripes/stripes-0-000.png); 1 removed ({CAT})"


def test_a_renamed_file_is_moved_and_one_in_another_class_is_relabelled(pets, changes):
    (pets / CAT).rename(pets / "cat" / "new name.png")
    (pets / OTHER_CAT).rename(pets / "dog" / "other.png")
    found = changes()
    assert found.moved == (f"{CAT} -> cat/new name.png",)
    assert found.relabelled == (f"{OTHER_CAT} -> dog/other.png: cat -> dog",)
    assert found.added == found.removed == ()
    assert found


def test_a_renamed_class_relabels_its_images(pets, changes):
    (pets / "dog").rename(pets / "hound")
    found = changes()
    assert len(found.relabelled) == 5
    assert found.relabelled[0] == f"{DOG} -> hound/square-0-000.png: dog -> hound"
    assert found.sentence().startswith("since the last run: 5 relabelled (dog/square")
    assert found.sentence().endswith(", ...)")


def test_a_decision_in_the_patch_file_is_a_change_of_label(pets, changes):
    write_patch(patch_file(pets), [Decision("relabel", CAT, "dog")])
    assert changes() == Changes((), (), (f"{CAT}: cat -> dog",), ())


def test_a_file_edited_in_place_counts_as_removed_and_added(pets, changes):
    with (pets / CAT).open("ab") as file:
        file.write(b"\0")
    assert changes() == Changes(added=(CAT,), removed=(CAT,), relabelled=(), moved=())


def test_a_copy_is_added_and_its_original_stays(pets, changes):
    shutil.copy(pets / CAT, pets / "cat" / "copy.png")
    assert changes() == Changes(("cat/copy.png",), (), (), ())


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("a b", "a", Changes((), ("b",), (), ())),
        ("a b", "a c", Changes((), (), (), ("b -> c",))),
        ("a b", "c", Changes((), ("b",), (), ("a -> c",))),
        ("a", "b c", Changes(("c",), (), (), ("a -> b",))),
        ("a", "b a", Changes(("b",), (), (), ())),
        ("", "a b", Changes(("a", "b"), (), (), ())),
        ("a b", "", Changes((), ("a", "b"), (), ())),
    ],
)
def test_copies_are_distinguished_by_their_paths(before, now, expected):
    first, second = (table(*((path, "same", "cat") for path in paths.split())) for paths in (before, now))
    assert compare(first, second) == expected


def test_two_files_that_swapped_their_names_have_moved():
    before, now = table(("a", "1", "cat"), ("b", "2", "cat")), table(("a", "2", "cat"), ("b", "1", "cat"))
    assert compare(before, now).moved == ("a -> b", "b -> a")


def test_a_label_that_changes_on_a_copy_is_a_change_of_that_copy_only():
    before = table(("a", "same", "cat"), ("b", "same", "cat"))
    now = table(("a", "same", "cat"), ("b", "same", "dog"))
    assert compare(before, now) == Changes((), (), ("b: cat -> dog",), ())


def test_the_order_of_the_rows_is_not_a_change():
    rows = [(f"{i}", f"{i % 3}", "cat") for i in range(9)]
    assert not compare(table(*rows), table(*rows[::-1]))


def test_a_new_manifest_replaces_the_old_one(pets, tmp_path, make_folder):
    save_manifest(scan(pets), pets, tmp_path / "cache")
    make_folder(pets, stripes=1, edge=24)
    save_manifest(scan(pets), pets, tmp_path / "cache")
    assert since_last_run(scan(pets), pets, tmp_path / "cache") == Changes((), (), (), ())
    assert len(list((tmp_path / "cache").rglob("*.*"))) == 1


def test_without_an_earlier_run_there_is_nothing_to_compare_with(pets, tmp_path):
    assert since_last_run(scan(pets), pets, tmp_path / "cache") is None


def test_another_folder_with_the_same_images_is_another_dataset(pets, tmp_path):
    save_manifest(scan(pets), pets, tmp_path / "cache")
    other = shutil.copytree(pets, tmp_path / "other")
    assert since_last_run(scan(other), other, tmp_path / "cache") is None


def test_the_same_folder_is_recognised_by_any_path(pets, tmp_path, monkeypatch):
    save_manifest(scan(pets), pets, tmp_path / "cache")
    monkeypatch.chdir(pets)
    (tmp_path / "link").symlink_to(pets)
    for data in (type(pets)("."), pets / "cat" / "..", tmp_path / "link"):
        assert since_last_run(scan(data), data, tmp_path / "cache") == Changes((), (), (), ())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no table"),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: pd.DataFrame({"other": [1]}).to_parquet(path),
    ],
    ids=["empty", "no table", "cut short", "another table"],
)
def test_a_damaged_manifest_counts_as_none(pets, tmp_path, spoil):
    save_manifest(scan(pets), pets, tmp_path / "cache")
    [manifest] = (path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    spoil(manifest)
    assert since_last_run(scan(pets), pets, tmp_path / "cache") is None
