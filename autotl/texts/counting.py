"""Count words and strings of characters in texts, exactly as scikit-learn's CountVectorizer does.

Texts are made lowercase. Words are n-grams of tokens of two or more letters or digits (its default `token_pattern`);
characters are n-grams within words, padded with a space on either side (its analyser "char_wb").

An exported model carries a copy of this file, so it imports the standard library and numpy, nothing more (scipy only
to count for training).
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Lengths: TypeAlias = tuple[int, int]
"""The least and the greatest length of an n-gram."""

_COUNTED_TOKEN = re.compile(r"(?u)\b\w\w+\b")
_COUNTED_SPACES = re.compile(r"\s\s+")
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 100_000, 40
"""Words whose n-grams are kept, and their greatest length: most words of a text have been seen before."""
_SEVERAL_TEXTS = -1


class CountedStage(NamedTuple):
    """What one stage counts. unit: "words" or "characters". entries: the n-grams, one for each column."""

    name: str
    unit: Literal["words", "characters"]
    lengths: Lengths
    entries: tuple[str, ...]


class WordCounter:
    """Counts the entries of a vocabulary; the columns of the stages lie side by side."""

    def __init__(self, stages: Sequence[CountedStage]) -> None:
        self.stages = tuple(stages)
        self._columns: list[dict[str, int]] = []
        start = 0
        for stage in stages:
            self._columns.append({entry: column for column, entry in enumerate(stage.entries, start)})
            start += len(stage.entries)
        self.n_columns = start
        self._remembered: list[dict[str, list[int]]] = [{} for _ in stages]

    @property
    def entries(self) -> tuple[str, ...]:
        """What each column counts."""
        return tuple(chain.from_iterable(stage.entries for stage in self.stages))

    def counts(self, texts: Sequence[str]) -> np.ndarray:
        """How often each entry occurs, float32 (n_texts, n_columns)."""
        found = np.zeros((len(texts), self.n_columns), dtype=np.float32)
        for row, text in zip(found, texts, strict=True):
            row += np.bincount(self._occurrences(text), minlength=self.n_columns).astype(np.float32)
        return found

    def counts_sparse(self, texts: Iterable[str]) -> csr_matrix:
        """As `counts`, as a sparse matrix with sorted columns."""
        from scipy.sparse import csr_matrix

        columns, values, ends = [], [], [0]
        for text in texts:
            found, n = np.unique(self._occurrences(text), return_counts=True)
            columns.append(found.astype(np.int32))
            values.append(n.astype(np.float32))
            ends.append(ends[-1] + len(found))
        parts = (
            np.concatenate(values or [np.zeros(0, dtype=np.float32)]),
            np.concatenate(columns or [np.zeros(0, dtype=np.int32)]),
            np.array(ends, dtype=np.int64),
        )
        return csr_matrix(parts, shape=(len(ends) - 1, self.n_columns))

    def places(self, text: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Each occurrence of an entry: its column, and the numbers of the words of `text.split()` that it lies in."""
        lowered = text.lower()
        ends = [match.end() for match in re.finditer(r"\S+", lowered)]
        for stage, columns in zip(self.stages, self._columns, strict=True):
            if stage.unit == "characters":
                for number, word in enumerate(lowered.split()):
                    for gram in character_ngrams(word, stage.lengths):
                        if gram in columns:
                            yield columns[gram], (number,)
                continue
            tokens = list(_COUNTED_TOKEN.finditer(lowered))
            inside = [bisect_left(ends, token.end()) for token in tokens]
            for n in range(stage.lengths[0], stage.lengths[1] + 1):
                for first in range(len(tokens) - n + 1):
                    gram = " ".join(token.group() for token in tokens[first : first + n])
                    if gram in columns:
                        yield columns[gram], tuple(inside[first : first + n])

    def to_json(self) -> str:
        """The vocabulary; `from_json` reads it."""
        return json.dumps({"version": 1, "stages": [stage._asdict() for stage in self.stages]})

    @classmethod
    def from_json(cls, text: str) -> WordCounter:
        """Read what `to_json` returned."""
        stages = json.loads(text)["stages"]
        return cls([CountedStage(s["name"], s["unit"], tuple(s["lengths"]), tuple(s["entries"])) for s in stages])

    def _occurrences(self, text: str) -> np.ndarray:
        """The columns of all entries in a text, in any order, as often as they occur; int (n,)."""
        text = text.lower()
        found: list[int] = []
        for stage, columns, remembered in zip(self.stages, self._columns, self._remembered, strict=True):
            if stage.unit == "words":
                found += [columns[gram] for gram in word_ngrams(text, stage.lengths) if gram in columns]
                continue
            for word in _words_between_spaces(text):
                known = remembered.get(word)
                if known is None:
                    known = [columns[g] for g in character_ngrams(word, stage.lengths) if g in columns]
                    if len(word) <= _LONGEST_REMEMBERED and len(remembered) < _MOST_REMEMBERED:
                        remembered[word] = known
                found += known
        return np.array(found, dtype=np.int64)


def word_ngrams(text: str, lengths: Lengths) -> Iterator[str]:
    """The n-grams of the words in a lowercase text."""
    words = _COUNTED_TOKEN.findall(text)
    for n in range(lengths[0], min(lengths[1], len(words)) + 1):
        if n == 1:
            yield from words
        else:
            yield from map(" ".join, zip(*(words[i:] for i in range(n)), strict=False))


def character_ngrams(word: str, lengths: Lengths) -> Iterator[str]:
    """The n-grams of one lowercase word between spaces; a word that is shorter than n counts once, as it is."""
    padded = f" {word} "
    for n in range(lengths[0], lengths[1] + 1):
        for start in range(max(1, len(padded) - n + 1)):
            yield padded[start : start + n]
        if len(padded) <= n:
            break


def _words_between_spaces(text: str) -> list[str]:
    return _COUNTED_SPACES.sub(" ", text).split()


def build_counter(texts: Iterable[str], *, words: Lengths, characters: Lengths, most: int) -> WordCounter:
    """Make the vocabulary of some texts: of each stage the most frequent entries that occur in at least two texts.

    words, characters: lengths of the n-grams of the stages `words` and `characters`. most: entries of each stage;
    equally frequent ones in alphabetical order.
    """
    grams, spaced = _Occurrences(), _Occurrences()
    for number, text in enumerate(map(str.lower, texts)):
        for gram, n in Counter(word_ngrams(text, words)).items():
            grams.add(gram, n, number)
        for word, n in Counter(_words_between_spaces(text)).items():
            spaced.add(word, n, number)
    inside = _Occurrences()
    for word, n in spaced.totals.items():
        for gram in character_ngrams(word, characters):
            inside.add(gram, n, spaced.homes[word])
    return WordCounter(
        [
            CountedStage("words", "words", words, grams.most_frequent(most)),
            CountedStage("characters", "characters", characters, inside.most_frequent(most)),
        ]
    )


class _Occurrences:
    """How often entries occur, and in which text, if it is one only."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.homes: dict[str, int] = {}

    def add(self, entry: str, n: int, text: int) -> None:
        self.totals[entry] = self.totals.get(entry, 0) + n
        if self.homes.setdefault(entry, text) != text:
            self.homes[entry] = _SEVERAL_TEXTS

    def most_frequent(self, most: int) -> tuple[str, ...]:
        several = [entry for entry, home in self.homes.items() if home == _SEVERAL_TEXTS]
        return tuple(sorted(several, key=lambda entry: (-self.totals[entry], entry))[:most])
