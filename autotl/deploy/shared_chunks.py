"""Answers about texts that differ in a few words: only the chunks that differ are computed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from autotl.features.frozen_network import open_session
from autotl.graphs.chunk_cut import ChunkCut, cut_at_chunks
from autotl.texts.tokens import Tokens, pad_chunks, plan_batches

_TEXTS_AT_ONCE = 25
"""Texts whose chunks are pooled together; for the maximum, that takes texts times chunks times the width in memory."""


class SharedChunks:
    """A model of texts, computed chunk by chunk. tokens, n_tokens: of the model."""

    def __init__(self, cut: ChunkCut, tokens: Tokens, n_tokens: int) -> None:
        self.tokens, self.n_tokens = tokens, n_tokens
        self._names, self._owned = list(cut.tensors), cut.owned
        self._chunks = open_session(cut.chunks.SerializeToString())
        self._texts = open_session(cut.texts.SerializeToString())

    def read(self, chunks: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
        """What the model computes of each chunk alone, int64 (n,) token numbers: one array for each tensor."""
        found: list[list[np.ndarray]] = [[] for _ in chunks]
        for numbers in plan_batches([[chunk] for chunk in chunks]):
            inputs = pad_chunks([[chunks[number]] for number in numbers])
            rows = self._chunks.run(self._names, {name: inputs[name] for name in ("ids", "mask")})
            for place, number in enumerate(numbers):
                found[number] = [tensor[place] for tensor in rows]
        return found

    def probabilities(self, read: Sequence[Sequence[np.ndarray]], texts: Sequence[Sequence[int]]) -> np.ndarray:
        """The class probabilities of texts, float64 (n, n_classes). texts: the numbers of the chunks of each."""
        parts = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = texts[start : start + _TEXTS_AT_ONCE]
            used = sorted({number for text in some for number in text})
            owned = np.array([[number in text for number in used] for text in map(set, some)])
            inputs: dict[str, Any] = {self._owned: owned}
            for place, name in enumerate(self._names):
                inputs[name] = np.stack([read[number][place] for number in used])
            parts.append(self._texts.run(None, inputs)[0].astype(np.float64))
        return np.concatenate(parts)


def share_chunks(model: onnx.ModelProto, metadata: Mapping[str, Any], tokenizer: str) -> SharedChunks | None:
    """The model of a deployable of texts, chunk by chunk; None if its graph cannot be cut so."""
    cut = cut_at_chunks(model)
    return SharedChunks(cut, Tokens(tokenizer), int(metadata["input"]["n_tokens"])) if cut else None
