"""Texts of which most is the same are found, in time that grows with their number."""

from __future__ import annotations

import random
import time
from itertools import combinations

import numpy as np
import pytest
from real_texts import messages, paragraphs

from autotl.modality import CERTAIN, PAIR_COLUMNS
from autotl.texts.near_duplicates import N_HASHES, find_pairs, signatures_of
from autotl.texts.words import words_of

NONE = np.zeros((0, 2), int)


def pairs_of(texts, labels=None):
    """The pairs of near-duplicates as {(first, second): similarity}."""
    labels = np.zeros(len(texts), int) if labels is None else np.asarray(labels)
    found = find_pairs(signatures_of([words_of(text) for text in texts]), labels, sequence=NONE)
    return {(row.first, row.second): row.similarity for row in found.itertuples()}


def jaccard(first, second):
    """The exact similarity of the runs of three words."""
    runs = [set(zip(*(words_of(text)[i:] for i in range(3)), strict=False)) for text in (first, second)]
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


def with_changed_words(text, n, rng):
    words = text.split()
    for place in rng.sample(range(len(words)), n):
        words[place] = f"word{rng.randrange(10**6)}"
    return " ".join(words)


def sentences(n_words, n, rng):
    pool = " ".join(paragraphs()).split()
    return [" ".join(rng.choice(pool) for _ in range(n_words)) for _ in range(n)]


def test_the_similarity_is_that_of_the_runs_of_three_words():
    rng = random.Random(0)
    errors = []
    for text in sentences(80, 60, rng):
        other = with_changed_words(text, rng.randrange(20), rng)
        first, second = signatures_of([words_of(text), words_of(other)])
        errors.append((first == second).mean() - jaccard(text, other))
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 0.06


def test_edited_copies_are_found_and_unrelated_texts_are_not():
    rng = random.Random(0)
    originals = sentences(60, 300, rng)
    copies = [with_changed_words(text, 3, rng) for text in originals]
    found = pairs_of(originals + copies)
    assert set(found) == {(i, 300 + i) for i in range(300)}
    assert all(0.5 < similarity < 1 for similarity in found.values())


def test_real_paragraphs_are_like_no_others_and_case_and_punctuation_do_not_count():
    texts = list(dict.fromkeys(paragraphs()))
    assert all(jaccard(texts[i], texts[j]) > 0.4 for i, j in pairs_of(texts))
    found = pairs_of([*texts, *(text.upper().replace(" ", " - ") for text in texts)])
    same = [found.get((i, len(texts) + i), 0) for i, text in enumerate(texts) if words_of(text)]
    assert min(same) == 1


def test_short_texts_that_share_a_phrase_are_not_copies():
    assert not pairs_of(["I love this movie so much", "I love this movie", "I love this film so much"])
    assert pairs_of(["What a disappointment!", "what a disappointment ..."]) == {(0, 1): 1.0}


def test_texts_without_words_resemble_nothing():
    assert not pairs_of(["", "", "!!!", "..."])


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_texts_have_no_pairs(n):
    found = find_pairs(signatures_of([["one", "two"]] * n), np.zeros(n, int), sequence=NONE)
    assert dict(found.dtypes) == {name: np.dtype(kind) for name, kind in PAIR_COLUMNS.items()}
    assert len(found) == 0


def test_the_table_is_sorted_and_of_the_same_kinds_as_that_of_images():
    texts = sentences(40, 5, random.Random(0))
    signatures = signatures_of([words_of(text) for text in texts + texts])
    found = find_pairs(signatures, np.arange(10) % 2, sequence=NONE, mirrored=True)
    assert dict(found.dtypes) == {name: np.dtype(kind) for name, kind in PAIR_COLUMNS.items()}
    assert found["first"].tolist() == [0, 1, 2, 3, 4]
    assert found["second"].tolist() == [5, 6, 7, 8, 9]
    assert not found["mirrored"].any()


def test_where_texts_of_all_classes_are_written_on_one_form_copies_must_be_more_similar():
    rng = random.Random(0)
    form = sentences(60, 1, rng)[0]
    filled = [f"{form} {text}" for text in sentences(30, 60, rng)]
    same_class = pairs_of(filled)
    two_classes = pairs_of(filled, [i % 2 for i in range(60)])
    assert len(same_class) > 100
    assert len(two_classes) < 0.2 * len(same_class)
    assert pairs_of([*filled, filled[0]], [i % 2 for i in range(61)])[(0, 60)] == 1


def test_many_copies_of_one_text_are_all_tied_together_by_few_pairs():
    found = pairs_of(["the same text for all of them here"] * 2000, [i % 3 for i in range(2000)])
    assert set(found.values()) == {1.0}
    assert len(found) < 12 * 2000
    root = list(range(2000))
    for first, second in found:
        while root[first] != first:
            first = root[first]
        while root[second] != second:
            second = root[second]
        root[max(first, second)] = min(first, second)
    assert sum(root[i] == i for i in range(2000)) == 1


def test_copies_in_another_class_are_found_among_many():
    found = pairs_of(["the same text for all of them here"] * 40, [0] * 20 + [1] * 20)
    assert any(first < 20 <= second for first, second in found)


def test_a_text_as_long_as_a_novel_is_compared_as_a_whole():
    rng = random.Random(0)
    novel = sentences(60_000, 1, rng)[0]
    assert pairs_of([novel, with_changed_words(novel, 600, rng)])[(0, 1)] > CERTAIN


def test_a_signature_does_not_depend_on_its_neighbours_or_on_the_machine():
    texts = [words_of(text) for text in messages("de")[:30]]
    assert (signatures_of(texts)[7] == signatures_of(texts[7:8])[0]).all()
    [first] = signatures_of([["the", "same", "everywhere"]])
    assert first.shape == (N_HASHES,)
    assert first[:3].tolist() == [3437558563, 2563561545, 1184929672]


def test_each_pair_is_listed_once():
    texts = sentences(40, 3, random.Random(0))
    found = find_pairs(signatures_of([words_of(t) for t in texts * 4]), np.zeros(12, int), sequence=NONE)
    assert not found.duplicated(["first", "second"]).any()
    assert (found["first"] < found["second"]).all()
    assert len(found) == sum(i % 3 == j % 3 for i, j in combinations(range(12), 2))


@pytest.mark.parametrize("kind", ["unrelated", "filled in"])
def test_the_time_grows_with_the_number_of_texts_only(kind):
    rng = random.Random(0)
    form = "" if kind == "unrelated" else sentences(25, 1, rng)[0]
    texts = [words_of(f"{form} {text}") for text in sentences(15, 8000, rng)]
    signatures = signatures_of(texts)
    seen = []
    began = time.perf_counter()
    find_pairs(signatures, np.arange(8000) % 2, sequence=NONE, progress=lambda *step: seen.append(step))
    assert time.perf_counter() - began < 20
    assert seen[-1][0] == seen[-1][1]
