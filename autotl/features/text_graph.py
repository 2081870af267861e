"""The graph and the tokenizer of a text encoder as they are kept: pooled, and checked together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from autotl.interfaces import Encoder, Size, TextEncoder
from autotl.texts.tokens import TOKENS_KEY, Tokens

if TYPE_CHECKING:
    import onnx

_SAMPLE = ("word", "Two short sentences. They differ in length!", "The quick brown fox jumps over the lazy dog, " * 5)


def tokenizer_of(encoder: Encoder, size: Size) -> str:
    """The tokenizer of an encoder as JSON, with how it is used at a size; empty for an encoder of images.

    Raises ValueError, as `Tokens`, where it is not one.
    """
    if not isinstance(encoder, TextEncoder):
        return ""
    try:
        document = json.loads(encoder.tokenizer())
        document |= {"padding": None, "truncation": None}
    except (TypeError, ValueError) as error:
        raise ValueError(f"its tokenizer is not the JSON of a tokenizer: {error}") from error
    document[TOKENS_KEY] = {
        "unknown": encoder.unknown, "skip_unknown": encoder.skip_unknown, "n_tokens": size[1]
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=False)


def pool_text_graph(graph: onnx.ModelProto, tokenizer: str, size: Size) -> tuple[onnx.ModelProto, dict[str, int]]:
    """The graph from tokens to columns, and the width of each output; as `graphs.text_pooling.pool_text_outputs`.

    Raises ValueError also where the tokenizer does not fit the graph.
    """
    from autotl.graphs.text_pooling import pool_text_outputs

    return pool_text_outputs(graph, sample_batch(Tokens(tokenizer), size))


def sample_batch(tokens: Tokens, size: Size) -> dict[str, np.ndarray]:
    """A batch on which a graph is tried: sentences of different length, and the last token that there is."""
    batch = tokens.encode(_SAMPLE, size[1])
    last = np.zeros((1, batch["ids"].shape[1]), dtype=np.int64)
    last[0, 0] = tokens.n_known - 1
    mask = np.zeros_like(last)
    mask[0, 0] = 1
    return {"ids": np.concatenate([batch["ids"], last]), "mask": np.concatenate([batch["mask"], mask])}
