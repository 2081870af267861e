"""An item is hashed by its content, and a composed one by the contents of its parts, each of which is read once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from autotl.data import hashing
from autotl.data.item_hashes import content_hash, copies_of, digests_of, hash_items
from autotl.data.scan import scan
from autotl.pairs.pair_files import held_parts, named_parts


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write(folder: Path, name: str, image: bytes, text: bytes) -> str:
    (folder / f"{name}.png").write_bytes(image)
    (folder / f"{name}.txt").write_bytes(text)
    (folder / f"{name}.pair").write_bytes(named_parts(f"{name}.png", f"{name}.txt"))
    return f"{name}.pair"


def test_a_pair_has_the_hashes_of_its_parts_and_one_of_both(tmp_path: Path) -> None:
    paths = [write(tmp_path, name, b"image", text) for name, text in (("a", b"one"), ("b", b"one"), ("c", b"two"))]
    found = hash_items(tmp_path, paths, "pair")
    assert found["image.sha256"].tolist() == [sha256(b"image")] * 3
    assert found["text.sha256"].tolist() == [sha256(b"one"), sha256(b"one"), sha256(b"two")]
    assert found["sha256"][2] == content_hash([sha256(b"image"), sha256(b"two")])
    assert digests_of(found, "pair").tolist() == found[["image.sha256", "text.sha256"]].to_numpy("S64").tolist()
    assert copies_of(tmp_path, paths, "pair") == {"a.pair", "b.pair"}


def test_an_item_that_is_not_composed_has_one_hash(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"image")
    found = hash_items(tmp_path, ["a.png"], "image")
    assert digests_of(found, "image").tolist() == [sha256(b"image").encode()]


def test_a_pair_whose_parts_are_not_known_says_why(tmp_path: Path) -> None:
    (tmp_path / "held.pair").write_bytes(held_parts(b"image", "text"))
    found = hash_items(tmp_path, ["held.pair", "gone.pair"], "pair")
    assert found["quarantine"].str.startswith(("it holds its parts", "it cannot be read")).all()
    assert np.array_equal(digests_of(found, "pair"), np.zeros((2, 2), "S64"))


def test_a_scan_reads_each_image_of_a_pair_once_to_hash_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pairs_on_disk import write_listing

    table = write_listing(tmp_path / "data", 12)
    read: list[str] = []
    own = hashing._read

    def counted(name: str, most_bytes: float) -> hashing._Content:
        read.append(Path(name).name)
        return own(name, most_bytes)

    monkeypatch.setattr(hashing, "_read", counted)
    dataset = scan(table, cache=tmp_path / "cache", text="description")
    images = [name for name in read if name.endswith(".png")]
    assert sorted(images) == sorted({*images})
    assert len(images) == len(dataset.table) == 12
    assert dataset.part("image") is dataset.part("image")
    assert dataset.part("image").digests().tolist() == dataset.items["image.sha256"].to_numpy("S64").tolist()
