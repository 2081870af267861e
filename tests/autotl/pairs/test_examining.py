"""Pairs are examined by their parts, and two pairs are near-duplicates if their images are, or their texts."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import draw
from real_texts import paragraphs

from autotl.data.item_hashes import digests_of, hash_items
from autotl.images.facts import FACT_COLUMNS as IMAGE_FACTS
from autotl.modality import CERTAIN
from autotl.pairs.modality import PAIRS
from autotl.pairs.pair_files import held_parts, named_parts
from autotl.texts.facts import FACT_COLUMNS as TEXT_FACTS

NONE = np.zeros((0, 2), dtype=int)
LONG = [text for text in paragraphs() if len(text.split()) > 20]


@pytest.fixture
def write(tmp_path):
    """write(images, texts) -> the folder and the names of the pairs; images are seeds of drawings, texts are words."""

    def write(images, texts):
        for row, (image, text) in enumerate(zip(images, texts, strict=True)):
            if image is not None:
                draw("circle", np.random.default_rng(image)).save(tmp_path / f"{row}.png")
            if text is not None:
                (tmp_path / f"{row}.txt").write_text(text)
            (tmp_path / f"{row}.pair").write_bytes(named_parts(str(tmp_path / f"{row}.png"), f"{row}.txt"))
        return tmp_path, np.array([f"{row}.pair" for row in range(len(images))])

    return write


def examined(folder, paths, tmp_path):
    digests = digests_of(hash_items(folder, list(paths), "pair"), "pair")
    return PAIRS.examiner().read_facts(folder, np.asarray(paths), digests, cache=tmp_path / "cache")


def found_pairs(found, **options):
    labels = np.zeros(len(found.facts), dtype=int)
    table = PAIRS.examiner().find_pairs(found.signatures, labels, sequence=NONE, **options)
    return {(row.first, row.second): row.similarity for row in table.itertuples()}


def test_the_facts_are_those_of_the_image_and_of_the_text(write, tmp_path):
    folder, paths = write([1, 2], LONG[:2])
    facts = examined(folder, paths, tmp_path).facts
    assert tuple(facts) == PAIRS.fact_columns
    assert set(facts) == {
        *(f"image.{name}" for name in ("path", *IMAGE_FACTS)),
        *(f"text.{name}" for name in ("path", *TEXT_FACTS)),
    }
    assert facts["image.width"].tolist() == [64, 64]
    assert facts["text.n_words"].gt(10).all()
    assert facts["image.path"][1] == str(tmp_path / "1.png")


def test_a_pair_can_be_read_if_both_of_its_parts_can(write, tmp_path):
    folder, paths = write([1, 2, None, 4, 5], [*LONG[:3], None, ""])
    (folder / "1.png").write_bytes(b"no image")
    (folder / "5.pair").write_bytes(b"no pair")
    (folder / "6.pair").write_bytes(held_parts(b"image", "text"))
    found = examined(folder, [*paths, "5.pair", "6.pair", "gone.pair"], tmp_path)
    reasons = found.quarantine.tolist()
    assert reasons[0] == ""
    assert [reason.split(":")[0] for reason in reasons[1:5]] == ["its image", "its image", "its text", "its text"]
    assert "not the file of a pair" in reasons[5]
    assert reasons[6].startswith("it holds its parts")
    assert "No such file" in reasons[7]
    assert (found.facts["image.width"] > 0).tolist() == [True, False, False, True, True, False, False, False]


def test_near_duplicates_by_either_part_are_found(write, tmp_path):
    folder, paths = write([1, 2, 3, 1, 5, 6], [LONG[0], LONG[1], LONG[2], LONG[3], f"{LONG[1]} Sold.", LONG[5]])
    found = found_pairs(examined(folder, paths, tmp_path))
    assert set(found) == {(0, 3), (1, 4)}
    assert found[0, 3] == 1
    assert found[1, 4] >= CERTAIN


def test_copies_of_one_image_join_whatever_resembles_one_of_them(write, tmp_path):
    folder, paths = write([1, 1, 1, 4], LONG[:4])
    assert set(found_pairs(examined(folder, paths, tmp_path))) == {(0, 1), (0, 2)}


def test_texts_of_few_words_tie_nothing(write, tmp_path):
    folder, paths = write(
        [1, 2, 3, 4], ["No description.", "No description.", *["One and the same text of nine words here"] * 2]
    )
    assert found_pairs(examined(folder, paths, tmp_path)) == {}
    folder, paths = write([1, 2, 3, 4], [*LONG[:2], *["One and the same text of more than nine words, as here"] * 2])
    assert set(found_pairs(examined(folder, paths, tmp_path))) == {(2, 3)}


def test_one_pair_and_no_pair_have_no_near_duplicates(write, tmp_path):
    folder, paths = write([1], LONG[:1])
    for n in (0, 1):
        found = examined(folder, paths[:n], tmp_path)
        assert (len(found.facts), found_pairs(found)) == (n, {})


@pytest.mark.parametrize("damaged", ["pair", "png", "txt"])
def test_damaged_files_are_read_or_skipped(write, tmp_path, damaged):
    folder, paths = write([1, 2, 3], LONG[:3])
    rng = np.random.default_rng(0)
    for number in range(40):
        whole = (folder / f"1.{damaged}").read_bytes()
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 8):
            data[place] = int(rng.integers(256))
        (folder / f"1.{damaged}").write_bytes(bytes(data[: int(rng.integers(0, len(data) + 1))]))
        found = examined(folder, paths, tmp_path)
        assert (found.quarantine[0], found.quarantine[2]) == ("", ""), number
        assert len(found.facts) == len(found.signatures) == 3
        (folder / f"1.{damaged}").write_bytes(whole)
