"""Every image is decoded once: its facts are kept by its content."""

from __future__ import annotations

import hashlib
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autotl.images import facts as module
from autotl.images.alignment import miniature
from autotl.images.facts import FACT_COLUMNS, read_facts

HEIC = Path(__file__).parents[2] / "data" / "tiny.heic"


@pytest.fixture
def photos(tmp_path, shapes):
    """A folder with a PNG, a JPEG stored sideways, a GIF of two frames, half a JPEG and a text."""
    root = tmp_path / "photos"
    root.mkdir()
    shutil.copy(sorted((shapes / "circle").iterdir())[0], root / "circle.png")
    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((300, 400))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(root / "sideways.jpg", exif=exif)
    image.convert("L").save(root / "two.gif", save_all=True, append_images=[Image.new("L", (300, 400))])
    (root / "torn.jpg").write_bytes((root / "sideways.jpg").read_bytes()[:3000])
    (root / "words.png").write_text("not an image")
    return root


NAMES = ["circle.png", "sideways.jpg", "two.gif", "torn.jpg", "words.png"]


def digests(root, names):
    return np.array([hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names], dtype="S64")


@pytest.fixture
def read(photos, tmp_path):
    """read("circle.png", progress=...): read the facts of files with a cache of this test's own."""

    def read(*names, progress=None):
        names = names or tuple(NAMES)
        cache = tmp_path / "cache"
        return read_facts(photos, np.array(names), digests(photos, names), cache=cache, progress=progress)

    return read


@pytest.fixture
def no_decoding(monkeypatch):
    """Make every further decoding fail."""

    def no_decoding():
        def fail(path, edge):
            raise AssertionError(f"{path} was decoded again")

        monkeypatch.setattr(module, "read_header_and_image", fail)

    return no_decoding


def same(first, second):
    assert first.facts.equals(second.facts)
    assert (first.miniatures == second.miniatures).all()
    assert (first.quarantine == second.quarantine).all()


def test_the_facts_are_those_of_the_file_as_it_is_seen(read):
    found = read().facts
    assert tuple(found.columns) == FACT_COLUMNS
    columns = ["format", "mode", "width", "height", "frames"]
    assert found[columns].to_numpy().tolist() == [
        ["PNG", "RGB", 64, 64, 1],
        ["JPEG", "RGB", 400, 300, 1],  # upright
        ["GIF", "P", 300, 400, 2],
        ["", "", 0, 0, 0],
        ["", "", 0, 0, 0],
    ]
    assert (found["contrast"][:3] > 0.05).all()
    assert found["colourfulness"][0] > 5 > found["colourfulness"][2] == 0


def test_the_miniature_is_that_of_the_image_and_blank_where_it_cannot_be_decoded(read, photos):
    found = read().miniatures
    assert found.shape == (5, 3, 32, 32)
    assert (found[0] == miniature(Image.open(photos / "circle.png"))).all()
    assert not found[3:].any()


def test_a_file_that_cannot_be_decoded_has_a_reason_and_the_others_none(read):
    *fine, torn, words = read().quarantine
    assert fine == ["", "", ""]
    assert "cut short" in torn
    assert "not a JPEG, PNG" in words


def test_copies_are_decoded_once(read, photos, monkeypatch):
    for name in ("a.png", "b.png"):
        shutil.copy(photos / "circle.png", photos / name)
    seen = []
    found = read("two.gif", "circle.png", "a.png", "words.png", "b.png", progress=lambda *step: seen.append(step))
    assert seen[-1] == (3, 3)
    assert found.facts["format"].tolist() == ["GIF", "PNG", "PNG", "", "PNG"]
    assert (found.miniatures[[2, 4]] == found.miniatures[1]).all()
    assert [bool(reason) for reason in found.quarantine] == [False, False, False, True, False]


def test_heic_is_decoded_in_a_child_process(photos, read, no_decoding):
    pytest.importorskip("pi_heif")
    shutil.copy(HEIC, photos / "phone.heic")
    no_decoding()  # this process only
    found = read("phone.heic")
    assert found.quarantine.tolist() == [""]
    assert found.facts.loc[0, ["format", "width", "height"]].tolist() == ["HEIF", 48, 32]


def test_a_second_run_decodes_nothing_and_finds_the_same(read, no_decoding):
    names = NAMES[:3]
    first = read(*names)
    no_decoding()
    same(first, read(*names))


def test_a_renamed_file_is_known_by_its_content_and_an_edited_one_is_decoded_again(read, photos, no_decoding):
    first = read("circle.png")
    (photos / "circle.png").rename(photos / "moved.png")
    Image.new("RGB", (9, 7)).save(photos / "circle.png")
    assert read("circle.png").facts["width"].tolist() == [9]
    no_decoding()
    same(first, read("moved.png"))


def test_only_what_is_new_is_decoded_and_it_finds_its_place(read):
    read("sideways.jpg")
    seen = []
    found = read("circle.png", "sideways.jpg", "two.gif", progress=lambda *step: seen.append(step))
    assert seen[-1] == (2, 2)
    assert found.facts["format"].tolist() == ["PNG", "JPEG", "GIF"]


def test_a_file_that_could_not_be_decoded_is_tried_again(read, photos):
    assert read("torn.jpg").quarantine[0]
    # Another program had not finished writing, or a library has learned to read it: only good news is kept.
    digest = digests(photos, ["torn.jpg"])
    shutil.copy(photos / "sideways.jpg", photos / "torn.jpg")
    found = read_facts(photos, np.array(["torn.jpg"]), digest, cache=photos.parent / "cache")
    assert found.quarantine[0] == ""


def test_what_is_kept_for_many_files_is_written_in_parts(read, photos, monkeypatch, no_decoding):
    monkeypatch.setattr(module, "_KEPT_AT_ONCE", 2)
    seen = []
    first = read(*NAMES, progress=lambda *step: seen.append(step))
    assert seen == [(5, 5)]
    assert len(list((photos.parent / "cache").rglob("*.keys.npy"))) == 2  # nothing of the third could be decoded
    no_decoding()
    again = read(*NAMES[:3])
    assert again.facts.equals(first.facts[:3])


@pytest.mark.parametrize("content", [b"", b"no array"], ids=["empty", "nonsense"])
def test_a_damaged_cache_costs_only_decoding_again(read, photos, content, no_decoding):
    names = NAMES[:3]
    first = read(*names)
    for shard in (photos.parent / "cache").rglob("*.npy"):
        shard.write_bytes(content)
    same(first, read(*names))
    no_decoding()
    same(first, read(*names))


@pytest.mark.parametrize("constant", ["_VERSION", "DECODER_VERSION"])
def test_another_version_uses_no_facts_of_an_older_one(read, monkeypatch, constant):
    read("circle.png")
    monkeypatch.setattr(module, constant, 99)
    seen = []
    read("circle.png", progress=lambda *step: seen.append(step))
    assert seen == [(1, 1)]


def test_no_files_have_no_facts(tmp_path):
    found = read_facts(tmp_path, np.array([], dtype=object), np.array([], dtype="S64"), cache=tmp_path / "cache")
    assert (len(found.facts), found.miniatures.shape, found.quarantine.shape) == (0, (0, 3, 32, 32), (0,))
    assert tuple(found.facts.columns) == FACT_COLUMNS


def test_the_facts_of_many_known_files_are_read_without_holding_their_miniatures(tmp_path):
    n, part = 12_000, 4000
    names = np.array([f"{i}.png" for i in range(n)])
    known = np.array([hashlib.sha256(name.encode()).hexdigest() for name in names], dtype="S64")
    store = module._open_store(tmp_path / "cache")
    for start in range(0, n, part):
        records = np.zeros(part, dtype=module._RECORD)
        records["facts"]["width"], records["miniature"] = np.arange(start, start + part), 7
        store.append(known[start : start + part], records)
    tracemalloc.start()
    found = read_facts(tmp_path, names, known, cache=tmp_path / "cache")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.facts["width"].tolist() == list(range(n))
    assert peak < n * module._RECORD.itemsize / 1.5
    assert (found.signatures[np.array([5, 11_999])].shape, found.miniatures.mean()) == ((2, 3, 32, 32), 7)
