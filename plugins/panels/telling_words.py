"""Telling words: which words speak most for each class, where the champion is a linear head on counts of words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Panel, Table

if TYPE_CHECKING:
    from autotl.predictions import Predictions
    from autotl.runs.run import Run

MOST_WORDS = 15


def telling_words(run: Run, _tested: Predictions) -> Iterable[Table]:
    """The words with the largest weights of each class, relative to the mean of all classes."""
    from autotl.texts.text_reader import VOCABULARY_FILE

    vocabulary = run.champion / VOCABULARY_FILE
    classes = run.dataset.classes
    if not vocabulary.exists() or len(classes) < 2:
        return
    import onnx

    from autotl.graphs.word_logits import word_logits
    from autotl.texts.counting import WordCounter

    found = word_logits(onnx.load(run.champion / "model.onnx"), len(classes))
    if found is None:
        return
    counter = WordCounter.from_json(vocabulary.read_text(encoding="utf-8"))
    entries = np.array(counter.entries, dtype=object)[found.columns]
    counted = np.repeat([stage.unit for stage in counter.stages], [len(stage.entries) for stage in counter.stages])
    weights = (found.coefficients - found.coefficients.mean(axis=1, keepdims=True)) * found.idf[:, None]
    for unit, what in (("words", "words"), ("characters", "parts of words")):
        rows = np.flatnonzero(counted[found.columns] == unit)
        if len(rows):
            yield _table(classes, entries[rows], weights[rows], what, quoted=unit == "characters")
            return


def _table(classes: tuple[str, ...], entries: np.ndarray, weights: np.ndarray, what: str, *, quoted: bool) -> Table:
    rows = []
    for number, name in enumerate(classes):
        order = np.argsort(-weights[:, number], kind="stable")[:MOST_WORDS]
        words = [entries[i] for i in order if weights[i, number] > 0]
        rows.append((name, ", ".join(f"“{word}”" if quoted else word for word in words)))
    return Table(
        "Which words speak for which class?",
        ("class", what),
        tuple(rows),
        note=f"The {what} with the largest weights of the champion, the most telling first, each relative to the mean "
        "of all classes. A word that says nothing about the meaning, such as a name, a date or a signature, is a sign "
        "that the classes differ in their sources.",
    )


@hookimpl
def register_panels() -> Iterable[Panel]:
    yield Panel("telling-words", telling_words, modality="text")
