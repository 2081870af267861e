"""A small encoder of texts: words of one list, vectors per token and per chunk, as a graph written by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from autotl.interfaces import TextEncoder

WORDS = ("[UNK]", "[CLS]", "[SEP]", "the", "film", "was", "good", "bad", "not", "very", "long", "dull", ".", "!")
WIDTHS = {"words-avg": 4, "words-max": 4, "sentence-avg": 3, "sentence-max": 3}
"""Of the pooled outputs."""


def small_tokenizer(words: tuple[str, ...] = WORDS, *, special: bool = False) -> str:
    """Lower case, words and marks; special: a chunk begins with [CLS] and ends with [SEP]."""
    numbers = {word: number for number, word in enumerate(words)}
    frame = [{"id": name, "ids": [numbers[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")] if special else []
    parts = [{"SpecialToken": {"id": one["id"], "type_id": 0}} for one in frame]
    parts.insert(1, {"Sequence": {"id": "A", "type_id": 0}})
    added = [
        {"id": numbers[one["id"]], "content": one["id"], "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for one in frame
    ]  # fmt: skip
    template = {
        "type": "TemplateProcessing",
        "single": parts,
        "pair": parts,
        "special_tokens": {o["id"]: o for o in frame},
    }
    document: dict[str, Any] = {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": template if special else None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": numbers, "unk_token": "[UNK]"},
    }
    return json.dumps(document)


def small_text_graph(_height: int, _n_tokens: int, *, seed: int = 0) -> ModelProto:
    """`ids` and `mask`, int64 (n, length), to `words` (n, length, 4) and `sentence` (n, 3)."""
    rng = np.random.default_rng(seed)
    constants: dict[str, Any] = {
        "table": rng.normal(size=(len(WORDS), 4)).astype(np.float32),
        "layer": rng.normal(size=(4, 3)).astype(np.float32),
        "axis-1": np.array([1]),
        "axis-2": np.array([2]),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["words"]),
        helper.make_node("Cast", ["mask"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["weights", "axis-2"], ["column"]),
        helper.make_node("Mul", ["words", "column"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "axis-1"], ["summed"], keepdims=0),
        helper.make_node("MatMul", ["summed", "layer"], ["projected"]),
        helper.make_node("Tanh", ["projected"], ["sentence"]),
    ]
    shapes = {"words": ["n", "length", 4], "sentence": ["n", 3]}
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "length"]) for name in ("ids", "mask")],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def small_text_encoder(name: str = "small-words", **changes: Any) -> TextEncoder:
    """An encoder of these, in chunks of 8 tokens."""
    settings = {"sizes": ((1, 8),), "tokenizer": small_tokenizer, **changes}
    return TextEncoder(name, settings.pop("graph", small_text_graph), **settings)
