"""Leaves parts of a text out, one at a time, in a bounded number of passes through a model and of seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autotl.deploy.shared_chunks import SharedChunks
from autotl.texts.tokens import MOST_CHARACTERS

MOST_PARTS = 64
"""In a longer text, parts of several words are left out, each of as few words as give no more parts than this."""
MOST_SECONDS = 20.0
"""Processor time for a text. If so many parts would take longer, judged by the whole text, they are larger."""

Probabilities = Callable[[Sequence[str]], np.ndarray]
"""The class probabilities of some texts, float (n, n_classes)."""


@dataclass(frozen=True)
class LeftOut:
    """The answers about a text and about the text without each part.

    whole: class probabilities (n_classes,). parts: the numbers of the words of each part. without: class
    probabilities (n_parts, n_classes). words: of the text. Words in no part are not read by the model.
    """

    whole: np.ndarray
    parts: tuple[np.ndarray, ...]
    without: np.ndarray
    words: tuple[str, ...]


def leave_out(probabilities: Probabilities, text: str) -> LeftOut:
    """The answers about a text, and about the text without each of its parts."""
    words = text.split()
    started = time.process_time()
    [whole] = probabilities([text])
    parts = _divide(np.arange(len(words)), time.process_time() - started, 0.0)
    without = [" ".join([*words[: part[0]], *words[part[-1] + 1 :]]) for part in parts]
    answers = probabilities(without) if without else np.zeros((0, len(whole)))
    return LeftOut(whole, parts, answers, tuple(words))


def leave_out_tokens(model: SharedChunks, text: str) -> LeftOut | None:
    """Leave out the tokens of each part, and compute only the chunks that they are in; None for a text without tokens.

    The other tokens stay in their chunks, where the text without the part might be divided otherwise. Of a text of more
    than MOST_CHARACTERS the words are those of what is read of it.
    """
    text = text if len(text) <= MOST_CHARACTERS else model.tokens.excerpt(text)
    spans = np.array([found.span() for found in re.finditer(r"\S+", text)]).reshape(-1, 2)
    chunks = model.tokens.places(text, model.n_tokens)
    if not chunks or not len(spans):
        return None
    owners = [_words_of(places, spans) for _, places in chunks]
    read_words = np.unique(np.concatenate(owners))
    started = time.process_time()
    read = model.read([ids for ids, _ in chunks])
    seconds = time.process_time() - started
    parts = _divide(read_words[read_words >= 0], seconds / len(chunks), seconds)
    changed, texts = list[np.ndarray](), list[Sequence[int]]()
    for part in parts:
        own = list[int]()
        for number, ((ids, _), words) in enumerate(zip(chunks, owners, strict=True)):
            kept = ~np.isin(words, part)
            if kept.all():
                own.append(number)
            elif (words[kept] >= 0).any():
                own.append(len(chunks) + len(changed))
                changed.append(ids[kept])
        texts.append(own)
    read += model.read(changed)
    answers = model.probabilities(read, [range(len(chunks)), *texts])
    return LeftOut(answers[0], parts, answers[1:], tuple(text[start:stop] for start, stop in spans.tolist()))


def _divide(words: np.ndarray, seconds_each: float, spent: float) -> tuple[np.ndarray, ...]:
    """Parts of nearly equal size, as many as there is time for. words: their numbers."""
    affordable = int((MOST_SECONDS - spent) / max(seconds_each, 1e-6))
    n_parts = min(len(words), MOST_PARTS, max(1, affordable))
    return tuple(np.array_split(words, n_parts)) if n_parts else ()


def _words_of(places: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Which word each token is of, int (n,); -1 for special tokens. places, spans: characters from and to."""
    found = np.searchsorted(spans[:, 0], places[:, 0], side="right") - 1
    inside = (places[:, 1] > places[:, 0]) & (found >= 0) & (places[:, 0] < spans[np.maximum(found, 0), 1])
    return np.where(inside, found, -1)
