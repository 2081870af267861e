"""Decisions are stored in a file beside the data, applied only to the table, and undone by deleting them."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scanning import scan

from autotl.data.dataset import require_learnable
from autotl.data.patch import EXCLUDED, Decision, apply_patch, patch_file, read_patch, write_patch
from autotl.errors import DatasetError


@pytest.fixture
def pets(tmp_path, make_folder):
    """Six cats and five dogs, in a folder called pets."""
    return make_folder(tmp_path / "pets", circle=6, square=5, edge=24, names={"circle": "cat", "square": "dog"})


CAT, OTHER_CAT, DOG = "cat/circle-0-000.png", "cat/circle-0-001.png", "dog/square-0-000.png"


def table(**labels):
    """A table of items: table(a="cat", b="dog"); an item's content is its name, twice."""
    return pd.DataFrame(
        {"path": list(labels), "label": list(labels.values()), "sha256": [2 * p for p in labels], "quarantine": ""}
    )


def labels_after(before, *decisions):
    return dict(zip(before["path"], apply_patch(before, decisions).table["label"], strict=True))


def snapshot(folder):
    return {p: (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else None) for p in [folder, *folder.rglob("*")]}


ALL = (
    Decision("relabel", "cat/1, the \"old\" one.png", "dog", "ab" * 32, "fence, not a cat; see é"),
    Decision("exclude", "dog/2.png", sha256="cd" * 32, note="two\nlines"),
    Decision("merge", "kitten", "cat"),
)  # fmt: skip


def test_what_is_written_is_read_again(tmp_path):
    file = tmp_path / "photos.patch.csv"
    write_patch(file, ALL)
    assert read_patch(file) == ALL
    write_patch(file, read_patch(file)[:1])
    assert read_patch(file) == ALL[:1]
    assert list(tmp_path.iterdir()) == [file]


NAMES = st.text(
    st.sampled_from('a\r\n", ') | st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(item=NAMES, label=NAMES, note=st.just("") | NAMES)
@example(item="Icon\r", label="a\r\nb", note="")  # Icon\r is the icon of a folder on macOS
def test_a_name_of_any_characters_is_read_as_it_was_written(tmp_path, item, label, note):
    decisions = (
        Decision("exclude", item, note=note), Decision("relabel", f"{item}2", label), Decision("merge", label, item)
    )  # fmt: skip
    write_patch(tmp_path / "p.csv", decisions)
    assert read_patch(tmp_path / "p.csv") == decisions


def test_a_patch_file_is_a_table_that_anyone_can_read(tmp_path):
    write_patch(tmp_path / "p.csv", [Decision("exclude", "dog/2.png", note="blurred")])
    assert (tmp_path / "p.csv").read_text() == "decision,item,label,sha256,note\nexclude,dog/2.png,,,blurred\n"


def test_a_missing_or_empty_file_has_no_decisions_and_no_decisions_leave_no_file(tmp_path):
    file = tmp_path / "p.csv"
    assert read_patch(file) == ()
    write_patch(file, [])
    assert not file.exists()
    write_patch(file, ALL)
    write_patch(file, [])
    assert not file.exists()
    file.write_bytes(b"")
    assert read_patch(file) == ()


def test_a_later_decision_about_an_item_replaces_an_earlier_one(tmp_path):
    file = tmp_path / "p.csv"
    merge = Decision("merge", "a", "b")
    write_patch(file, [Decision("exclude", "a"), merge, Decision("relabel", "a", "c")])
    assert read_patch(file) == (Decision("relabel", "a", "c"), merge)


def test_a_file_that_went_through_a_spreadsheet_is_understood(tmp_path):
    file = tmp_path / "p.csv"
    file.write_bytes("\ufeffdecision,item,label\r\nrelabel, cat/ä.png ,Hund\r\nexclude,dog/1.png,\r\n".encode())
    relabel, exclude = read_patch(file)
    assert labels_after(table(**{"cat/ä.png": "cat"}), relabel) == {"cat/ä.png": "Hund"}
    assert exclude == Decision("exclude", "dog/1.png")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("delete,a.png,", "'delete' 'a.png' -> ''"),
        ("exclude,,", "'exclude' '' -> ''"),
        ("relabel,a.png,", "'relabel' 'a.png' -> ''"),
        ("merge,cat,", "'merge' 'cat' -> ''"),
        ("relabel", "'relabel' '' -> ''"),
    ],
)
def test_an_invalid_row_is_named_with_its_file_and_what_to_do(tmp_path, row, found):
    file = tmp_path / "p.csv"
    file.write_text(f"decision,item,label\nexclude,good.png,\n{row}\n")
    with pytest.raises(DatasetError) as error:
        read_patch(file)
    assert f"row 3 of the patch file {file} is {found}" in str(error.value)
    assert "one of the decisions relabel, exclude, merge" in str(error.value)
    assert "Correct the row, or delete it" in str(error.value)


@pytest.mark.parametrize("header", ["exclude,cat/1.png,", "decision;item;label", "what,which,label"])
def test_a_file_without_the_right_header_is_refused_and_not_mistaken_for_an_empty_one(tmp_path, header):
    (tmp_path / "p.csv").write_text(f"{header}\n")
    with pytest.raises(DatasetError, match=r"p\.csv .* columns decision, item, label"):
        read_patch(tmp_path / "p.csv")


def test_a_patch_file_that_is_not_text_is_an_error(tmp_path):
    (tmp_path / "p.csv").write_bytes(b"decision,item\nexclude,gr\xfcn.png\n")
    with pytest.raises(DatasetError, match=r"p\.csv cannot be read: .*utf-8.*Correct it, or delete it"):
        read_patch(tmp_path / "p.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DatasetError, match="folder cannot be read"):
        read_patch(tmp_path / "folder")


@pytest.mark.parametrize("decisions", [ALL, ()], ids=["written", "removed"])
def test_a_place_that_cannot_be_written_says_how_to_choose_another(tmp_path, decisions):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"p\.csv cannot be written \(Not a directory\).*--patch FILE"):
        write_patch(tmp_path / "file" / "p.csv", decisions)


def test_relabel_exclude_and_merge_are_applied_to_the_table_and_the_original_label_is_kept():
    before = table(a="cat", b="cat", c="kitten", d="dog")
    decisions = [
        Decision("relabel", "a", "dog"),
        Decision("exclude", "b", note="blur"),
        Decision("merge", "kitten", "cat"),
    ]
    patched = apply_patch(before, decisions)
    assert list(patched.table["label"]) == ["dog", "cat", "cat", "dog"]
    assert list(patched.table["label_given"]) == ["cat", "cat", "kitten", "dog"]
    assert list(patched.table["quarantine"]) == ["", f"{EXCLUDED} by the patch file: blur", "", ""]
    assert patched.stale == ()
    assert "label_given" not in before and list(before["label"]) == ["cat", "cat", "kitten", "dog"]


def test_names_that_start_or_end_with_a_space_are_those_of_the_data(tmp_path):
    before, file = table(**{" a": "dogs ", "b": " cats", "c ": " cats", "d": " cats"}), tmp_path / "p.csv"
    decisions = [Decision("exclude", " a"), Decision("relabel", "c ", "dogs "), Decision("merge", " cats", "dogs ")]
    write_patch(file, decisions)
    patched = apply_patch(before, read_patch(file))
    assert (list(patched.table["label"]), patched.stale) == (["dogs "] * 4, ())
    assert list(patched.table["quarantine"] != "") == [True, False, False, False]


def test_spaces_around_a_name_that_the_data_has_without_are_dropped():
    before = table(a="cat", b="kitten", c="dog")
    decisions = [Decision("relabel", " a", "dog "), Decision("merge", " kitten ", " cat"), Decision("exclude", "c ")]
    patched = apply_patch(before, decisions)
    assert (list(patched.table["label"]), patched.stale) == (["dog", "cat", "dog"], ())
    assert list(patched.table["quarantine"] != "") == [False, False, True]


def test_an_item_is_relabelled_before_classes_are_merged():
    assert labels_after(table(a="cat"), Decision("merge", "kitten", "baby"), Decision("relabel", "a", "kitten")) == {
        "a": "baby"
    }


def test_merges_are_followed_in_any_order():
    before, merges = table(a="1", b="2", c="3", d="4"), [Decision("merge", f"{i}", f"{i + 1}") for i in (1, 2, 3)]
    for order in (merges, merges[::-1]):
        assert labels_after(before, *order) == dict.fromkeys("abcd", "4")


def test_a_merge_of_a_class_filled_only_by_other_merges_is_not_stale():
    merges = [Decision("merge", "1", "2"), Decision("merge", "2", "3")]
    patched = apply_patch(table(a="1", b="3"), merges)
    assert (list(patched.table["label"]), patched.stale) == (["3", "3"], ())


@pytest.mark.parametrize("circle", [("1", "1"), ("1", "2", "1"), ("1", "2", "3", "2")])
def test_merges_in_a_circle_are_refused_by_name(circle):
    merges = [Decision("merge", old, new) for old, new in pairwise(circle)]
    with pytest.raises(DatasetError, match=r"merges '[12]' into itself; delete one of these merges"):
        apply_patch(table(a="1", b="2", c="3"), merges)


@pytest.mark.parametrize(
    "decision",
    [
        Decision("exclude", "a", sha256="another file now"),
        Decision("relabel", "gone", "dog", sha256="gone"),
        Decision("relabel", "gone", "dog"),
        Decision("merge", "bird", "dog"),
    ],
    ids=["replaced", "gone", "gone, content unknown", "no such class"],
)
def test_a_decision_that_no_longer_applies_changes_nothing_and_is_stale(decision):
    before = table(a="cat", b="dog")
    patched = apply_patch(before, [decision, Decision("relabel", "b", "cat")])
    assert patched.stale == (decision,)
    assert list(patched.table["label"]) == ["cat", "cat"]
    assert list(patched.table["quarantine"]) == ["", ""]


def test_a_renamed_item_is_found_by_its_content_with_all_its_copies():
    before = table(a="cat", b="cat", c="cat").assign(sha256=["x", "y", "x"])
    assert labels_after(before, Decision("relabel", "old name", "dog", sha256="x")) == {
        "a": "dog",
        "b": "cat",
        "c": "dog",
    }


def test_an_item_is_taken_by_its_path_and_not_by_its_copies():
    before = table(a="cat", b="cat").assign(sha256="x")
    assert labels_after(before, Decision("relabel", "b", "dog", sha256="x")) == {"a": "cat", "b": "dog"}


def test_a_scan_applies_the_file_beside_the_data_until_it_is_deleted(pets):
    before = scan(pets)
    write_patch(patch_file(pets), [Decision("relabel", CAT, "dog"), Decision("exclude", DOG, note="a wolf")])
    patched = scan(pets)
    items = patched.items.set_index("path")
    assert (items.loc[CAT, "label"], items.loc[CAT, "label_given"]) == ("dog", "cat")
    assert list(patched.quarantined["path"]) == [DOG]
    assert patched.quarantined["quarantine"][0] == "excluded by the patch file: a wolf"
    assert patched.fingerprint != before.fingerprint
    patch_file(pets).unlink()
    pd.testing.assert_frame_equal(scan(pets).table, before.table)


def test_the_patch_file_is_beside_the_data_for_any_form_of_its_path(pets, monkeypatch):
    monkeypatch.chdir(pets)
    for data in (pets, pets.parent / "pets" / "cat" / "..", type(pets)(".")):
        assert patch_file(data) == pets.resolve().with_name("pets.patch.csv")
    assert patch_file(pets / "photos.zip").name == "photos.zip.patch.csv"


def test_a_scan_may_be_given_another_patch_file(pets, tmp_path):
    write_patch(tmp_path / "mine.csv", [Decision("merge", "dog", "cat")])
    assert scan(pets, patch=tmp_path / "mine.csv").classes == ("cat",)
    assert scan(pets).classes == ("cat", "dog")


def test_a_renamed_file_is_still_excluded_and_a_replaced_one_is_not(pets):
    sha256 = scan(pets).items.set_index("path")["sha256"]
    decisions = tuple(Decision("exclude", path, sha256=sha256[path]) for path in (CAT, OTHER_CAT))
    write_patch(patch_file(pets), decisions)
    (pets / CAT).rename(pets / "cat" / "renamed.png")
    shutil.copy(pets / DOG, pets / OTHER_CAT)
    dataset = scan(pets)
    assert list(dataset.quarantined["path"]) == ["cat/renamed.png"]
    assert dataset.stale == decisions[1:]


def test_a_class_whose_images_are_all_excluded_is_not_a_class(pets, make_folder):
    make_folder(pets, stripes=4, edge=24)
    excluded = [Decision("exclude", f"stripes/stripes-0-{i:03d}.png") for i in range(4)]
    write_patch(patch_file(pets), excluded)
    dataset = scan(pets)
    assert dataset.classes == ("cat", "dog")
    require_learnable(dataset, pets)


def test_no_file_of_the_user_is_ever_changed(pets):
    for folder, _, names in os.walk(pets):
        for name in names:
            os.utime(os.path.join(folder, name), ns=(1, 1))  # noqa: PTH118
    before = snapshot(pets)
    write_patch(
        patch_file(pets), [Decision("relabel", CAT, "dog"), Decision("exclude", DOG), Decision("merge", "dog", "cat")]
    )
    scan(pets)
    write_patch(patch_file(pets), [])
    scan(pets)
    assert snapshot(pets) == before
