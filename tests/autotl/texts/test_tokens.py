"""Texts become chunks of tokens, in batches with little padding, whatever is in them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from small_text_encoder import WORDS, small_tokenizer

from autotl.texts.tokens import (
    BATCH_CHUNKS,
    BATCH_TOKENS,
    MOST_CHARACTERS,
    MOST_CHUNKS,
    PART_TOKENS,
    TOKENS_KEY,
    Tokens,
)

NUMBERS = {word: number for number, word in enumerate(WORDS)}


def numbers(text: str) -> list[int]:
    return [NUMBERS[word] for word in text.split()]


def with_usage(tokenizer: str, **usage: object) -> str:
    return json.dumps(json.loads(tokenizer) | {TOKENS_KEY: usage})


def test_a_batch_is_padded_and_says_whose_each_chunk_is():
    batch = Tokens(small_tokenizer()).encode(["The film was good", "bad!"], 8)
    assert batch["ids"].tolist() == [numbers("the film was good"), [*numbers("bad !"), 0, 0]]
    assert batch["mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch["owner"].tolist() == [0, 1]
    assert (batch["n_texts"].shape, int(batch["n_texts"])) == ((), 2)
    assert {array.dtype for array in batch.values()} == {np.dtype(np.int64)}


def test_a_long_text_has_several_chunks_with_special_tokens_each():
    batch = Tokens(small_tokenizer(special=True)).encode(["good", "the film was not very good"], 6)
    whole = [f"[CLS] {words} [SEP]" for words in ("the film was not", "very good")]
    assert batch["owner"].tolist() == [0, 1, 1]
    assert batch["ids"][1].tolist() == numbers(whole[0])
    assert batch["ids"][2].tolist() == [*numbers(whole[1]), 0, 0]
    assert batch["mask"].sum(axis=1).tolist() == [3, 6, 4]


@pytest.mark.parametrize("special", [False, True])
def test_a_text_without_tokens_has_no_chunk_and_a_batch_without_any_has_one_of_padding(special):
    tokens = Tokens(small_tokenizer(special=special))
    assert tokens.encode(["", "good", "  \n"], 8)["owner"].tolist() == [1]
    batch = tokens.encode(["", " "], 8)
    assert (batch["ids"].tolist(), batch["mask"].tolist(), batch["owner"].tolist()) == ([[0]], [[0]], [0])
    assert int(tokens.encode([], 8)["n_texts"]) == 0


def test_unknown_words_are_counted_and_left_out_only_where_that_is_said():
    text = "the zebra was zzz good good"
    kept = Tokens(small_tokenizer())
    assert kept.encode([text], 8)["ids"].tolist() == [[3, 0, 5, 0, 6, 6]]
    skipped = Tokens(with_usage(small_tokenizer(), unknown="[UNK]", skip_unknown=True))
    assert skipped.encode([text, "zebra"], 8)["ids"].tolist() == [[3, 5, 6, 6]]
    assert kept.unknown_share([text, ""]) == skipped.unknown_share([text]) == pytest.approx(2 / 6)
    assert Tokens(small_tokenizer(special=True)).unknown_share(["", "zebra good"]) == pytest.approx(1 / 2)
    assert kept.unknown_share([]) == 0


def test_what_looks_like_a_special_token_in_a_text_is_none():
    tokens = Tokens(small_tokenizer(special=True))
    [[chunk]] = tokens.chunks(["good [SEP] bad"], 30)
    assert chunk.tolist().count(NUMBERS["[SEP]"]) == 1


def test_padding_and_truncation_that_the_tokenizer_states_are_ignored():
    document = json.loads(small_tokenizer())
    document["padding"] = {"strategy": {"Fixed": 50}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                           "pad_type_id": 0, "pad_token": "[UNK]"}  # fmt: skip
    [[chunk]] = Tokens(json.dumps(document)).chunks(["the film was good"], 8)
    assert len(chunk) == 4


def test_a_very_long_text_is_read_in_parts_spread_over_all_of_it():
    tokens = Tokens(small_tokenizer())
    text = "the " * 8000 + "film " * 8000
    [chunks] = tokens.chunks([text], 8)
    first = [int(chunk[0]) for chunk in chunks]
    assert first == [NUMBERS["the"]] * (MOST_CHUNKS // 2) + [NUMBERS["film"]] * (MOST_CHUNKS // 2)
    longest = "good " * (MOST_CHARACTERS // 4) + "bad"
    [chunks] = tokens.chunks([longest], 10**6)
    assert len(chunks[0]) <= MOST_CHARACTERS // 5 + 2 * MOST_CHUNKS
    assert chunks[0][-1] == NUMBERS["bad"]


def test_batches_hold_every_text_once_with_texts_of_similar_length():
    rng = np.random.default_rng(0)
    texts = [" ".join(["good"] * n) for n in rng.integers(0, 100, 300)]
    tokens = Tokens(small_tokenizer())
    seen = []
    padded = used = 0
    for items, batch in tokens.batches(texts, 128):
        seen += items
        assert batch["ids"].size <= BATCH_TOKENS
        assert len(batch["ids"]) <= BATCH_CHUNKS
        assert int(batch["n_texts"]) == len(items)
        lengths = np.bincount(batch["owner"], batch["mask"].sum(axis=1), minlength=len(items))
        assert lengths.tolist() == [len(texts[item].split()) for item in items]
        padded, used = padded + batch["ids"].size, used + int(batch["mask"].sum())
    assert sorted(seen) == list(range(300))
    assert used / padded > 0.85


def test_a_text_of_more_chunks_than_a_batch_holds_is_a_batch_of_its_own():
    texts = ["good", "good " * 32 * 300, "bad"]
    sizes = [len(items) for items, _ in Tokens(small_tokenizer()).batches(texts, 300)]
    assert sizes == [2, 1]


def test_parts_keep_the_order_and_hold_few_tokens():
    texts = ["good", "", "bad " * 5000, "the film", *["was " * 900] * 20, ""]
    tokens = Tokens(small_tokenizer())
    parts = list(tokens.parts(texts, 256))
    assert sum(int(part["n_texts"]) for part in parts) == len(texts)
    assert 2 < len(parts) < 10
    assert all(part["ids"].size <= PART_TOKENS for part in parts)
    counts = [np.bincount(p["owner"], p["mask"].sum(axis=1), minlength=int(p["n_texts"])) for p in parts]
    assert np.concatenate(counts).tolist() == [1, 0, 5000, 2, *[900] * 20, 0]
    assert list(tokens.parts([], 8)) == []


@pytest.mark.parametrize("text", ["\ud800 good", "a\0b", "\u202egood", "\U0001f600" * 50, "x" * 200_000, "\r\n\v"])
def test_no_text_makes_it_fail(text):
    batch = Tokens(small_tokenizer(special=True)).encode([text], 16)
    assert batch["ids"].max() < len(WORDS)


@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[]", "null", "7", '{"version": "1.0"}', small_tokenizer()[:-300],
     small_tokenizer().replace("Lowercase", "Upside"), small_tokenizer().replace('"vocab": {', '"vocab": [{')],
)  # fmt: skip
def test_what_is_not_a_tokenizer_is_refused_with_a_reason(damaged):
    with pytest.raises(ValueError, match=r"it is not a tokenizer: \w"):
        Tokens(damaged)


def test_chunks_without_room_for_a_word_are_refused():
    with pytest.raises(ValueError, match="2 tokens have no room beside 2 special tokens"):
        Tokens(small_tokenizer(special=True)).encode(["good"], 2)
