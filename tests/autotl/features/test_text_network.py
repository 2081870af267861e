"""Texts are read as features: in batches of similar length, each the vector that it has alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_text_encoder import WIDTHS, small_text_encoder, small_tokenizer

from autotl.errors import DatasetError, PluginError
from autotl.features.frozen_network import freeze, open_session
from autotl.features.text_network import open_tokens, text_batches, unknown_share

WORDS = np.array(["the", "film", "was", "good", "bad", "not", "very", "long", "dull", ".", "!", "zebra"])


def text_files(folder: Path, texts: list[str]) -> Any:
    """A stand-in for a dataset of these texts."""
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    digests = [hashlib.sha256((folder / f"{number}.txt").read_bytes()).hexdigest() for number in range(len(texts))]
    items = pd.DataFrame({"sha256": digests})
    return SimpleNamespace(path=lambda item: folder / f"{item}.txt", items=items)


def some_texts(n: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, length)) for length in rng.integers(1, 30, n)]


def read(dataset: Any, network: Any, todo: list[int], threads: int = 2) -> dict[int, np.ndarray]:
    found: dict[int, np.ndarray] = {}
    for items, vectors in text_batches(dataset, network, [todo[:50], todo[50:]], threads):
        assert vectors.shape == (len(items), network.n_features)
        found.update(zip(items, vectors, strict=True))
    return found


@pytest.fixture
def network(tmp_path):
    return freeze(small_text_encoder(), (1, 8), cache=tmp_path / "cache")


def test_a_text_encoder_is_frozen_with_its_tokenizer_and_found_again(tmp_path, network):
    assert network.tensors == tuple(WIDTHS)
    assert network.n_features == sum(WIDTHS.values())
    assert network.tokenizer is not None
    written = network.file.stat().st_mtime_ns
    again = freeze(small_text_encoder(), (1, 8), cache=tmp_path / "cache")
    assert (again, again.file.stat().st_mtime_ns) == (network, written)
    for change in (
        {"tokenizer": lambda: small_tokenizer().replace("Lowercase", "NFC")},
        {"skip_unknown": True},
        {"sizes": ((1, 16),)},
    ):
        encoder = small_text_encoder(**change)
        assert freeze(encoder, encoder.sizes[0], cache=tmp_path / "cache").key != network.key


def test_each_text_has_the_vector_that_it_has_alone(tmp_path, network):
    texts = [*some_texts(120), "", "the film was very long " * 40]
    todo = [121, *range(0, 121, 2)]
    found = read(text_files(tmp_path, texts), network, todo)
    assert sorted(found) == sorted(todo)
    session, tokens = open_session(network.file, threads=1), open_tokens(network)
    for item, vector in found.items():
        alone = np.concatenate(session.run(list(network.tensors), tokens.encode([texts[item]], 8)), axis=1)
        np.testing.assert_allclose(vector, alone[0], atol=1e-5)
    assert not found[120].any()


def test_the_number_of_threads_changes_nothing(tmp_path, network):
    dataset = text_files(tmp_path, some_texts(200))
    one, many = (read(dataset, network, list(range(200)), threads) for threads in (1, 3))
    assert all(np.array_equal(one[item], many[item]) for item in range(200))


def test_it_can_be_stopped_early(tmp_path, network):
    batches = text_batches(text_files(tmp_path, some_texts(200)), network, [range(200)], 2)
    items, vectors = next(batches)
    assert len(items) == len(vectors) < 200
    batches.close()
    assert list(batches) == []


def test_a_text_that_changed_or_went_since_the_scan_is_refused(tmp_path, network):
    dataset = text_files(tmp_path, some_texts(3))
    (tmp_path / "1.txt").write_text("another", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"1\.txt has changed since"):
        read(dataset, network, [0, 1, 2])
    (tmp_path / "1.txt").unlink()
    with pytest.raises(DatasetError, match=r"1\.txt was read when .* cannot be read now"):
        read(dataset, network, [0, 1, 2])


def test_the_share_of_unknown_words_is_told(network):
    assert unknown_share(network, ["the zebra was good", ""]) == 0.25


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tokenizer": lambda: "no JSON"}, "encoder 'small-words': its tokenizer is not the JSON"),
        ({"tokenizer": lambda: '{"version": "1.0"}'}, "it is not a tokenizer"),
        ({"tokenizer": lambda: small_tokenizer((*(f"w{n}" for n in range(40)), "[UNK]"))}, "cannot be computed"),
    ],
)
def test_a_tokenizer_that_is_none_or_has_more_tokens_than_the_graph_is_refused(tmp_path, change, reason):
    with pytest.raises(PluginError, match=reason):
        freeze(small_text_encoder(**change), (1, 8), cache=tmp_path)
