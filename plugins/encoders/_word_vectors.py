"""Static vectors of words or pieces of words as a text encoder: a table, and the tokenizer that numbers its rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

UNKNOWN = "[UNK]"
N_TOKENS = 512
"""Tokens of a chunk: how a text is cut makes no difference to its mean and maximum."""
# Close to the Stanford tokenizer, which GloVe's authors used: "don't" is "do" and "n't", "it's" is "it" and "'s", and
# numbers and words with hyphens stay whole.
_WORD = r"\w+(?=n't\b)|n't\b|'(?:s|re|ve|ll|d|m)\b|\d+(?:[.,:/]\d+)*(?!\w)|\w+(?:[-.]\w+)*|\.\.\.|[^\w\s]"


def lookup_graph(table: np.ndarray[Any, Any]) -> onnx.ModelProto:
    """`ids` and `mask`, int64 (n, length), to `words` float32 (n, length, width). table: (n_tokens, width)."""
    from onnx import TensorProto, helper, numpy_helper

    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "length"]) for name in ("ids", "mask")]
    output = helper.make_tensor_value_info("words", TensorProto.FLOAT, ["n", "length", table.shape[1]])
    weights = numpy_helper.from_array(np.ascontiguousarray(table, dtype=np.float32), "table")
    node = helper.make_node("Gather", ["table", "ids"], ["words"])
    graph = helper.make_graph([node], "vectors", inputs, [output], [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def with_unknown(table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The table with a row of zeros at its end for the token `UNKNOWN` of `word_tokenizer`, which no text has."""
    return np.concatenate([table, np.zeros((1, table.shape[1]), table.dtype)])


def word_tokenizer(words: Sequence[str], *, lower: bool) -> str:
    """A tokenizer that numbers whole words in this order, `UNKNOWN` last; lower: words are looked up in lower case."""
    steps: list[dict[str, Any]] = [{"type": "Replace", "pattern": {"String": "’"}, "content": "'"}]
    if lower:
        steps.append({"type": "Lowercase"})
    numbers = dict(zip(words, range(len(words)), strict=True))
    document: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": _WORD}, "behavior": "Removed", "invert": True},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": numbers | {UNKNOWN: len(words)}, "unk_token": UNKNOWN},
    }
    return json.dumps(document, ensure_ascii=False)
