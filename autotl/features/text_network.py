"""The features of texts: items read, cut into tokens, sorted by length and computed in batches."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from autotl.data.dataset import Dataset
from autotl.features.batches_ahead import Vectors, computed_ahead
from autotl.features.frozen_network import FrozenNetwork, open_session, require_finite
from autotl.features.item_files import read_item
from autotl.texts.reading import TEXT_FORMATS, read_text
from autotl.texts.tokens import Tokens, pad_chunks, plan_batches

PART_TEXTS = 1024
"""Texts that are best sorted by length together."""
_READ_TOGETHER = 64

Batch = tuple[list[int], dict[str, np.ndarray]]


def read_item_text(dataset: Dataset, item: int) -> str:
    """The text of an item; DatasetError if its file has changed since the scan."""
    return read_text(read_item(dataset, item), dataset.path(item).suffix)


def content_keys(dataset: Dataset) -> np.ndarray:
    """What the features of each item are kept by, bytes (n_items,): its digest, and how a text is read if not plainly.

    The same bytes are two texts as a page of HTML and as a text file.
    """
    digests = dataset.digests()
    if dataset.modality != "text":
        return digests
    formats = (TEXT_FORMATS.get(os.path.splitext(path)[1].lower()) for path in dataset.items["path"])  # noqa: PTH122
    return np.char.add(digests, np.array([one if one in ("eml", "html") else "" for one in formats], dtype="S4"))


def open_tokens(network: FrozenNetwork) -> Tokens:
    """The tokenizer of a network of texts."""
    assert network.tokenizer is not None, f"{network.backbone} does not read texts"
    return _opened_tokens(network.tokenizer)


# GloVe's 400,000 words take a second; the folder of a network is named by its content.
@lru_cache(maxsize=2)
def _opened_tokens(file: Path) -> Tokens:
    return Tokens(file.read_text(encoding="utf-8"))


def unknown_share(network: FrozenNetwork, texts: Sequence[str]) -> float:
    """Share of the tokens of texts, 0..1, that the network does not know, such as words without a GloVe vector."""
    return open_tokens(network).unknown_share(texts)


def text_batches(
    dataset: Dataset, network: FrozenNetwork, parts: Iterable[Sequence[int]], threads: int
) -> Generator[Vectors]:
    """The features of items: their numbers, and vectors float32 (n, n_features), those of a part in any order.

    parts: numbers of items; each part is in memory at a time, and is sorted by length.
    Raises DatasetError if a file has changed since the scan, PluginError if a feature is not finite.
    """
    session = open_session(network.file, threads=1)  # Each thread computes a batch of its own: see `engine`.
    outputs = list(network.tensors)

    def compute(batch: dict[str, np.ndarray]) -> np.ndarray:
        vectors = np.concatenate(session.run(outputs, batch), axis=1)
        require_finite(network, [vectors])
        return vectors

    pool = ThreadPoolExecutor(threads)
    return computed_ahead(_token_batches(dataset, network, parts, pool), compute, pool, 4 * threads)


def _token_batches(
    dataset: Dataset, network: FrozenNetwork, parts: Iterable[Sequence[int]], pool: ThreadPoolExecutor
) -> Iterator[Batch]:
    """Batches of texts of similar length; `pool` reads them and cuts them into tokens."""
    tokens, n_tokens = open_tokens(network), network.size[1]

    def read(items: Sequence[int]) -> list[list[np.ndarray]]:
        return tokens.chunks([read_item_text(dataset, item) for item in items], n_tokens)

    for part in parts:
        together = pool.map(read, (part[i : i + _READ_TOGETHER] for i in range(0, len(part), _READ_TOGETHER)))
        chunks = [text for texts in together for text in texts]
        for places in plan_batches(chunks):
            yield [part[place] for place in places], pad_chunks([chunks[place] for place in places])
