"""Names of members become names that every system can store, stay distinct, and never lead out of the folder."""

from __future__ import annotations

import pytest

from autotl.data.archives.member import RefusedError
from autotl.data.archives.names import Names, is_side_file, split_name


def claimed(*names):
    """The paths that files of these names get in one folder."""
    taken = Names()
    return [taken.claim(split_name(name), folder=False) for name in names]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a<b>:\"|?*c.png", "a_b______c.png"),
        ("tab\tline\nend.png", "tab_line_end.png"),
        ("cat. /end.png. .", "cat/end.png"),
        ("CON", "_CON"),
        ("aux.png", "_aux.png"),
        ("com1 .tar.gz", "_com1 .tar.gz"),
        ("lpt9/1.png", "_lpt9/1.png"),
        ("...", "_"),
        ("é" * 150 + ".jpeg", "é" * 97 + ".jpeg"),
        ("x" * 300, "x" * 200),
        ("x/c:/y", "x/c_/y"),
        ("..\\..\\evil.png", ".._.._evil.png"),
    ],
)  # fmt: skip
def test_a_name_that_some_system_cannot_store_is_changed(name, path):
    assert claimed(name) == [path]


@pytest.mark.parametrize(
    "name", ["console.png", "com10.png", ".hidden", "a b.png", "猫 🐈/写真.jpg", "x" * 196 + ".png"]
)
def test_a_name_that_every_system_can_store_stays(name):
    assert claimed(name) == [name]


def test_names_are_composed_and_empty_parts_are_dropped():
    assert claimed("./Gro\u0308ße//u\u0308.png") == ["Größe/ü.png"]


def test_names_that_differ_only_by_case_stay_distinct_on_every_system():
    names = ["Cat/a.png", "cat/b.png", "Cat/A.PNG", "cat/c.png", "Cat/A.png", "straße.png", "STRASSE.png"]
    assert claimed(*names) == [
        "Cat/a.png", "cat~2/b.png", "Cat/A~2.PNG", "cat~2/c.png", "Cat/A~3.png", "straße.png", "STRASSE~2.png",
    ]  # fmt: skip


def test_a_name_that_looks_like_a_changed_one_stays_distinct_from_it():
    assert len({path.casefold() for path in claimed("a.png", "A.png", "A~2.png", "a~2.png")}) == 4


def test_a_folder_may_occur_twice():
    names = Names()
    assert [names.claim(("cat", "deep"), folder=True) for _ in range(2)] == ["cat/deep"] * 2


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("a.png", "a.png", "occurs twice"),
        ("a.png", "./a.png", "occurs twice"),
        ("u\u0308.png", "ü.png", "occurs twice"),
        ("a?.png", "a*.png", "becomes the same name"),
        ("x?/a.png", "x*/b.png", "becomes the same name"),
        ("x" * 250, "x" * 251, "becomes the same name"),
        ("a", "a/b.png", "both a file and a folder"),
        ("a/b.png", "a", "both a file and a folder"),
    ],
)
def test_two_files_of_one_name_are_refused(first, second, reason):
    with pytest.raises(RefusedError, match=reason):
        claimed(first, second)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/passwd", "absolute name"),
        ("//server/share", "absolute name"),
        ("C:/evil.png", "absolute name"),
        ("c:evil.png", "absolute name"),
        ("../evil.png", "`..` in its name"),
        ("cat/../../evil.png", "`..` in its name"),
        ("cat/..", "`..` in its name"),
        ("cat.png\0.exe", "NUL"),
    ],
)
def test_a_name_that_leads_out_of_the_folder_is_refused(name, reason):
    with pytest.raises(RefusedError, match=reason):
        split_name(name)


@pytest.mark.parametrize(
    "name", ["__MACOSX/cat/1.png", "cat/._1.png", "._cat/1.png", "cat/.DS_Store", "cat/Thumbs.db", "desktop.ini"]
)
def test_side_files_of_a_system_are_recognised(name):
    assert is_side_file(split_name(name), folder=False)


@pytest.mark.parametrize("name", ["MACOSX/cat/1.png", "cat/_1.png", "cat/desktop.ini/1.png", ""])
def test_files_with_similar_names_are_not_side_files(name):
    assert not is_side_file(split_name(name), folder=False)
    assert not is_side_file(("desktop.ini",), folder=True)
