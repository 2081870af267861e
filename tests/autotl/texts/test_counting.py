"""Words are counted exactly as scikit-learn counts them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud, load_wine
from sklearn.feature_extraction.text import CountVectorizer

from autotl.texts.counting import CountedStage, WordCounter, build_counter

TEXTS = [
    paragraph
    for load in (load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud, load_wine)
    for paragraph in load().DESCR.split("\n\n")
]
STRANGE = [
    "", " ", "a", "ab", "a\t\tb\u00a0\u00a0c", "İstanbul STRASSE straße", "日本語 テキスト",
    "don't e-mail me_2 at 10:30!", "😀😀 family 👩‍👩‍👧", "مرحبا بالعالم", "x" * 60,
    "\x00 nul \ud800", "one\r\n\r\ntwo\x1cthree", "ﬁne ½ ²",
]  # fmt: skip


def counter(*, words=(1, 2), characters=(2, 5), most=1_000_000, texts=TEXTS):
    return build_counter(texts, words=words, characters=characters, most=most)


def vectorizers(words, characters, **options):
    return (
        CountVectorizer(ngram_range=words, **options),
        CountVectorizer(analyzer="char_wb", ngram_range=characters, **options),
    )


@pytest.mark.parametrize(("words", "characters"), [((1, 1), (3, 3)), ((1, 2), (2, 5)), ((2, 3), (1, 4))])
def test_the_vocabulary_is_what_scikit_learn_finds_in_at_least_two_texts(words, characters):
    ours = counter(words=words, characters=characters, texts=TEXTS + STRANGE)
    for stage, theirs in zip(ours.stages, vectorizers(words, characters, min_df=2), strict=True):
        theirs.fit(TEXTS + STRANGE)
        assert set(stage.entries) == set(theirs.vocabulary_)
        assert len(stage.entries) == len(theirs.vocabulary_) > 50


@pytest.mark.parametrize(("words", "characters"), [((1, 1), (3, 3)), ((1, 2), (2, 5)), ((2, 3), (1, 4))])
def test_counts_of_real_and_of_strange_texts_equal_those_of_scikit_learn(words, characters):
    ours = counter(words=words, characters=characters)
    texts = STRANGE + TEXTS
    dense, found = ours.counts(texts), ours.counts_sparse(texts)
    assert (dense.dtype, found.dtype, found.shape) == (np.float32, np.float32, (len(texts), ours.n_columns))
    assert found.has_sorted_indices
    np.testing.assert_array_equal(found.toarray(), dense)
    start = 0
    for stage, theirs in zip(ours.stages, vectorizers(words, characters), strict=True):
        theirs.set_params(vocabulary=list(stage.entries))
        stop = start + len(stage.entries)
        np.testing.assert_array_equal(dense[:, start:stop], theirs.transform(texts).toarray())
        start = stop
    assert start == ours.n_columns


def test_strange_texts_alone_make_the_vocabulary_of_scikit_learn():
    texts = [one for one in STRANGE for _ in range(2)]
    for stage, theirs in zip(counter(texts=texts).stages, vectorizers((1, 2), (2, 5), min_df=2), strict=True):
        assert set(stage.entries) == set(theirs.fit(texts).vocabulary_)


def test_only_the_most_frequent_entries_are_kept_most_frequent_first():
    few, [theirs, _] = counter(most=40), vectorizers((1, 2), (2, 5), min_df=2)
    totals = np.asarray(theirs.fit_transform(TEXTS).sum(axis=0))[0]
    kept = [totals[theirs.vocabulary_[entry]] for entry in few.stages[0].entries]
    assert [len(stage.entries) for stage in few.stages] == [40, 40]
    assert kept == sorted(totals, reverse=True)[:40]
    ties = [pair for pair, n in zip(pairwise(few.stages[0].entries), pairwise(kept), strict=True) if n[0] == n[1]]
    assert ties
    assert all(first < second for first, second in ties)


def test_a_second_count_of_the_same_words_equals_the_first():
    ours = counter()
    np.testing.assert_array_equal(ours.counts(TEXTS[:20]), ours.counts(TEXTS[:20]))


def test_the_places_of_entries_are_all_their_occurrences():
    ours = counter(words=(1, 3), most=5000)
    for text in STRANGE + TEXTS[:40]:
        places = list(ours.places(text))
        counted = np.bincount([column for column, _ in places], minlength=ours.n_columns)
        np.testing.assert_array_equal(counted, ours.counts([text])[0])
        words = text.split()
        for column, numbers in places:
            inside = " ".join(words[number] for number in numbers).lower()
            assert all(part in inside for part in ours.entries[column].split())


def test_the_vocabulary_survives_being_written():
    ours = counter(texts=[*TEXTS, "\ud800 日本", "\ud800 日本"], most=3000)
    again = WordCounter.from_json(ours.to_json())
    assert again.stages == ours.stages
    assert again.entries == ours.entries
    np.testing.assert_array_equal(again.counts(TEXTS), ours.counts(TEXTS))


def test_no_text_and_no_vocabulary_give_empty_counts():
    assert counter().counts([]).shape == counter().counts_sparse([]).shape == (0, counter().n_columns)
    empty = WordCounter([CountedStage("words", "words", (1, 1), ())])
    assert empty.counts(["a text"]).shape == empty.counts_sparse(["a text"]).shape == (1, 0)
