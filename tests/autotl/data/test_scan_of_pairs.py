"""A dataset of pairs: its facts, its near-duplicates, decisions about it, and what belongs together."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pandas as pd
import pytest
from pairs_on_disk import write_listing
from PIL import Image
from scanning import scan

from autotl.data.candidate_groups.find import candidate_groups
from autotl.data.patch import Decision, patch_file
from autotl.data.patch_edits import decide
from autotl.data.preflight import require_trainable_listing
from autotl.data.several_targets import TARGET, combine, divide_by_target
from autotl.data.source import open_source
from autotl.errors import DatasetError

N = 24


@pytest.fixture
def listing(tmp_path):
    return write_listing(tmp_path / "shop", N)


def rewrite(listing, rows=slice(None), **columns):
    """Write the listing again with other columns and rows."""
    pd.read_csv(listing, dtype=str).assign(**columns).iloc[rows].to_csv(listing, index=False)
    return listing


def read(listing, **options):
    return scan(listing, text="description", **options)


def test_the_facts_are_those_of_both_parts(listing):
    dataset = read(listing)
    assert (dataset.modality, len(dataset.items)) == ("pair", N)
    row = dataset.items.iloc[3]
    assert (row["image.format"], row["image.width"], row["text.format"]) == ("PNG", 32, "txt")
    assert row["n_bytes"] == (listing.parent / "photos" / "003.png").stat().st_size + len(
        pd.read_csv(listing)["description"][3].encode()
    )
    assert dataset.part("image").items["path"][3] == str(listing.parent / "photos" / "003.png")
    assert dataset.part("text").path(3).read_text() == pd.read_csv(listing)["description"][3]


def test_the_same_pairs_at_another_place_are_the_same_data(listing):
    first = read(listing)
    second = read(listing.parent.rename(listing.parent.with_name("moved")) / "listing.csv")
    assert second.fingerprint == first.fingerprint
    assert second.items["sha256"].tolist() == first.items["sha256"].tolist()
    image = listing.parent.with_name("moved") / "photos" / "000.png"
    Image.open(image).rotate(90).save(image)
    assert read(image.parent.parent / "listing.csv").items["sha256"][0] != first.items["sha256"][0]


def test_unreadable_parts_are_skipped_with_the_reason(listing):
    (listing.parent / "photos" / "001.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    (listing.parent / "photos" / "002.png").write_bytes(b"")
    reasons = dict(zip(*(read(listing).quarantined[name] for name in ("path", "quarantine")), strict=True))
    assert list(reasons) == ["row-000002.pair", "row-000003.pair"]
    assert reasons["row-000002.pair"].startswith("its image: ")
    assert reasons["row-000003.pair"] == "its image: it is empty (0 bytes)"


def test_pairs_with_one_image_or_one_text_are_near_duplicates(listing):
    frame = pd.read_csv(listing, dtype=str)
    long = " ".join(f"word{number}" for number in range(20))
    photos, texts = frame["photo"].tolist(), [f"Number {row}." for row in range(N)]
    photos[1] = photos[0]
    texts[4] = texts[8] = long
    texts[10] = texts[11] = "No description."
    found = read(rewrite(listing, photo=photos, description=texts)).pairs
    named = {(int(first), int(second)) for first, second in zip(found["first"], found["second"], strict=True)}
    assert {(0, 1), (4, 8)} <= named
    assert (10, 11) not in named


def test_decisions_hold_for_a_pair_wherever_its_row_is(listing, cache):
    decide(
        listing, [Decision("exclude", "row-000001.pair"), Decision("relabel", "row-000002.pair", "0 wine")],
        text="description", cache=cache,
    )  # fmt: skip
    dataset = read(listing)
    assert dataset.quarantined["path"].tolist() == ["row-000001.pair"]
    assert dataset.items["label"][0] == "0 wine"
    patch = patch_file(listing)
    assert all(line.count(",") == 4 and len(line.split(",")[3]) == 64 for line in patch.read_text().splitlines()[1:])
    moved = listing.parent.rename(listing.parent.with_name("moved")) / "listing.csv"
    assert read(moved).quarantined["path"].tolist() == ["row-000001.pair"]
    rewrite(moved, [5, 0, *range(6, N), 1])
    assert read(moved).quarantined["path"].tolist() == ["row-000002.pair"]
    assert read(moved).table["label"].iloc[-1] == "0 wine"
    rewrite(moved, slice(2, None))
    assert [decision.item for decision in read(moved).stale] == ["row-000001.pair"]


def test_a_decision_about_an_unknown_pair_says_what_pairs_are_called(listing, cache):
    with pytest.raises(DatasetError, match=r"no pair 'photos/000.png'.* in the data, such as 'row-000001.pair'"):
        decide(listing, [Decision("exclude", "photos/000.png")], text="description", cache=cache)


# Groups


@pytest.fixture
def sellers(listing):
    """The listing with the photos of six sellers, in a folder each."""
    photos = []
    for row in range(N):
        photo = listing.parent / "photos" / f"seller{row // 4}" / f"{row:03d}.png"
        photo.parent.mkdir(exist_ok=True)
        shutil.move(listing.parent / "photos" / photo.name, photo)
        photos.append(photo.relative_to(listing.parent).as_posix())
    return rewrite(listing, photo=photos, shop=[f"shop {row // 3}" for row in range(N)])


def test_groups_go_by_the_images(sellers, tmp_path):
    wanted = [f"seller{row // 4}" for row in range(N)]
    assert read(sellers, groups=r"(seller\d)").items["group"].tolist() == wanted
    assert read(sellers, groups=r"^([^/]+)/").items["group"].tolist() == wanted
    assert read(sellers, groups="shop").items["group"].tolist() == [f"shop {row // 3}" for row in range(N)]
    frame = pd.read_csv(sellers, dtype=str)
    table = tmp_path / "groups.csv"
    pd.DataFrame({"path": frame["photo"], "group": wanted}).to_csv(table, index=False)
    assert read(sellers, groups=str(table)).items["group"].tolist() == wanted
    with pytest.raises(DatasetError, match=r"matches none of the 24 paths, such as 'seller0/000\.png'"):
        read(sellers, groups=r"(patient\d)")
    with pytest.raises(DatasetError, match=r"'exif:Model' gives none of the 24 pairs a group"):
        read(sellers, groups="exif:Model")


def test_groups_of_a_listing_can_be_read_before_any_item_is(sellers, cache):
    source = open_source(sellers, text="description", cache=cache)
    require_trainable_listing(sellers, source, (), groups=r"(seller\d)")


def test_candidate_groups_are_those_of_the_images_and_the_table(sellers):
    dataset = read(sellers)
    found = {one.name: one for one in candidate_groups(dataset)}
    assert found["folder"].group.tolist() == [f"seller{row // 4}" for row in range(N)]
    assert found["folder"].examples[0].endswith(".png")
    assert "shop" in found
    assert not any("row" in one.name for one in found.values())


def test_cameras_of_the_images_group_pairs(listing):
    photos = []
    for row in range(N):
        exif = Image.Exif()
        exif[0x0110] = f"camera {row % 5}"
        photo = listing.parent / "photos" / f"{row:03d}.jpg"
        Image.open(photo.with_suffix(".png")).save(photo, exif=exif)
        photos.append(f"photos/{photo.name}")
    dataset = read(rewrite(listing, photo=photos), groups="exif:Model")
    assert dataset.items["group"].tolist() == [f"camera {row % 5}" for row in range(N)]
    assert "exif:Model" in {one.name for one in candidate_groups(replace(dataset))}


# Targets


def test_several_targets_of_pairs_share_their_items(listing, cache):
    frame = pd.read_csv(listing, dtype=str)
    digits, subjects = (frame["label"].str.split(" ").str[place] for place in (0, 1))
    rewrite(listing, digit=digits, subject=[*subjects[:-1], ""])
    sources = {name: open_source(listing, label=name, text="description", cache=cache) for name in ("digit", "subject")}
    combined = combine(sources)
    assert combined.layout.endswith("and texts in the column 'description', labels in the columns 'digit', 'subject'")
    scanned = read(listing, opened=combined)
    found = divide_by_target(scanned, dict.fromkeys(sources, "classes"), ())
    assert (found.of["digit"].modality, scanned.table[TARGET + "digit"].tolist()) == ("pair", digits.tolist())
    assert (len(found.of["digit"].items), len(found.of["subject"].items)) == (N, N - 1)
    assert found.of["digit"].part("image").items["path"][0].endswith("000.png")


@pytest.mark.parametrize(("kind", "first"), [("labels", ["0", "cancer"]), ("number", []), ("ordered", ["1 a", "2 b"])])
def test_pairs_may_have_any_kind_of_target(listing, kind, first):
    frame = pd.read_csv(listing, dtype=str)
    label = {
        "labels": frame["label"].str.replace(" ", ";"), "number": [str(row) for row in range(N)],
        "ordered": [("1 a", "2 b", "3 c")[row % 3] for row in range(N)],
    }[kind]  # fmt: skip
    dataset = read(rewrite(listing, label=label), kind=kind)
    assert (dataset.modality, dataset.kind, len(dataset.items)) == ("pair", kind, N)
    assert set(first) <= set(dataset.classes)
