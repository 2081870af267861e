"""Phrases that many texts of one class share and few of the others: templates, signatures, headers, names of a source.

A model then recognises the class by them, and fails on texts without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import percent

if TYPE_CHECKING:
    import pandas as pd

    from autotl.data.dataset import Dataset

MOST_PER_CLASS, MOST_TEXTS, FEWEST_PER_CLASS = 200, 4_000, 20
"""Texts that are compared, drawn from larger classes."""
FIRST_WORDS, LAST_WORDS = 600, 200
"""Parts of a text that are compared: templates stand at its ends."""
RUN_WORDS = 4
"""Shorter runs of words are often the same in texts on one subject; as a line of their own, from one word on."""
LEAST_SHARE, CLEAR_SHARE, LEAST_TEXTS = 0.1, 0.3, 8
"""A tenth of the texts of a class, and eight at least; a warning from three tenths on."""
TIMES_MORE = 10
"""The phrase is so many times rarer in the others."""
MOST_SHOWN, MOST_FINDINGS = 12, 10
ALIKE = 0.9
"""A phrase is extended as long as so many of the texts that share it have the longer one too."""


@dataclass(frozen=True)
class Shared:
    """A phrase that texts of a class share. own, others: how many of the compared texts of the class, of the others."""

    label: str
    phrase: str
    paths: tuple[str, ...]
    own: tuple[int, int]
    others: tuple[int, int]

    @property
    def share(self) -> float:
        """The share of the texts of the class."""
        return self.own[0] / self.own[1]


def templates(dataset: Dataset) -> Iterator[Finding]:
    """Name for each class the phrase that distinguishes most of its texts from those of the others."""
    items = _drawn(dataset)
    if items["label"].nunique() < 2:
        return
    texts = [_parts(dataset.root / path) for path in items["path"]]
    found = sorted(_shared_phrases(items, texts), key=lambda shared: (-shared.share, shared.label))
    for shared in found[:MOST_FINDINGS]:
        words = shared.phrase.split()
        shown = " ".join(words[:MOST_SHOWN]) + (" …" if len(words) > MOST_SHOWN else "")
        yield Finding(
            "text-templates",
            "warning" if shared.share >= CLEAR_SHARE else "info",
            f'"{shown}" is in {percent(shared.share)} of the texts of {shared.label} ({shared.own[0]:,} of '
            f"{shared.own[1]:,} compared), and in {shared.others[0]:,} of {shared.others[1]:,} others",
            items=shared.paths,
            advice="If it is a signature, a header or a form, take it out of the texts: otherwise the model may "
            "recognise the class by it, and be wrong about texts without it.",
        )


def _drawn(dataset: Dataset) -> pd.DataFrame:
    """At most so many different texts of each class, in a fixed order; near-identical ones of a class count once."""
    from autotl.modality import CERTAIN

    items, pairs = dataset.items, dataset.pairs
    labels = items["label"].to_numpy(dtype=str)
    first, second = pairs["first"].to_numpy(dtype=int), pairs["second"].to_numpy(dtype=int)
    copies = second[(pairs["similarity"].to_numpy() >= CERTAIN) & (labels[first] == labels[second])]
    different = items[~items.index.isin(copies)]
    sizes = different.groupby("label")["label"].transform("size")
    most = min(MOST_PER_CLASS, max(FEWEST_PER_CLASS, MOST_TEXTS // max(1, items["label"].nunique())))
    shuffled = different[sizes >= LEAST_TEXTS].sample(frac=1, random_state=0)
    drawn: pd.DataFrame = shuffled.groupby("label").head(most).sort_values("path").reset_index(drop=True)
    return drawn


def _parts(path: Path) -> list[list[str]]:
    """The words of each line of a text, in its first and last part."""
    from autotl.texts.files import read_text_file
    from autotl.texts.reading import UnreadableText
    from autotl.texts.words import words_of

    try:
        lines = [words for line in read_text_file(path).split("\n") if (words := words_of(line))]
    except UnreadableText:  # it has changed since the scan
        return []
    head, tail = _cut(lines, FIRST_WORDS), _cut(lines[::-1], LAST_WORDS, from_end=True)[::-1]
    return lines if sum(map(len, lines)) <= FIRST_WORDS + LAST_WORDS else head + tail


def _cut(lines: list[list[str]], most: int, *, from_end: bool = False) -> list[list[str]]:
    """The first lines, with so many words at most."""
    kept: list[list[str]] = []
    left = most
    for line in lines:
        if left <= 0:
            break
        kept.append(line[-left:] if from_end else line[:left])
        left -= len(line)
    return kept


def _shared_phrases(items: pd.DataFrame, texts: list[list[list[str]]]) -> Iterator[Shared]:
    classes, labels = np.unique(items["label"].to_numpy(dtype=str), return_inverse=True)
    hashes = [_hashes(lines) for lines in texts]
    owner = np.repeat(np.arange(len(texts)), [len(own) for own in hashes])
    runs, run = np.unique(np.concatenate(hashes), return_inverse=True)
    totals = np.bincount(run, minlength=len(runs))
    sizes = np.bincount(labels)
    for number, label in enumerate(classes):
        own = np.bincount(run[labels[owner] == number], minlength=len(runs))
        rest = len(labels) - sizes[number]
        inside, outside = own / sizes[number], (totals - own) / rest
        telling = (own >= LEAST_TEXTS) & (inside >= LEAST_SHARE) & (inside >= TIMES_MORE * outside)
        if not telling.any():
            continue
        best = int(np.where(telling, inside - outside, -1).argmax())
        having = owner[run == best]
        sharing = [int(i) for i in having if labels[i] == number]
        phrase = _extended(runs[best], [texts[i] for i in sharing])
        yield Shared(
            str(label),
            phrase,
            tuple(items["path"].iloc[sharing]),
            (len(sharing), int(sizes[number])),
            (len(having) - len(sharing), int(rest)),
        )


def _hashes(lines: list[list[str]]) -> np.ndarray:
    """The hashes of the runs of words of a text, each once, and of its shorter lines where it has several."""
    from autotl.texts.words import run_hashes

    short = [run_hashes(line, len(line)) for line in lines if len(line) < RUN_WORDS] if len(lines) > 1 else []
    return np.unique(np.concatenate([run_hashes([word for line in lines for word in line], RUN_WORDS), *short]))


def _extended(run: np.uint64, texts: list[list[list[str]]]) -> str:
    """The run of words with this hash, and what stands before and after it in nearly all of these texts."""
    from autotl.texts.words import run_hashes

    words = [word for line in texts[0] for word in line]
    for length in range(1, RUN_WORDS + 1):
        places = np.flatnonzero(run_hashes(words, length) == run)
        if len(places):
            break
    start, stop = int(places[0]), int(places[0]) + length
    joined = [f" {' '.join(word for line in lines for word in line)} " for lines in texts]

    def common(start: int, stop: int) -> bool:
        phrase = f" {' '.join(words[start:stop])} "
        return sum(phrase in text for text in joined) >= ALIKE * len(joined)

    while start > 0 and common(start - 1, min(stop, start - 1 + RUN_WORDS)):
        start -= 1
    while stop < len(words) and stop - start <= MOST_SHOWN and common(max(start, stop + 1 - RUN_WORDS), stop + 1):
        stop += 1
    return " ".join(words[start:stop])


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("text-templates", templates, modality="text")
