"""Checks of images and of texts look at the parts of pairs, and what they find is said of the pairs."""

from __future__ import annotations

import pandas as pd
import pytest
from pairs_on_disk import write_listing
from PIL import Image
from scanning import scan

from autotl.checks.run_checks import run_checks
from autotl.checks.views import views_of
from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.plugins import load_plugins

N = 24


@pytest.fixture
def shop(tmp_path):
    write_listing(tmp_path / "shop", N)
    return tmp_path / "shop"


def read(shop, **options):
    return scan(shop / "listing.csv", text="description", **options)


def with_checks(**checks):
    class Looks:
        @hookimpl
        def register_checks(self):
            for name, (modality, look) in checks.items():
                yield Check(name, look, modality=modality)

    return load_plugins(extra=[Looks()], installed=False)


def test_a_dataset_of_one_kind_is_seen_as_it_is(toy_dataset):
    dataset = toy_dataset(["a", "b"])
    assert {name: view.seen is dataset for name, view in views_of(dataset).items()} == {"": True, "image": True}


def test_every_check_sees_what_it_is_for(shop):
    seen = {}

    def look(name):
        return lambda dataset: (
            seen.update({name: (dataset.modality, len(dataset.items), "width" in dataset.items)}) or ()
        )

    plugins = with_checks(
        **{kind or "any": (kind, look(kind or "any")) for kind in ("image", "text", "pair", "clip", "")}
    )  # fmt: skip
    assert run_checks(read(shop), plugins) == []
    assert seen == {
        "image": ("image", N, True), "text": ("text", N, False), "pair": ("pair", N, False), "any": ("pair", N, False),
    }  # fmt: skip


def test_what_is_found_in_parts_names_the_pairs(shop):
    frame = pd.read_csv(shop / "listing.csv", dtype=str)
    frame.loc[5, "photo"] = "photos/000.png"  # two pairs share an image
    frame.to_csv(shop / "listing.csv", index=False)

    def look(dataset):
        first, second = dataset.items["path"][0], dataset.items["path"][1]
        yield Finding(
            "look", "info", f"1 image is odd: {first}, in the class {dataset.items['label'][0]}", items=(first, second),
            advice=f"Look at {second}.", pairs=((second, first),), fixes=(("exclude", first), ("merge", "a", "b")),
            proposals=(("exclude", first), ("relabel", second, "0 wine")),
        )  # fmt: skip

    (found,) = run_checks(read(shop), with_checks(look=("image", look)))
    one, two, six = (f"row-00000{number}.pair" for number in (1, 2, 6))
    assert found == Finding(
        "look", "info", f"1 image is odd: {one}, in the class 0 cancer", items=(one, six, two),
        advice=f"Look at {two}.", pairs=((two, one),), fixes=(("exclude", one), ("merge", "a", "b")),
        proposals=(("exclude", one), ("exclude", six), ("relabel", two, "0 wine")),
    )  # fmt: skip


def test_a_check_of_any_kind_speaks_of_pairs(shop):
    def look(dataset):
        yield Finding("look", "info", f"{len(dataset.items)} images, such as {dataset.items['path'][0]}")

    (found,) = run_checks(read(shop), with_checks(look=("", look)))
    assert found.message == "24 pairs, such as row-000001.pair"


def test_a_check_that_fails_on_a_part_is_said_and_the_others_go_on(shop):
    def fail(dataset):
        yield Finding("fragile", "info", "so far so good")
        raise RuntimeError("no image")

    plugins = with_checks(fragile=("image", fail), sound=("text", lambda _: [Finding("sound", "info", "fine")]))
    failed, sound = run_checks(read(shop), plugins)
    assert "'fragile' of plugin 'Looks-0' failed: RuntimeError: no image (" in failed.message
    assert sound.message == "fine"


def test_the_built_in_checks_of_pairs_read_well(shop, plugins):
    frame = pd.read_csv(shop / "listing.csv", dtype=str)
    frame["description"] = [f"Number {row}. {text}" for row, text in enumerate(frame["description"])]
    frame.loc[1, ["photo", "label"]] = ["photos/000.png", "0 wine"]
    frame.loc[2, "photo"] = "gone.png"
    frame.loc[3, "description"] = ""
    frame.to_csv(shop / "listing.csv", index=False)
    Image.new("RGB", (40, 32), "white").save(shop / "photos" / "004.png")
    found = run_checks(read(shop), plugins)
    said = {one.check: f"{one.message}. {one.advice}" for one in found}
    assert said["blank"] == (
        "1 image of 22 is blank or nearly one colour, such as row-000005.pair. Look at them, and exclude those in "
        "which you cannot recognise the class yourself."
    )
    assert said["label-conflicts"].startswith(
        "two pairs that are almost the same in one of their parts have different labels "
    )
    assert "such as row-000001.pair (0 cancer) and row-000002.pair (0 wine)" in said["label-conflicts"]
    assert said["near-duplicates"].startswith("two pairs are almost the same in one of their parts ")
    assert said["unreadable"].startswith(
        "2 of 24 pairs could not be read and were skipped, such as row-000003.pair: its image: there is no such file"
    )
    readings = [one.message for one in found if one.check == "reading"]
    assert readings == [
        "1 of 24 rows have no image and are skipped: 1 because there is no such file, such as gone.png",
        "1 of 24 rows have no text and are skipped: their 'description' is empty or a word for no value, such as in "
        "row 4",
    ]
    (blank,) = (one for one in found if one.check == "blank")
    assert (blank.items, blank.fixes) == (("row-000005.pair",), (("exclude", "row-000005.pair"),))
    assert not any(str(shop) in text for one in found for text in (one.message, one.advice, *one.items))


def test_the_words_of_pairs_keep_what_was_said_of_them_from_the_beginning(shop):
    frame = pd.read_csv(shop / "listing.csv", dtype=str)
    frame.loc[2, "photo"] = ""
    frame.to_csv(shop / "listing.csv", index=False)
    dataset = read(shop)
    assert dataset.words("an image of 9 images") == "a pair of 9 pairs"
    for kept in (dataset.layout, dataset.quarantined["quarantine"][0], dataset.notes[0].message):
        assert "image" in kept
        assert dataset.words(f"2 images: {kept}") == f"2 pairs: {kept}"
