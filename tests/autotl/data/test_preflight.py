"""What a listing tells about training is what `fit` says later, and no image is read for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.data.patch import Decision
from autotl.data.preflight import listed_small_classes, require_learnable_listing, require_trainable_listing
from autotl.data.source import Source, open_source
from autotl.errors import DatasetError


def listing(folder: Path, **classes: int) -> Source:
    """A dataset of files that are no images, which nothing here may notice."""
    for label, n in classes.items():
        (folder / label).mkdir(parents=True)
        for number in range(n):
            (folder / label / f"{number}.png").write_bytes(b"")
    return open_source(folder, cache=folder.parent / "cache", need_labels=False)


def test_two_classes_with_enough_images_can_be_trained_on(tmp_path: Path) -> None:
    source = listing(tmp_path / "pets", cat=5, dog=5)
    require_trainable_listing(tmp_path / "pets", source, ())


@pytest.mark.parametrize(
    "decisions",
    [
        [Decision("exclude", f"cat/{number}.png") for number in range(4)],
        [Decision("merge", "cat", "dog")],
        [Decision("relabel", f"cat/{number}.png", "dog") for number in range(4)],
        [Decision("relabel", "cat/0.png", "a new class")],
    ],
    ids=["excluded", "merged", "relabelled", "a class of one"],
)
def test_decisions_count(decisions: list[Decision], tmp_path: Path) -> None:
    source = listing(tmp_path / "pets", cat=5, dog=5)
    with pytest.raises(DatasetError, match="at least"):
        require_learnable_listing(tmp_path / "pets", source, decisions)


@pytest.mark.parametrize(
    ("small", "expected"),
    [({"ant": 1}, {"ant": 1}), ({"ant": 3, "bee": 2}, {"ant": 3, "bee": 2}), ({"ant": 4}, {}), ({}, {})],
)
def test_classes_with_too_few_images_are_told_and_can_be_left_out(
    small: dict[str, int], expected: dict[str, int], tmp_path: Path
) -> None:
    source = listing(tmp_path / "pets", cat=5, dog=5, **small)
    assert listed_small_classes(source, ()) == expected
    require_trainable_listing(tmp_path / "pets", source, (), min_per_class=4)
    if expected:
        with pytest.raises(DatasetError, match="--min-per-class 4"):
            require_learnable_listing(tmp_path / "pets", source, ())


def test_leaving_out_is_not_proposed_where_one_class_would_be_left(tmp_path: Path) -> None:
    source = listing(tmp_path / "pets", cat=5, dog=2)
    with pytest.raises(DatasetError, match=r"at least 4\. Add images\.$"):
        require_learnable_listing(tmp_path / "pets", source, ())
    with pytest.raises(DatasetError, match="would leave 1 class of 2"):
        require_learnable_listing(tmp_path / "pets", source, (), min_per_class=4)


@pytest.mark.parametrize(
    ("groups", "why"), [("no-such", "no-such"), ("(.)/", "cannot be divided"), ("(", "."), ("nothing.csv", "nothing")]
)
def test_groups_that_cannot_be_used_are_said(groups: str, why: str, tmp_path: Path) -> None:
    source = listing(tmp_path / "pets", cat=5, dog=5)
    with pytest.raises(DatasetError, match=why):
        require_trainable_listing(tmp_path / "pets", source, (), groups=groups)


def test_fields_of_exif_data_are_left_to_the_search(tmp_path: Path) -> None:
    source = listing(tmp_path / "pets", cat=5, dog=5)
    require_trainable_listing(tmp_path / "pets", source, (), groups="exif:BodySerialNumber")
