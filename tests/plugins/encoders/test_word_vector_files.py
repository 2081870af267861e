"""Files of word vectors are encoders: means and maxima of the vectors of known words."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autotl.errors import ConfigError
from autotl.features.frozen_network import freeze, open_session
from autotl.features.text_network import open_tokens, unknown_share
from autotl.interfaces import TextEncoder
from autotl.testing import check_encoder, check_encoder_format
from autotl_plugins.encoders import word_vector_files
from autotl_plugins.encoders.word_vector_files import open_vectors

WORDS = ["the", ",", ".", "film", "was", "n't", "did", "it", "'s", "good", "well-made", "café", "1,000", ". . ."]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "cache"))


def table(n: int = len(WORDS), width: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, width)).round(4).astype(np.float32)


def lines(words: list[str], numbers: np.ndarray) -> str:
    return "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(words, numbers.tolist(), strict=True))


def write(folder: Path, name: str = "glove.6B.6d.txt", text: str = "") -> Path:
    (folder / name).write_text(text or lines(WORDS, table()), encoding="utf-8")
    return folder / name


def opened(file: Path) -> TextEncoder:
    encoder = open_vectors(str(file))
    assert encoder is not None
    return encoder


def vectors(encoder: TextEncoder, cache: Path, texts: list[str]) -> list[np.ndarray]:
    network = freeze(encoder, encoder.sizes[0], cache=cache)
    batch = open_tokens(network).encode(texts, network.size[1])
    return list(open_session(network.file, 1).run(["words-avg", "words-max"], batch))


def test_a_text_is_the_mean_and_the_maximum_of_its_known_words(tmp_path):
    encoder = opened(write(tmp_path))
    mean, most = vectors(
        encoder, tmp_path / "frozen", ["Didn't the FILM was it's good, zebra well-made 1,000 café.", "zebra"]
    )
    words = ["did", "n't", "the", "film", "was", "it", "'s", "good", ",", "well-made", "1,000", "café", "."]
    rows = table()[[WORDS.index(word) for word in words]]
    np.testing.assert_allclose(mean[0], rows.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(most[0], rows.max(axis=0), atol=1e-6)
    assert not mean[1].any()
    network = freeze(encoder, encoder.sizes[0], cache=tmp_path / "frozen")
    assert unknown_share(network, ["the zebra", "film good"]) == 0.25


def test_it_keeps_the_contract_and_says_its_licence_only_where_its_name_is_known(tmp_path):
    check_encoder(replace(opened(write(tmp_path, "glove.txt")), name="glove.txt"))
    for one in word_vector_files.register_encoder_formats():
        check_encoder_format(one)
    assert opened(write(tmp_path)).licence == "PDDL-1.0"
    assert opened(write(tmp_path, "mine.vec")).licence == ""
    assert opened(write(tmp_path, "other.txt")).commercial


def test_a_first_line_with_the_shape_is_skipped_and_words_of_any_case_are_told_apart(tmp_path):
    words = ["Film", "film", "THE"]
    encoder = opened(write(tmp_path, "wiki.vec", "3 6\n" + lines(words, table(3))))
    mean, _ = vectors(encoder, tmp_path / "frozen", ["Film", "film", "the"])
    np.testing.assert_allclose(mean, [*table(3)[:2], np.zeros(6)], atol=1e-6)


def test_of_words_that_come_twice_the_first_counts(tmp_path):
    encoder = opened(write(tmp_path, text=lines(["a", "b", "a", "c"], table(4))))
    mean, _ = vectors(encoder, tmp_path / "frozen", ["a", "c"])
    np.testing.assert_allclose(mean, table(4)[[0, 3]], atol=1e-6)


def test_only_the_most_frequent_words_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(word_vector_files, "_MOST_WORDS", 3)
    monkeypatch.setattr(word_vector_files, "_LINES_TOGETHER", 2)
    encoder = opened(write(tmp_path))
    mean, _ = vectors(encoder, tmp_path / "frozen", [".", "film"])
    np.testing.assert_allclose(mean, [table()[2], np.zeros(6)], atol=1e-6)
    assert "at most 3 words are read" in encoder.source


def test_another_file_of_the_same_name_is_another_encoder(tmp_path):
    first = opened(write(tmp_path))
    before = freeze(first, first.sizes[0], cache=tmp_path / "frozen").key
    again = opened(write(tmp_path, text=lines(["a", "b"], table(2))))
    assert freeze(again, again.sizes[0], cache=tmp_path / "frozen").key != before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a review that I wrote\nand another\n", "its first line has 0 numbers at its end"),
        ("word 1 2 3\n", "has 3 numbers"),
        (lines(WORDS, table()) + "short 1 2 3\n", r"damaged near line 15: expected a word and 6 numbers"),
        (lines(WORDS, table()) + "word 1 2 3 4 5 x\n", "is damaged"),
        (lines(WORDS, table()) + "word 1 2 3 4 5 nan\n", "not finite"),
        (lines(WORDS, table()) + "word 1 2 3 4 5 1e99\n", "is damaged|not finite"),
    ],
)
def test_a_file_without_vectors_or_with_damaged_lines_is_refused(tmp_path, text, reason):
    with pytest.raises(ConfigError, match=reason):
        opened(write(tmp_path, text=text)).graph(1, 512)


def test_names_of_other_kinds_are_left_to_others_and_missing_files_are_told(tmp_path):
    assert open_vectors(str(write(tmp_path, "notes.txt", "what I noticed\n"))) is None
    assert open_vectors("net.onnx") is open_vectors("minilm-l6-v2") is None
    with pytest.raises(ConfigError, match=r"there is no file .*glove\.txt"):
        open_vectors(str(tmp_path / "glove.txt"))


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_file_is_used_or_refused_and_never_crashes(tmp_path, seed):
    rng = random.Random(seed)
    file = write(tmp_path)
    content = bytearray(file.read_bytes())
    for _ in range(rng.randrange(1, 8)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    file.write_bytes(content)
    try:
        found = vectors(opened(file), tmp_path / "frozen", ["the film was good", ""])
    except ConfigError as error:
        assert file.name in str(error)
        return
    assert all(np.isfinite(array).all() for array in found)
