"""Planted copies are found, and unrelated images are not."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw
from scanning import scan

from autotl.data.clusters import find_clusters
from autotl.images import similarity
from autotl.images.alignment import miniature
from autotl.images.near_duplicates import find_pairs
from autotl.modality import PAIR_COLUMNS

N_DRAWINGS = 150
NO_SEQUENCE = np.zeros((0, 2), int)
LEFT_RIGHT = Image.Transpose.FLIP_LEFT_RIGHT


def drawing(seed, edge=128):
    """Eight shapes of any colour before a background of slowly changing colours."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((edge * 5 // 4, edge), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    for shape in (pen.ellipse, pen.rectangle) * 4:
        x, y, width, height = (int(v) for v in rng.integers((0, 0, edge // 10, edge // 10), (edge, edge, 40, 40)))
        shape((x, y, x + width, y + height), fill=tuple(int(c) for c in rng.integers(0, 256, 3)))
    return image


def sprite(character, frame, edge=72):
    """A figure on white, of which only an arm and a leg move from frame to frame."""
    rng = np.random.default_rng(character)
    image = Image.new("RGB", (edge, edge), "white")
    pen = ImageDraw.Draw(image)
    skin, shirt, belt, arm, leg = (tuple(int(c) for c in rng.integers(0, 230, 3)) for _ in range(5))
    head, height, width, aside = (int(v) for v in rng.integers((7, 18, 8, -6), (13, 30, 20, 7)))
    middle, neck = edge // 2 + aside, 8 + 2 * head
    pen.ellipse((middle - head, neck - 2 * head, middle + head, neck), fill=skin)
    pen.rectangle((middle - width, neck, middle + width, neck + height), fill=shirt)
    pen.rectangle((middle - width, neck + height // 2, middle + width, neck + height // 2 + 5), fill=belt)
    for side, step in ((-1, 3), (1, frame)):
        shoulder, hip = middle + side * width, middle + side * width // 2
        pen.line((shoulder, neck + 4, shoulder + side * 9, neck + 10 + step), fill=arm, width=4)
        pen.line((hip, neck + height, hip + step, edge - 3), fill=leg, width=5)
    return image


def compressed(image, quality=40):
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=quality)
    return Image.open(jpeg).convert("RGB")


def resized(image, ratio):
    return image.resize((round(image.width * ratio), round(image.height * ratio)), Image.Resampling.BICUBIC)


def cropped(image, share, seed=0):
    width, height = round(image.width * (1 - share)), round(image.height * (1 - share))
    x, y = np.random.default_rng(seed).integers(0, (image.width - width + 1, image.height - height + 1))
    return image.crop((x, y, x + width, y + height))


def miniatures(images):
    return np.stack([miniature(image) for image in images])


def pair_set(table):
    return set(zip(table["first"], table["second"], strict=True))


def pairs_of(images, labels, *, sequence=NO_SEQUENCE, **options):
    return pair_set(find_pairs(miniatures(images), np.array(labels), sequence=sequence, **options))


COPIES = {
    "another compression": compressed,
    "60 % of the size": lambda image: resized(image, 0.6),
    "150 % of the size": lambda image: resized(image, 1.5),
    "crop of 5 %": lambda image: cropped(image, 0.05, 1),
    "crop of 8 %": lambda image: cropped(image, 0.08, 2),
    "crop of 10 %": lambda image: cropped(image, 0.10, 3),
    "crop of 15 %": lambda image: cropped(image, 0.15, 4),
    "crop in a corner, compressed": lambda image: compressed(image.crop((0, 0, 144, 115))),
    "paler": lambda image: image.point(lambda value: 40 + value * 3 // 4),
}
N_EACH = 4
MIRRORED = range(len(COPIES) * N_EACH, len(COPIES) * N_EACH + N_EACH)


@pytest.fixture(scope="module")
def drawings():
    return [drawing(seed) for seed in range(N_DRAWINGS)]


@pytest.fixture(scope="module")
def planted(drawings):
    """Every drawing, then four copies of each kind, then four mirror images; and what each one is a copy of."""
    changes = [change for change in COPIES.values() for _ in range(N_EACH)]
    images = [*drawings, *(change(drawings[i]) for i, change in enumerate(changes))]
    images += [drawings[i].transpose(LEFT_RIGHT) for i in MIRRORED]
    original = np.array([*range(N_DRAWINGS), *range(len(changes)), *MIRRORED])
    return miniatures(images), original


@pytest.fixture(scope="module", params=[False, True], ids=["as they are", "also mirrored"])
def found(request, planted):
    miniatures, original = planted
    mirrored = request.param
    return mirrored, find_pairs(miniatures, original % 3, sequence=NO_SEQUENCE, mirrored=mirrored)


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_found_for_each_kind_of_change(found, kind):
    start = list(COPIES).index(kind) * N_EACH
    planted = {(i, N_DRAWINGS + i) for i in range(start, start + N_EACH)}
    table = found[1]
    assert planted <= pair_set(table[(table["similarity"] >= 0.85) & ~table["mirrored"]])


def test_unrelated_images_are_left_alone_and_mirror_images_found_only_when_looked_for(found):
    mirrored, table = found
    flipped = {(i, N_DRAWINGS + i) for i in MIRRORED}
    upright = {(i, N_DRAWINGS + i) for i in range(len(COPIES) * N_EACH)}
    assert pair_set(table) == upright | (flipped if mirrored else set())
    assert pair_set(table[table["mirrored"]]) == (flipped if mirrored else set())


def test_the_table_of_pairs_has_its_columns_is_sorted_and_its_similarity_is_a_fraction(found):
    table = found[1]
    assert {name: table[name].dtype for name in table} == {name: np.dtype(kind) for name, kind in PAIR_COLUMNS.items()}
    assert table["similarity"].between(0, 1).all()
    assert (table["first"] < table["second"]).all()
    assert list(zip(table["first"], table["second"], strict=True)) == sorted(pair_set(table))


def test_a_second_run_finds_the_same(planted, found):
    miniatures, original = planted
    mirrored, table = found
    again = find_pairs(miniatures, original % 3, sequence=NO_SEQUENCE, mirrored=mirrored)
    pd.testing.assert_frame_equal(again, table)


@pytest.mark.parametrize(
    "label",
    [lambda i: i * 0, lambda i: np.arange(len(i)) % 2],
    ids=["one class", "copies in the wrong class"],
)
def test_copies_are_found_and_unrelated_images_are_not_for_any_labels(planted, label):
    miniatures, original = planted
    table = find_pairs(miniatures, label(original), sequence=NO_SEQUENCE)
    assert pair_set(table) == {(i, N_DRAWINGS + i) for i in range(len(COPIES) * N_EACH)}


def test_the_order_of_the_images_does_not_matter(planted):
    miniatures, original = planted
    order = np.random.default_rng(0).permutation(len(original))
    table = find_pairs(miniatures[order], original[order] % 3, sequence=NO_SEQUENCE)
    place = order[table[["first", "second"]].to_numpy()]
    assert {tuple(sorted(pair)) for pair in place.tolist()} == {
        (i, N_DRAWINGS + i) for i in range(len(COPIES) * N_EACH)
    }


def test_copies_of_one_image_are_one_cluster_even_under_other_labels(drawings, toy_dataset):
    images = [*drawings[:120], *(compressed(drawings[7], quality) for quality in (20, 40, 60, 80, 95))]
    labels = ["cat", "dog"] * 60 + ["cat", "dog", "cat", "dog", "cat"]
    table = find_pairs(miniatures(images), np.array(labels) == "dog", sequence=NO_SEQUENCE)
    rows = list(table[["first", "second", "similarity"]].itertuples(index=False))
    cluster = find_clusters(toy_dataset(labels, rows))
    assert np.flatnonzero(cluster == cluster[7]).tolist() == [7, *range(120, 125)]
    assert len(np.unique(cluster)) == 120


def test_the_frames_of_a_character_are_one_cluster_and_no_two_characters_are(tmp_path, drawings):
    for i, image in enumerate(drawings[:120]):
        kind = ("hero", "villain")[i % 2]
        (tmp_path / kind).mkdir(exist_ok=True)
        image.save(tmp_path / kind / f"scene-{3 * i}.png")
    for character, kind in enumerate(["hero", "hero", "hero", "villain", "villain"]):
        for frame in range(8):
            sprite(character, frame).save(tmp_path / kind / f"character{character}-walk-{frame}.png")
    dataset = scan(tmp_path, cache=tmp_path / "cache")
    cluster = pd.Series(find_clusters(dataset))
    character = dataset.items["path"].str.extract(r"(character\d|scene-\d+)")[0]
    assert (cluster.groupby(character).nunique() == 1).all()
    assert cluster.nunique() == 5 + 120


@pytest.mark.parametrize(("n_videos", "n_frames"), [(5, 8), (20, 8), (3, 16)])
def test_the_frames_of_videos_are_one_cluster_each_where_there_is_nothing_but_videos(n_videos, n_frames, toy_dataset):
    video = np.repeat(np.arange(n_videos), n_frames)
    frames = [sprite(character, frame) for character in range(n_videos) for frame in range(n_frames)]
    table = find_pairs(miniatures(frames), video % 2, sequence=NO_SEQUENCE)
    rows = list(table[["first", "second", "similarity"]].itertuples(index=False))
    assert find_clusters(toy_dataset([f"{i % 2}" for i in video], rows)).tolist() == video.tolist()


def test_an_image_that_follows_by_name_needs_less_similarity(drawings):
    shares = np.linspace(0.4, 0.6, 8)
    faded = [
        Image.blend(image, other, share) for image, other, share in zip(drawings, drawings[60:], shares, strict=False)
    ]
    images, labels = [*drawings, *faded], np.arange(N_DRAWINGS + 8) % 2
    sequence = np.array([(i, N_DRAWINGS + i) for i in range(8)])
    apart, together = pairs_of(images, labels), pairs_of(images, labels, sequence=sequence)
    assert apart < together
    assert together - apart <= set(map(tuple, sequence.tolist()))


def test_images_with_successive_names_that_are_not_similar_are_no_pairs(drawings):
    assert pairs_of(drawings, np.arange(N_DRAWINGS) % 2, sequence=np.array([(0, 1), (2, 1), (40, 41)])) == set()


def test_blank_images_are_similar_to_nothing_not_even_to_each_other(drawings):
    blank = [Image.new("RGB", (40, 40), colour) for colour in ("white", "white", "black", (9, 200, 30), (9, 201, 30))]
    images = [*drawings[:60], *blank, compressed(drawings[0])]
    assert pairs_of(images, np.arange(len(images)) % 2) == {(0, 65)}
    assert pairs_of(blank, [0, 0, 1, 1, 1], mirrored=True) == set()


def test_small_blurred_images_are_not_similar_by_chance():
    coarse = np.random.default_rng(0).integers(0, 256, (150, 3, 3, 3), dtype=np.uint8)
    images = [Image.fromarray(colours).resize((25, 25), Image.Resampling.BICUBIC) for colours in coarse]
    assert pairs_of([*images, compressed(drawing(0)), drawing(0)], np.arange(152) % 2) == {(150, 151)}


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 6, 8, 9, 20])
def test_few_unrelated_images_are_no_pairs(planted, n):
    few = planted[0][:n]
    table = find_pairs(few, np.arange(n) % 2, sequence=NO_SEQUENCE, mirrored=True)
    assert len(table) == 0
    assert list(table.columns) == list(PAIR_COLUMNS)


def test_a_copy_among_eight_images_is_found(drawings):
    assert pairs_of([*drawings[:7], compressed(drawings[0])], np.arange(8) % 2) == {(0, 7)}


@pytest.mark.parametrize("mirrored", [False, True])
def test_progress_counts_every_block_of_images_and_mirrored_ones_as_many_again(planted, mirrored):
    seen, some = [], planted[0][:150]
    find_pairs(some, np.zeros(150), sequence=NO_SEQUENCE, mirrored=mirrored, progress=lambda *step: seen.append(step))
    total = 2 * (1 + mirrored)
    assert sorted(seen) == [(done, total) for done in range(1, total + 1)]


def test_in_a_large_set_compared_in_cells_the_same_copies_and_crops_are_found(planted, found, monkeypatch):
    miniatures, original = planted
    mirrored, table = found
    monkeypatch.setattr(similarity, "_MANY_ITEMS", 0)
    monkeypatch.setattr(similarity, "_UNWHITENED_ITEMS", 0)
    steps = []
    in_cells = find_pairs(
        miniatures, original % 3, sequence=NO_SEQUENCE, mirrored=mirrored, progress=lambda *step: steps.append(step)
    )
    assert pair_set(in_cells) == pair_set(table)
    assert steps[-1] == (1 + mirrored, 1 + mirrored)


def smooth_images(n, seed=0):
    """Images uint8 (n, 3, 48, 48) of smoothly changing colours, and detail by which no two are alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 3, 7, 7)).astype(np.float32)
    places = np.linspace(0, 6, 48)
    weights = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(7))).astype(np.float32)
    return (weights @ coarse @ weights.T).astype(np.uint8)


def shrunk(images, top=0, left=0, edge=48):
    """What a square part of images shows, as miniatures."""
    part = images[:, :, top : top + edge, left : left + edge].transpose(0, 2, 3, 1)
    return miniatures([Image.fromarray(pixels) for pixels in part])


def shares_found_among(n, n_planted):
    """The shares of planted copies and crops of 6 to 17 % that are found among n made images, and of false pairs."""
    images = smooth_images(n)
    places = {"copy": (0, 0, 48), "6 %": (2, 1, 45), "10 %": (0, 4, 43), "17 %": (8, 0, 40)}
    planted = [shrunk(images[i * n_planted : (i + 1) * n_planted], *place) for i, place in enumerate(places.values())]
    noise = np.random.default_rng(1).integers(-3, 4, (n_planted, 3, 32, 32))
    planted[0] = np.clip(planted[0].astype(int) + noise, 0, 255).astype(np.uint8)
    original = np.r_[np.arange(n), np.arange(len(places) * n_planted)]
    pairs = pair_set(find_pairs(np.concatenate([shrunk(images), *planted]), original % 5, sequence=NO_SEQUENCE))
    expected = [(i, n + i) for i in range(len(places) * n_planted)]
    shares = np.array([pair in pairs for pair in expected]).reshape(len(places), n_planted).mean(axis=1)
    return dict(zip(places, shares, strict=True)), len(pairs - set(expected))


def test_copies_and_crops_among_many_images_are_found_in_cells(monkeypatch):
    monkeypatch.setattr(similarity, "_MANY_ITEMS", 1000)
    monkeypatch.setattr(similarity, "_UNWHITENED_ITEMS", 1000)
    found, false = shares_found_among(2000, 40)
    assert min(found.values()) >= 0.94, found
    assert false == 0


@pytest.mark.heavy
def test_copies_and_crops_among_40_000_images_are_found():
    found, false = shares_found_among(40_000, 100)
    assert min(found.values()) >= 0.94, found
    assert false <= 4
