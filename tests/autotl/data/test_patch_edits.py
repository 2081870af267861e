"""A decision is stored only if it fits the data, and undone by naming its item."""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from scanning import scan

from autotl.data import patch_edits as module
from autotl.data.patch import Decision, patch_file, read_patch, write_patch
from autotl.errors import DatasetError

CAT, OTHER_CAT, DOG = "cat/circle-0-000.png", "cat/circle-0-001.png", "dog/square-0-000.png"


@pytest.fixture
def decide(pets, tmp_path):
    """Decide about the pets: decide([Decision("exclude", CAT)], undo=[DOG])."""
    return partial(module.decide, pets, cache=tmp_path / "cache")


def sha256(pets, item):
    return hashlib.sha256((pets / item).read_bytes()).hexdigest()


def test_a_decision_is_stored_with_the_content_of_its_item_and_applied_by_the_next_scan(pets, decide):
    noted = decide(
        [Decision("relabel", CAT, "dog"), Decision("exclude", DOG, note="a wolf"), Decision("merge", "dog", "pet")]
    )
    assert noted == (
        Decision("relabel", CAT, "dog", sha256(pets, CAT)),
        Decision("exclude", DOG, "", sha256(pets, DOG), "a wolf"),
        Decision("merge", "dog", "pet"),
    )
    assert read_patch(patch_file(pets)) == noted
    dataset = scan(pets)
    assert dataset.items["label"].value_counts().to_dict() == {"cat": 5, "pet": 5}
    assert dataset.stale == ()


def test_decisions_add_up_and_a_later_one_replaces_an_earlier_one(pets, decide):
    decide([Decision("exclude", CAT), Decision("exclude", DOG)])
    noted = decide([Decision("relabel", CAT, "dog")])
    assert [(d.decision, d.item) for d in noted] == [("relabel", CAT), ("exclude", DOG)]
    assert list(scan(pets).quarantined["path"]) == [DOG]


def test_a_name_is_stored_as_in_the_data_with_or_without_spaces(tmp_path, make_folder):
    data = make_folder(tmp_path / "pets", circle=5, square=5, edge=24, names={"circle": " cat", "square": "dog "})
    decide, item = partial(module.decide, data, cache=tmp_path / "cache"), " cat/circle-0-000.png"
    decide([Decision("relabel", item, "dog "), Decision("exclude", " cat/circle-0-001.png")])
    dataset = scan(data)
    assert (dataset.classes, dataset.stale) == ((" cat", "dog "), ())
    assert dict(zip(dataset.items["path"], dataset.items["label"], strict=True))[item] == "dog "
    assert list(dataset.quarantined["path"]) == [" cat/circle-0-001.png"]
    decide([Decision("merge", " cat", "dog ")])
    assert scan(data).classes == ("dog ",)
    assert "wolf" in {one.label for one in decide([Decision("relabel", item, " wolf ")])}


def test_a_decision_about_a_copy_never_applies_to_the_one_that_is_kept(pets, decide):
    copy = "cat/copy of it.png"
    shutil.copy(pets / CAT, pets / copy)
    assert [one.sha256 for one in decide([Decision("exclude", copy), Decision("relabel", OTHER_CAT, "dog")])] == [
        "", sha256(pets, OTHER_CAT),
    ]  # fmt: skip
    assert list(scan(pets).quarantined["path"]) == [copy]
    (pets / copy).unlink()
    dataset = scan(pets)
    assert (len(dataset.quarantined), [one.item for one in dataset.stale]) == (0, [copy])


def test_a_decision_is_undone_by_naming_its_item_or_its_class(pets, decide):
    decide([Decision("exclude", CAT), Decision("merge", "dog", "cat"), Decision("exclude", OTHER_CAT)])
    assert [d.item for d in decide([], undo=["dog", CAT])] == [OTHER_CAT]
    assert decide([], undo=[OTHER_CAT]) == ()
    assert not patch_file(pets).exists()


@pytest.mark.parametrize("circle", [[("dog", "dog")], [("dog", "cat"), ("cat", "dog")]])
def test_circular_merges_are_not_stored(pets, decide, circle):
    with pytest.raises(DatasetError, match="into itself"):
        decide([Decision("merge", *pair) for pair in circle])
    assert not patch_file(pets).exists()


def test_one_call_may_undo_and_decide_again(decide):
    decide([Decision("exclude", CAT)])
    assert [(d.decision, d.item) for d in decide([Decision("exclude", DOG)], undo=[CAT])] == [("exclude", DOG)]


def test_a_decision_about_a_missing_file_can_be_undone(pets, decide):
    decide([Decision("exclude", CAT)])
    (pets / CAT).unlink()
    assert decide([], undo=[CAT]) == ()


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (
            Decision("exclude", "cat/circle-0-00.png"),
            r"has no image 'cat/circle-0-00\.png'; did you mean 'cat/circle-0-00",
        ),
        (
            Decision("relabel", "unlike anything", "cat"),
            r"'unlike anything'; images are named .* such as 'cat/circle-0-000",
        ),
        (Decision("exclude", "cat"), r"has no image 'cat'.*images are named by their path in the data"),
        (Decision("merge", "dgo", "cat"), r"has no class 'dgo'; did you mean 'dog'\?"),
        (Decision("merge", "elephant", "cat"), r"has no class 'elephant'$"),
    ],
)
def test_names_that_are_not_in_the_data_are_refused_with_near_names_and_nothing_is_stored(
    pets, decide, decision, message
):
    decide([Decision("exclude", DOG)])
    before = patch_file(pets).read_bytes()
    with pytest.raises(DatasetError, match=message):
        decide([Decision("exclude", CAT), decision])
    assert patch_file(pets).read_bytes() == before


def test_undoing_a_missing_decision_is_an_error_that_names_near_ones(pets, decide):
    with pytest.raises(DatasetError, match=rf"pets\.patch\.csv has no decision about '{DOG}'$"):
        decide([], undo=[DOG])
    decide([Decision("exclude", CAT)])
    with pytest.raises(DatasetError, match=rf"no decision about 'cat/circle-0-00\.png'; did you mean '{CAT}'\?"):
        decide([], undo=["cat/circle-0-00.png"])
    assert [d.item for d in read_patch(patch_file(pets))] == [CAT]


def test_another_patch_file_may_be_named(pets, decide, tmp_path):
    decide([Decision("exclude", CAT)], patch=tmp_path / "mine.csv")
    assert [d.item for d in read_patch(tmp_path / "mine.csv")] == [CAT]
    assert not patch_file(pets).exists()


def test_a_decision_about_an_image_of_a_table_uses_its_name_in_the_table(pets, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("path,species\n" + "".join(f"pets/{item},x\n" for item in (CAT, OTHER_CAT, DOG)))
    item = f"pets/{CAT}"
    [noted] = module.decide(table, [Decision("exclude", item)], label="species", cache=tmp_path / "cache")
    assert noted == Decision("exclude", item, "", sha256(pets, CAT))
    assert list(scan(table, label="species").quarantined["path"]) == [item]


def test_an_invalid_patch_file_is_not_overwritten(pets, decide):
    patch_file(pets).write_text("decision,item\nexplode,cat\n")
    with pytest.raises(DatasetError, match="row 2"):
        decide([Decision("exclude", CAT)])
    assert patch_file(pets).read_text() == "decision,item\nexplode,cat\n"


def test_no_image_is_touched(pets, decide):
    before = {p: (p.stat().st_mtime_ns, p.is_file() and p.read_bytes()) for p in [pets, *pets.rglob("*")]}
    decide([Decision("relabel", CAT, "dog"), Decision("exclude", DOG), Decision("merge", "dog", "cat")])
    decide([], undo=[CAT, DOG])
    assert {p: (p.stat().st_mtime_ns, p.is_file() and p.read_bytes()) for p in [pets, *pets.rglob("*")]} == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_where_the_patch_file_cannot_be_written_another_one_is_proposed(pets, decide):
    write_patch(patch_file(pets), [Decision("exclude", CAT)])
    pets.parent.chmod(0o555)
    try:
        for change in ({"new": [Decision("exclude", DOG)]}, {"new": [], "undo": [CAT]}):
            with pytest.raises(DatasetError, match=r"cannot be written .*--patch FILE"):
                decide(**change)
    finally:
        pets.parent.chmod(0o755)


def test_decisions_that_are_made_at_the_same_time_are_all_kept(pets, decide):
    items = sorted(path.relative_to(pets).as_posix() for path in pets.rglob("*.png"))
    with ThreadPoolExecutor(len(items)) as pool:
        list(pool.map(lambda item: decide([Decision("exclude", item)]), items))
    assert sorted(decision.item for decision in read_patch(patch_file(pets))) == items


def test_data_that_is_open_already_is_not_opened_again(pets, decide, tmp_path, monkeypatch):
    source = module.open_source(pets, cache=tmp_path / "cache")
    monkeypatch.setattr(module, "open_source", lambda *_, **__: pytest.fail("opened again"))
    [noted] = decide([Decision("exclude", CAT)], source=source)
    assert noted.sha256 == sha256(pets, CAT)


def test_unlabelled_images_are_labelled_by_decisions_and_learned_from(tmp_path, pets):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in pets.rglob("*.png"):
        path.rename(flat / path.name)
    with pytest.raises(DatasetError, match="no images in class folders"):
        scan(flat)
    found = [Decision("relabel", path.name, path.name.split("-")[0]) for path in flat.iterdir()]
    module.decide(flat, found, cache=tmp_path / "cache")
    assert scan(flat).items["label"].value_counts().to_dict() == {"circle": 6, "square": 5}


def test_a_lock_that_cannot_be_created_is_an_error_with_the_remedy(pets, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DatasetError, match="AUTOTL_CACHE"):
        module.decide(pets, [], cache=tmp_path / "cache")


@pytest.mark.parametrize("theirs", [Decision("relabel", CAT, "dog"), Decision("exclude", CAT), None])
@pytest.mark.parametrize("ours", [Decision("relabel", CAT, "bird"), None])
def test_what_somebody_else_decided_since_it_was_looked_at_is_not_overwritten(pets, decide, theirs, ours):
    seen = Decision("relabel", CAT, "cow")
    decide([seen])
    decide([theirs] if theirs else [], undo=() if theirs else [CAT])
    before = read_patch(patch_file(pets))
    if theirs is None and ours is None:
        with pytest.raises(DatasetError, match="has no decision about"):
            decide([], undo=[CAT], seen={CAT: seen})
        return
    with pytest.raises(module.ChangedMeanwhileError, match=f"{CAT} was .* meanwhile.*Nothing was changed") as error:
        decide(
            [ours, Decision("exclude", DOG)] if ours else [], undo=() if ours else [CAT], seen={CAT: seen, DOG: None}
        )
    assert error.value.now.keys() == {CAT}
    assert read_patch(patch_file(pets)) == before


def test_what_is_as_it_was_seen_or_as_it_is_wanted_is_no_surprise(pets, decide):
    decide([Decision("relabel", CAT, "dog", note="by Ann")])
    decide([Decision("relabel", CAT, "dog", note="by Bob")], seen={CAT: None})
    decide([Decision("exclude", CAT)], seen={CAT: Decision("relabel", CAT, "dog")})
    decide([Decision("relabel", OTHER_CAT, "dog")], seen={})
    assert {decision.item for decision in read_patch(patch_file(pets))} == {CAT, OTHER_CAT}
