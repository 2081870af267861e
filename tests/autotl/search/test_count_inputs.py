"""Heads that take sparse matrices get all counts, the others what is made of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from texts_on_disk import paragraphs, write_texts

from autotl.data.split import LEFT_OUT_FOLD, TEST_FOLD, Split
from autotl.features.word_counts import read_word_counts
from autotl.interfaces import Head, WordCounts
from autotl.search.count_inputs import read_counts, read_values, sample_vectors, spread_out
from autotl.search.head_inputs import InputCache
from autotl.training.count_maps import DIRECTIONS
from autotl.training.tfidf import Counts
from autotl.trial import PROBE, Candidate, Reading

TEXTS, LABELS = paragraphs()
SOURCE = WordCounts("tfidf", most=1500)
SPARSE = Head("sparse", lambda _hp, _n, _k: None, on_components=True, sparse=True)
ON_COMPONENTS = Head("turned", lambda _hp, _n, _k: None, on_components=True)
PLAIN = Head("plain", lambda _hp, _n, _k: None)
READING = Reading("tfidf", (1, 1), "joined", "avg+max")


@pytest.fixture
def run(tmp_path):
    fold = np.arange(len(TEXTS)) % 4
    fold[::10], fold[5::10] = TEST_FOLD, LEFT_OUT_FOLD
    dataset = write_texts(tmp_path / "texts", TEXTS, LABELS)
    split = Split(fold, np.arange(len(TEXTS)))
    return SimpleNamespace(dataset=dataset, split=split, config=SimpleNamespace(seed=0))


@pytest.fixture
def inputs(run, tmp_path):
    used = np.flatnonzero(run.split.fold != LEFT_OUT_FOLD)

    def features(source, _size):
        return read_word_counts(
            run.dataset, source, used, development=run.split.development, cache=tmp_path / "cache"
        )  # fmt: skip

    return InputCache(run, SimpleNamespace(used=used, features=features))


def candidate(head, reading=READING):
    return Candidate(PROBE, SOURCE, reading, head)


def test_each_head_gets_what_it_takes(run, inputs):
    all_counts = inputs.get(candidate(SPARSE))
    turned, plain = inputs.get(candidate(ON_COMPONENTS)), inputs.get(candidate(PLAIN))
    assert isinstance(all_counts.vectors, Counts)
    assert all_counts.components is None
    assert len(all_counts.vectors) == len(turned.vectors) == len(plain.vectors) == len(run.dataset.items)
    assert turned.vectors.shape[1] <= min(DIRECTIONS, len(run.split.development))
    assert plain.vectors.shape[1] == sum(min(1000, width) for width in all_counts.vectors.blocks)
    np.testing.assert_array_equal(turned.vectors, turned.components(all_counts.vectors))
    np.testing.assert_array_equal(plain.vectors, plain.components(all_counts.vectors))
    assert inputs.get(candidate(SPARSE)) is all_counts


def test_items_that_are_left_out_have_empty_rows(run, inputs):
    for head in (SPARSE, ON_COMPONENTS, PLAIN):
        vectors = inputs.get(candidate(head)).vectors
        vectors = vectors.matrix.toarray() if isinstance(vectors, Counts) else vectors
        assert not vectors[run.split.left_out].any()
        assert vectors[run.split.development].any(axis=1).all()


def test_directions_stand_in_where_an_array_is_needed(inputs):
    np.testing.assert_array_equal(inputs.get_arrays(candidate(SPARSE)), inputs.get(candidate(ON_COMPONENTS)).vectors)
    assert inputs.get_arrays(candidate(PLAIN)) is inputs.get(candidate(PLAIN)).vectors


def test_the_stages_that_a_reading_names_are_its_blocks(run, tmp_path):
    items = np.arange(len(TEXTS))
    features = read_word_counts(run.dataset, SOURCE, items, development=items, cache=tmp_path / "cache")
    both = read_counts(features, READING, items)
    words, characters = (read_values(features, Reading("tfidf", (1, 1), s, "avg"), items) for s in ("top-1", "top"))
    assert both.blocks == (*words.blocks, *characters.blocks)
    np.testing.assert_array_equal(
        both.matrix.toarray(), np.hstack([words.matrix.toarray(), characters.matrix.toarray()])
    )


def test_rows_are_spread_out_to_their_items(run, tmp_path):
    items = np.array([3, 7, 20])
    features = read_word_counts(run.dataset, SOURCE, items, development=np.arange(40), cache=tmp_path / "cache")
    some = read_counts(features, READING, items)
    every = spread_out(some, items, len(TEXTS)).matrix.toarray()
    np.testing.assert_array_equal(every[items], some.matrix.toarray())
    assert not np.delete(every, items, axis=0).any()


def test_a_sample_is_given_as_the_head_takes_it():
    counts = Counts(spread_out_of(8), (6,))
    assert sample_vectors(SPARSE, counts) is counts
    assert sample_vectors(ON_COMPONENTS, counts).shape == (8, 6)
    array = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    assert sample_vectors(SPARSE, array).shape[0] == 8


def spread_out_of(n):
    from scipy.sparse import csr_matrix

    return csr_matrix(np.random.default_rng(0).integers(1, 4, (n, 6)).astype(np.float32))
