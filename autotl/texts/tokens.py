"""Texts as tokens: chunks of token numbers, as the graphs of text encoders take them.

A deployable carries a copy of this file, so it imports the standard library, numpy and, when a tokenizer is opened, the
library `tokenizers`, nothing more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

TOKENS_VERSION = 1
"""Changes whenever the same text would give other tokens; caches and models record it."""

MOST_CHUNKS = 32
"""A longer text is read in so many chunks, spread evenly over it."""

MOST_CHARACTERS = 1_000_000
"""Of a longer text, so many are read, in parts that are spread evenly over it."""

BATCH_TOKENS, BATCH_CHUNKS = 512, 64
"""Most tokens, padding included, and most chunks of a batch, except for a text that alone has more. MiniLM on one core,
texts of 50 words per second by batches of 256, 512, 1024, 2048, 4096 and 8192 tokens: 80, 80, 77, 70, 63, 60."""

PART_TOKENS = 8192
"""Most tokens of a part, as BATCH_TOKENS of a batch: MiniLM takes 40 kB of memory for each."""

TOKENS_KEY = "autotl"
"""Key in the JSON of a tokenizer under which AutoTL keeps how it is used."""


class Tokens:
    """A tokenizer of the `tokenizers` library, and how texts become batches of tokens with it.

    tokenizer: its JSON; padding and truncation in it are ignored. Under the key "autotl" it may hold `unknown`, the
        token that stands for all that the tokenizer does not know, and `skip_unknown`, whether such tokens are left
        out; without it, `unknown` is what the tokenizer says itself. `n_tokens` says how long the chunks are.
    Raises ValueError, with the reason, if it is not a tokenizer.
    """

    def __init__(self, tokenizer: str) -> None:
        # The library would start threads of its own beside those that call it, and warns where a process forks then.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            import tokenizers
        except ImportError as error:
            raise ValueError("the Python package tokenizers is not installed: pip install tokenizers") from error
        try:
            document = json.loads(tokenizer)
            if not isinstance(document, dict):
                raise ValueError("its JSON is not an object")
            usage = document.pop(TOKENS_KEY, None) or {}
            opened = tokenizers.Tokenizer.from_str(json.dumps(document))
            opened.no_padding()
            opened.no_truncation()
            opened.encode_special_tokens = True  # "[SEP]" in a text does not separate anything
            unknown = str(usage.get("unknown") or "") or _unknown_token(document)
            skips = bool(usage.get("skip_unknown"))
        except BaseException as error:
            raise _tokens_error("it is not a tokenizer", error) from error
        self.skip_unknown = skips
        self._tokenizer: Any = opened
        self._n_special = int(opened.num_special_tokens_to_add(False))
        self._unknown = opened.token_to_id(unknown) if unknown else None
        self._length = 0

    @property
    def n_known(self) -> int:
        """One more than the greatest number of a token."""
        return 1 + max(self._tokenizer.get_vocab(True).values(), default=-1)

    def knows(self, token: str) -> bool:
        """Whether there is such a token."""
        return self._tokenizer.token_to_id(token) is not None

    def encode(self, texts: Sequence[str], n_tokens: int) -> dict[str, np.ndarray]:
        """All texts as one batch, padded to its longest chunk; int64.

        n_tokens: most tokens of a chunk, special ones included; a longer text has several chunks.
        Returns `ids` and `mask` (n_chunks, length), mask 1 for tokens and 0 for padding; `owner` (n_chunks,), which
        text a chunk is of, ascending; `n_texts`, a scalar. A text without tokens has no chunk; a batch without any has
        one of padding alone.
        """
        return pad_chunks(self.chunks(texts, n_tokens))

    def parts(self, texts: Sequence[str], n_tokens: int) -> Iterator[dict[str, np.ndarray]]:
        """The texts in this order, as `encode` has them, some at a time, so that long ones do not fill the memory."""
        chunks = self.chunks(texts, n_tokens)
        start = 0
        for stop in range(1, len(chunks) + 1):
            together = [chunk for text in chunks[start : stop + 1] for chunk in text]
            size = len(together) * max(map(len, together), default=0)
            if stop == len(chunks) or size > PART_TOKENS:
                yield pad_chunks(chunks[start:stop])
                start = stop

    def batches(self, texts: Sequence[str], n_tokens: int) -> Iterator[tuple[list[int], dict[str, np.ndarray]]]:
        """Batches of texts of similar length: the numbers of the texts in a batch, and the batch as `encode` has it."""
        chunks = self.chunks(texts, n_tokens)
        for items in plan_batches(chunks):
            yield items, pad_chunks([chunks[item] for item in items])

    def chunks(self, texts: Sequence[str], n_tokens: int) -> list[list[np.ndarray]]:
        """The chunks of each text, int64 (n,) of at most n_tokens, special ones included."""
        self._cut_at(n_tokens)
        found = []
        for encoding in self._encodings(texts):
            numbers = [np.array(part.ids, dtype=np.int64) for part in _tokens_parts(encoding)]
            known = [ids[self._known(ids)] for ids in numbers]
            found.append([part for part in known if len(part) > self._n_special])
        return found

    def places(self, text: str, n_tokens: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """The chunks of one text as `chunks` has them, each with the characters of its tokens, int64 (n, 2): from, to.

        Special tokens have none. Of a text of more than MOST_CHARACTERS they are counted in what is read of it.
        """
        self._cut_at(n_tokens)
        [encoding] = self._encodings([text], places=True)
        found = []
        for part in _tokens_parts(encoding):
            ids, places = np.array(part.ids, dtype=np.int64), np.array(part.offsets, dtype=np.int64).reshape(-1, 2)
            known = self._known(ids)
            if known.sum() > self._n_special:
                found.append((ids[known], places[known]))
        return found

    @staticmethod
    def excerpt(text: str) -> str:
        """What is read of a text: all of it, or parts spread evenly over it where it is far too long."""
        return _tokens_excerpt(text)

    def _cut_at(self, n_tokens: int) -> None:
        if n_tokens <= self._n_special:
            raise ValueError(f"chunks of {n_tokens} tokens have no room beside {self._n_special} special tokens")
        if self._length != n_tokens:
            self._tokenizer.enable_truncation(n_tokens)
            self._length = n_tokens

    def unknown_share(self, texts: Sequence[str]) -> float:
        """Share of the tokens of texts, 0..1, that the tokenizer does not know; 0 if there are none."""
        n_unknown = n_tokens = 0
        for encoding in self._encodings(texts):
            for part in (encoding, *encoding.overflowing):
                ids = np.array(part.ids, dtype=np.int64)
                n_tokens += max(0, len(ids) - self._n_special)
                n_unknown += int((ids == self._unknown).sum()) if self._unknown is not None else 0
        return n_unknown / n_tokens if n_tokens else 0.0

    def _known(self, ids: np.ndarray) -> np.ndarray:
        """Which tokens are read, bool (n,)."""
        return np.asarray(ids != self._unknown) if self.skip_unknown else np.ones(len(ids), dtype=bool)

    def _encodings(self, texts: Sequence[str], *, places: bool = False) -> list[Any]:
        whole = [_tokens_excerpt(text) for text in texts]
        try:
            encode = self._tokenizer.encode_batch if places else self._tokenizer.encode_batch_fast
            encodings: list[Any] = encode(whole)
        except BaseException as error:
            raise _tokens_error("the tokenizer cannot read a text", error) from error
        return encodings


def plan_batches(chunks: Sequence[Sequence[np.ndarray]]) -> list[list[int]]:
    """The numbers of texts that make a batch each, so that little is padded; chunks: as `Tokens.chunks` has them."""
    lengths = [max(map(len, parts), default=1) for parts in chunks]
    planned: list[list[int]] = []
    n_chunks = 0
    for item in np.argsort(lengths, kind="stable").tolist():
        more = n_chunks + max(1, len(chunks[item]))
        # Ascending, so that the batch is padded to the length of the text that comes last.
        if not planned or more > BATCH_CHUNKS or more * lengths[item] > BATCH_TOKENS:
            planned.append([])
            more = max(1, len(chunks[item]))
        planned[-1].append(item)
        n_chunks = more
    return planned


def pad_chunks(texts: Sequence[Sequence[np.ndarray]]) -> dict[str, np.ndarray]:
    chunks = [chunk for parts in texts for chunk in parts]
    length = max(map(len, chunks), default=1)
    ids = np.zeros((max(1, len(chunks)), length), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, chunk in enumerate(chunks):
        ids[row, : len(chunk)], mask[row, : len(chunk)] = chunk, 1
    owner = np.repeat(np.arange(len(texts)), [len(parts) for parts in texts]) if chunks else np.zeros(1)
    return {"ids": ids, "mask": mask, "owner": owner.astype(np.int64), "n_texts": np.array(len(texts), dtype=np.int64)}


def _tokens_parts(encoding: Any) -> list[Any]:
    """The chunks of a text that are read, as the library has them."""
    parts = [encoding, *encoding.overflowing]
    if len(parts) <= MOST_CHUNKS:
        return parts
    return [parts[place] for place in np.linspace(0, len(parts) - 1, MOST_CHUNKS).round().astype(int).tolist()]


def _tokens_excerpt(text: str) -> str:
    """The text, without what UTF-8 cannot hold, or parts spread evenly over it where it is far too long."""
    if len(text) > MOST_CHARACTERS:
        n_each = MOST_CHARACTERS // MOST_CHUNKS
        starts = np.linspace(0, len(text) - n_each, MOST_CHUNKS).astype(int).tolist()
        text = " ".join(text[start : start + n_each] for start in starts)
    return text.encode("utf-8", "replace").decode("utf-8")


def _unknown_token(document: dict[str, Any]) -> str:
    """The token for unknown words that a tokenizer says it has; empty if it says none."""
    model = document.get("model") or {}
    place, vocabulary = model.get("unk_id"), model.get("vocab")
    if isinstance(place, int) and isinstance(vocabulary, list) and 0 <= place < len(vocabulary):
        return str(vocabulary[place][0])
    return str(model.get("unk_token") or "")


def _tokens_error(what: str, error: BaseException) -> BaseException:
    """A ValueError, also for a panic of the library, which is not an Exception; what ends a process stays as it is."""
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return ValueError(f"{what}: {' '.join(str(error).split())[:200] or type(error).__name__}")
    return error
