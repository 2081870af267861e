"""Texts as a kind of item: examined, compared and shown as the core asks for it."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from real_texts import paragraphs

from autotl.data.modalities import modality_named
from autotl.texts.modality import LARGE_EDGE, TEXTS

LONG = "One house\n\nand another one. " * 40


@pytest.mark.parametrize("open_examiner", [lambda: TEXTS.examiner(), lambda: TEXTS.apart().__enter__()])
def test_texts_are_examined_and_compared(tmp_path, open_examiner):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(" ".join(paragraphs()) + name)
    names = np.array(["a.txt", "b.txt"])
    digests = np.array([hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in names], "S64")
    examiner = open_examiner()
    found = examiner.read_facts(tmp_path, names, digests, cache=tmp_path / "cache")
    assert tuple(found.facts.columns) == TEXTS.fact_columns
    pairs = examiner.find_pairs(found.signatures, np.array([0, 0]), sequence=np.zeros((0, 2), int))
    assert pairs[["first", "second"]].to_numpy().tolist() == [[0, 1]]
    assert modality_named("text") is TEXTS


def test_a_small_place_shows_the_beginning_and_a_large_one_the_whole_text(tmp_path):
    (tmp_path / "a.txt").write_text(LONG)
    small, large = (TEXTS.show(tmp_path / "a.txt", edge).text for edge in (LARGE_EDGE - 1, LARGE_EDGE))
    assert small.startswith("One house and another one. One")
    assert len(small) <= 201
    assert large == LONG


def test_a_typical_text_is_described_by_its_words():
    facts = pd.DataFrame({"n_words": [10, 2000, 1500], "format": ["txt", "txt", "eml"]})
    assert TEXTS.typical_size(facts) == "1,500 words"
    assert TEXTS.typical_size(facts.assign(format="")) == ""
    assert TEXTS.size_words("1x256") == " in chunks of 256 tokens"
    assert TEXTS.size_words("1x1") == ""
