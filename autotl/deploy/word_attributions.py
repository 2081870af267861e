"""Which words of a text speak for its label: exactly for linear heads on word counts, by leaving words out otherwise.

A linear head's difference between two logits is a sum over the counted words and strings of characters of the text,
plus a constant; each is shared out among the words of the text that it lies in. For any other model a word's evidence
is how much the log-odds fall when it is left out, see `leaving_out`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotl.data.item_kinds import TEXTS
from autotl.data.modalities import kinds_read
from autotl.deploy.deployable import load_deployable
from autotl.deploy.item_readers import open_reader
from autotl.deploy.leaving_out import LeftOut, Probabilities, leave_out, leave_out_tokens
from autotl.deploy.map_facts import EXACT
from autotl.deploy.shared_chunks import SharedChunks, share_chunks
from autotl.errors import ConfigError
from autotl.features.frozen_network import open_session
from autotl.graphs.word_logits import COUNTS, WordLogits, word_logits
from autotl.texts.counting import WordCounter
from autotl.texts.text_reader import TOKENIZER_FILE, VOCABULARY_FILE

LEFT_OUT = "left out"
_BATCH_TEXTS = 32
_SMALLEST = 1e-7


@dataclass(frozen=True)
class WordEvidence:
    """Why a text has its label rather than the runner-up.

    label, runner_up: class indices. difference: between their logits (exact), or in log-odds. words: those of the text
    in order, each with its evidence, negative where it speaks for the runner-up; together with `constant` the exact
    ones add up to the difference. method: "exact" or "left out". n_parts: how many parts of the text were left out,
    each once. n_unread: words that the model does not read, such as those between the chunks of a very long text.
    """

    label: int
    runner_up: int
    difference: float
    words: tuple[tuple[str, float], ...]
    constant: float
    method: str
    n_parts: int = 0
    n_unread: int = 0


class LinearWords:
    """The contributions of words to the logits of a linear head on counts."""

    def __init__(self, logits: WordLogits, counter: WordCounter) -> None:
        self._logits, self._counter = logits, counter
        self._session = open_session(logits.weighting.SerializeToString())

    def explain(self, text: str, label: int, runner_up: int) -> WordEvidence:
        """The evidence in one text for a class over another."""
        logits = self._logits
        [weighted] = self._session.run([logits.weighted], {COUNTS: self._counter.counts([text])})
        shares = weighted[0] * (logits.coefficients[:, label] - logits.coefficients[:, runner_up])
        by_column = np.zeros(self._counter.n_columns)
        by_column[logits.columns] = shares
        places = list(self._counter.places(text))
        times = np.bincount([column for column, _ in places], minlength=len(by_column))
        words = text.split()
        found = np.zeros(len(words))
        for column, numbers in places:
            np.add.at(found, list(numbers), by_column[column] / times[column] / len(numbers))
        constant = float(logits.offset[label] - logits.offset[runner_up])
        evidence = tuple(zip(words, found.tolist(), strict=True))
        return WordEvidence(label, runner_up, float(shares.sum()) + constant, evidence, constant, EXACT)


def explain_texts(
    probabilities: Probabilities, texts: Sequence[str], *, linear: LinearWords | None = None,
    shared: SharedChunks | None = None,
) -> list[WordEvidence]:  # fmt: skip
    """The evidence for the label of each text.

    linear: of the same model, if its head is linear on word counts. shared: the same model chunk by chunk, if it can be
    computed so.
    """
    found = []
    for text in texts:
        if linear:
            [row] = probabilities([text])
            found.append(linear.explain(text, *_first_two(row)))
        else:
            without = leave_out_tokens(shared, text) if shared else None
            found.append(_from_answers(without or leave_out(probabilities, text)))
    return found


def _first_two(row: np.ndarray) -> tuple[int, int]:
    """The most probable class and the runner-up."""
    first, second = np.argsort(-row, kind="stable")[:2].tolist()
    return first, second


class TextExplainer:
    """Explains the answers of a deployable of texts, or of items with one; folder: the deployable's, or its run's.

    Raises ConfigError if it answers no classes, or takes no texts.
    """

    def __init__(self, folder: Path) -> None:
        import onnx

        deployable = load_deployable(folder)
        self.classes, metadata = deployable.classes, deployable.metadata
        kind = str(metadata.get("modality", "image"))
        if TEXTS.name not in kinds_read(kind) or not deployable.target.is_classes:
            raise ConfigError(
                f"{deployable.folder} is not a model that classifies texts, so there are no words to explain. Give "
                "the run or the deployable of one."
            )
        folder = deployable.folder
        self._reader = open_reader(folder, metadata)
        self._session = open_session(folder / "model.onnx")
        switches = {entry.name for entry in self._session.get_overridable_initializers()}
        self._off: dict[str, Any] = {"doubts": np.array(False)} if "doubts" in switches else {}
        self.linear: LinearWords | None = None
        self.shared: SharedChunks | None = None
        if kind != TEXTS.name:  # what else the items have is computed with each text
            return
        if (folder / VOCABULARY_FILE).exists():
            logits = word_logits(onnx.load(folder / "model.onnx"), len(self.classes))
            self.linear = LinearWords(logits, read_vocabulary(folder)) if logits else None
        if (folder / TOKENIZER_FILE).exists():
            tokenizer = (folder / TOKENIZER_FILE).read_text(encoding="utf-8")
            self.shared = share_chunks(onnx.load(folder / "model.onnx"), metadata, tokenizer)

    def explain(self, items: Sequence[Any]) -> list[WordEvidence]:
        """The evidence in the text of each item for its label; what else the item has stays as it is.

        items: as the reader of the deployable read them; texts of a deployable of texts.
        """
        return [found for item in items for found in self._explain(item)]

    def read(self, item: object) -> Any:
        """An item as the reader of the deployable reads it; ValueError, with the reason, if it cannot be read."""
        [given] = self._reader.given([item])
        if given.problem:
            raise ValueError(given.problem)
        return self._reader.read(given)

    def _explain(self, item: Any) -> list[WordEvidence]:
        def probabilities(texts: Sequence[str]) -> np.ndarray:
            return self.probabilities([self._reader.with_text(item, text) for text in texts])

        text = self._reader.text_of(item)
        return explain_texts(probabilities, [text], linear=self.linear, shared=self.shared)

    def probabilities(self, items: Sequence[Any]) -> np.ndarray:
        """The class probabilities of items, as for `explain`, float64 (n, n_classes)."""
        parts = [np.zeros((0, len(self.classes)))]
        for start in range(0, len(items), _BATCH_TEXTS):
            for inputs in self._reader.parts(list(items[start : start + _BATCH_TEXTS])):
                [found] = self._session.run(["probabilities"], {**inputs, **self._off})
                parts.append(found.astype(np.float64))
        return np.concatenate(parts)


def read_vocabulary(folder: Path) -> WordCounter:
    """The vocabulary of a deployable that counts words."""
    return WordCounter.from_json((folder / VOCABULARY_FILE).read_text(encoding="utf-8"))


def _from_answers(found: LeftOut) -> WordEvidence:
    """How much the log-odds of the label against the runner-up fall without each part, shared equally by its words."""
    label, runner_up = _first_two(found.whole)
    difference = float(_log_odds(found.whole[None], label, runner_up)[0])
    evidence = np.zeros(len(found.words))
    for part, odds in zip(found.parts, _log_odds(found.without, label, runner_up), strict=True):
        evidence[part] = (difference - odds) / len(part)
    constant = difference - float(evidence.sum())
    words = tuple(zip(found.words, evidence.tolist(), strict=True))
    n_unread = len(found.words) - sum(map(len, found.parts))
    return WordEvidence(label, runner_up, difference, words, constant, LEFT_OUT, len(found.parts), n_unread)


def _log_odds(probabilities: np.ndarray, label: int, runner_up: int) -> np.ndarray:
    sound = np.log(np.clip(np.asarray(probabilities, dtype=np.float64), _SMALLEST, 1))
    return np.asarray(sound[:, label] - sound[:, runner_up])
