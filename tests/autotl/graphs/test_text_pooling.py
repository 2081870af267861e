"""Vectors of tokens and of chunks are pooled to one vector per text inside the graph."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from small_text_encoder import WIDTHS, WORDS, small_text_graph

from autotl.graphs.quiet_session import open_session
from autotl.graphs.text_pooling import pool_text_outputs

SAMPLE = {
    "ids": np.array([[3, 4, 5, 6, 12], [7, 0, 0, 0, 0], [8, 6, 13, 0, 0]]),
    "mask": np.array([[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0]]),
}


def batch(*texts: list[list[int]]) -> dict[str, np.ndarray]:
    """Texts given as chunks of token numbers."""
    chunks = [chunk for text in texts for chunk in text] or [[]]
    length = max(1, *map(len, chunks))
    ids = np.array([chunk + [0] * (length - len(chunk)) for chunk in chunks])
    mask = np.array([[1] * len(chunk) + [0] * (length - len(chunk)) for chunk in chunks])
    owner = np.array([number for number, text in enumerate(texts) for _ in text] or [0])
    return {"ids": ids, "mask": mask, "owner": owner, "n_texts": np.array(len(texts))}


@lru_cache
def session(opset: int = 13) -> Any:
    return open_session(pool_text_outputs(at_opset(opset), SAMPLE)[0])


def at_opset(opset: int) -> onnx.ModelProto:
    return onnx.version_converter.convert_version(small_text_graph(1, 8), opset)


def pooled(*texts: list[list[int]], opset: int = 13) -> dict[str, np.ndarray]:
    return dict(zip(WIDTHS, session(opset).run(list(WIDTHS), batch(*texts)), strict=True))


def per_chunk(chunk: list[int]) -> tuple[np.ndarray, np.ndarray]:
    encoder = open_session(small_text_graph(1, 8))
    words, sentence = encoder.run(None, {"ids": np.array([chunk]), "mask": np.ones((1, len(chunk)), np.int64)})
    return words[0], sentence[0]


@pytest.mark.parametrize("opset", [13, 17, 18, 21])
def test_means_are_weighted_by_tokens_and_maxima_are_over_all_chunks(opset):
    long, short = [3, 4, 5, 6], [7, 12]
    found = pooled([[8, 6]], [long, short], opset=opset)
    (words, sentence), (more_words, more_sentence) = per_chunk(long), per_chunk(short)
    tokens = np.concatenate([words, more_words])
    expected = {
        "words-avg": tokens.mean(axis=0),
        "words-max": tokens.max(axis=0),
        "sentence-avg": (4 * sentence + 2 * more_sentence) / 6,
        "sentence-max": np.maximum(sentence, more_sentence),
    }
    for name, numbers in expected.items():
        assert found[name].shape == (2, WIDTHS[name])
        np.testing.assert_allclose(found[name][1], numbers, atol=1e-6)


def test_the_vector_of_a_text_does_not_depend_on_the_other_texts():
    texts = [[[3, 4]], [[5, 6, 7, 8], [9]], [[12]]]
    together = pooled(*texts)
    for number, text in enumerate(texts):
        for name, numbers in pooled(text).items():
            np.testing.assert_allclose(numbers[0], together[name][number], atol=1e-6)


def test_texts_without_tokens_get_zeros_alone_and_among_others():
    among = pooled([], [[3, 4]], [], [[5]], [])
    for name, width in WIDTHS.items():
        assert among[name].shape == (5, width)
        assert not among[name][[0, 2, 4]].any()
        assert among[name][[1, 3]].all()
        np.testing.assert_array_equal(pooled([], [])[name], np.zeros((2, width)))


def test_padding_that_gives_no_numbers_does_not_spoil_a_text():
    model = small_text_graph(1, 8)
    table = next(tensor for tensor in model.graph.initializer if tensor.name == "table")
    numbers = onnx.numpy_helper.to_array(table).copy()
    numbers[0] = np.nan
    table.CopyFrom(onnx.numpy_helper.from_array(numbers, "table"))
    del model.graph.output[1]
    whole, widths = pool_text_outputs(model, SAMPLE)
    for found in open_session(whole).run(list(widths), batch([[3, 4, 5]], [[6]])):
        assert np.isfinite(found).all()


def test_the_graph_is_valid_and_its_widths_are_stated():
    whole, widths = pool_text_outputs(small_text_graph(1, 8), SAMPLE)
    onnx.checker.check_model(whole, full_check=True)
    assert widths == WIDTHS
    assert [value.name for value in whole.graph.input] == ["ids", "mask", "owner", "n_texts"]
    assert [value.type.tensor_type.shape.dim[1].dim_value for value in whole.graph.output] == list(WIDTHS.values())


def without_outputs() -> onnx.ModelProto:
    model = small_text_graph(1, 8)
    del model.graph.output[:]
    return model


def with_an_image() -> onnx.ModelProto:
    model = small_text_graph(1, 8)
    model.graph.input.append(helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["n"]))
    return model


def with_integers() -> onnx.ModelProto:
    model = small_text_graph(1, 8)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["n", "length"]))
    return model


def random() -> onnx.ModelProto:
    model = small_text_graph(1, 8)
    model.graph.node[-1].CopyFrom(helper.make_node("RandomNormalLike", ["projected"], ["sentence"]))
    return model


def across_texts() -> onnx.ModelProto:
    model = small_text_graph(1, 8)
    model.graph.node.pop()
    mean = helper.make_node("ReduceMean", ["projected"], ["batch"], axes=[0], keepdims=1)
    model.graph.node.extend([mean, helper.make_node("Sub", ["projected", "batch"], ["sentence"])])
    return model


def without_the_mask() -> onnx.ModelProto:
    model = small_text_graph(1, 8)
    model.graph.node[3].CopyFrom(helper.make_node("Identity", ["words"], ["masked"]))
    return model


def with_few_words() -> onnx.ModelProto:
    model = small_text_graph(1, 8)
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(np.ones((5, 4), np.float32), "table"))
    return model


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (without_outputs, "its graph has no output"),
        (with_an_image, r"inputs \['ids', 'images', 'mask'\]; expected 'ids' and 'mask'"),
        (with_integers, r"'ids' is int64 \(3, 5\) for 3 chunks of 5 tokens"),
        (random, "another each time"),
        (across_texts, "padded among others"),
        (without_the_mask, "padded among others"),
        (with_few_words, "cannot be computed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_text_encoder_is_refused_with_a_reason(model, reason):
    assert len(WORDS) > SAMPLE["ids"].max()
    with pytest.raises(ValueError, match=reason):
        pool_text_outputs(model(), SAMPLE)
