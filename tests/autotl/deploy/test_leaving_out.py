"""Parts of a text are left out: shared chunks are computed once, and the answers are those of the whole model."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_text_encoder import small_text_graph, small_tokenizer

from autotl.deploy import leaving_out
from autotl.deploy.leaving_out import MOST_PARTS, leave_out, leave_out_tokens
from autotl.deploy.shared_chunks import SharedChunks, share_chunks
from autotl.graphs.chunk_cut import cut_at_chunks
from autotl.graphs.quiet_session import open_session
from autotl.graphs.text_pooling import pool_text_outputs
from autotl.texts.tokens import MOST_CHARACTERS, MOST_CHUNKS, Tokens

SAMPLE = {"ids": np.array([[3, 4, 5], [7, 0, 0]]), "mask": np.array([[1, 1, 1], [1, 0, 0]])}
N_TOKENS = 8
SENTENCE = "the film was not very good . the dull film was very long !"
COLUMNS = ("words-avg", "words-max", "sentence-avg")


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    """A small encoder, pooled, with a linear head of three classes."""
    model = pool_text_outputs(small_text_graph(1, N_TOKENS), SAMPLE)[0]
    weights = np.random.default_rng(0).normal(0, 3, (11, 3)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "weights"))
    model.graph.node.extend(
        [
            helper.make_node("Concat", list(COLUMNS), ["features"], axis=1),
            helper.make_node("MatMul", ["features", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ]
    )
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3]))
    return model


@pytest.fixture(scope="module")
def shared(model: onnx.ModelProto) -> SharedChunks:
    found = share_chunks(model, {"input": {"n_tokens": N_TOKENS}}, small_tokenizer(special=True))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def whole(model: onnx.ModelProto) -> Any:
    """The same model as it is, a text at a time."""
    session, tokens = open_session(model), Tokens(small_tokenizer(special=True))
    return lambda texts: np.concatenate([session.run(None, tokens.encode([text], N_TOKENS))[0] for text in texts])


def chunks_of(tokens: Tokens, text: str) -> list[list[int]]:
    return [chunk.tolist() for chunk in tokens.chunks([text], N_TOKENS)[0]]


@pytest.mark.parametrize("text", ["good", "the film was good", SENTENCE, SENTENCE * 4])
def test_texts_that_share_chunks_have_the_answers_of_the_whole_model(shared: SharedChunks, whole: Any, text: str):
    chunks = shared.tokens.chunks([text], N_TOKENS)[0]
    read = shared.read(chunks)
    found = shared.probabilities(read, [range(len(chunks)), [0], []])
    np.testing.assert_allclose(found[[0]], whole([text]), atol=1e-6)
    alone = shared.tokens.chunks([text], N_TOKENS)[0][0]
    np.testing.assert_allclose(found[1], shared.probabilities(shared.read([alone]), [[0]])[0], atol=1e-6)
    np.testing.assert_allclose(found[[2]], whole([""]), atol=1e-6)


def test_a_graph_that_does_not_pool_chunks_is_not_cut(model: onnx.ModelProto):
    assert cut_at_chunks(small_text_graph(1, N_TOKENS), "words") is None
    cut = cut_at_chunks(model)
    assert {value.name for value in cut.chunks.graph.input} == {"ids", "mask"}
    assert not {"ids", "mask", "owner", "n_texts"} & {value.name for value in cut.texts.graph.input}


def test_in_a_text_of_one_chunk_it_is_the_same_as_reading_the_text_without_each_word(shared, whole):
    text = "The  film, was\tgood!"
    found, plain = leave_out_tokens(shared, text), leave_out(whole, text)
    assert found.words == plain.words == ("The", "film,", "was", "good!")
    assert [part.tolist() for part in found.parts] == [[0], [1], [2], [3]]
    np.testing.assert_allclose(found.whole, plain.whole, atol=1e-6)
    np.testing.assert_allclose(found.without, plain.without, atol=1e-6)


def test_the_last_word_of_a_text_leaves_an_empty_text(shared, whole):
    np.testing.assert_allclose(leave_out_tokens(shared, "good").without, whole([""]), atol=1e-6)
    assert leave_out_tokens(shared, "") is None
    assert leave_out_tokens(shared, " \n") is None


def test_only_the_chunks_of_a_part_are_computed_again(shared, monkeypatch: pytest.MonkeyPatch):
    counts: list[int] = []
    read = SharedChunks.read
    monkeypatch.setattr(SharedChunks, "read", lambda self, chunks: counts.append(len(chunks)) or read(self, chunks))
    found = leave_out_tokens(shared, SENTENCE * 20)
    n_chunks = len(chunks_of(shared.tokens, SENTENCE * 20))
    assert n_chunks == MOST_CHUNKS
    assert len(found.parts) == MOST_PARTS
    assert counts[0] == n_chunks
    assert counts[1] <= 2 * MOST_PARTS


def test_words_that_the_model_does_not_read_are_in_no_part(shared):
    text = SENTENCE * 40
    found = leave_out_tokens(shared, text)
    n_words = sum(map(len, found.parts))
    assert len(found.parts) == MOST_PARTS
    assert 0 < n_words < len(found.words) == len(text.split())
    assert len(np.unique(np.concatenate(found.parts))) == n_words


def test_of_a_text_that_is_far_too_long_the_words_are_those_that_are_read(shared):
    text = "good film " * (MOST_CHARACTERS // 8)
    found = leave_out_tokens(shared, text)
    assert MOST_CHARACTERS // 8 < len(found.words) < len(text.split())
    assert len(found.parts) == MOST_PARTS


def test_a_slow_model_is_asked_about_fewer_and_larger_parts(monkeypatch: pytest.MonkeyPatch):
    seconds = iter([0.0, 5.0])
    monkeypatch.setattr(leaving_out.time, "process_time", lambda: next(seconds))
    found = leave_out(lambda texts: np.full((len(texts), 2), 0.5), "word " * 100)
    assert [len(part) for part in found.parts] == [25] * 4


def test_places_are_those_of_the_chunks_in_the_text(shared):
    text = "The film, was\n not   good! " * 3
    for (ids, places), chunk in zip(shared.tokens.places(text, N_TOKENS), chunks_of(shared.tokens, text), strict=True):
        assert ids.tolist() == chunk
        for number, (start, stop) in zip(ids.tolist(), places.tolist(), strict=True):
            if stop > start:
                assert chunks_of(shared.tokens, text[start:stop])[0][1:-1] == [number]
