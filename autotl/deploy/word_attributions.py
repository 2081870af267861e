"""Which words of a text speak for its label: exactly for linear heads on word counts, by leaving words out otherwise.

A linear head's difference between two logits is a sum over the counted words and strings of characters of the text,
plus a constant; each is shared out among the words of the text that it lies in. For any other model a word's evidence
is how much the log-odds fall when it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotl.deploy.deployable import load_deployable
from autotl.deploy.item_readers import open_reader
from autotl.deploy.map_facts import EXACT
from autotl.errors import ConfigError
from autotl.features.frozen_network import open_session
from autotl.graphs.word_logits import COUNTS, WordLogits, word_logits
from autotl.texts.counting import WordCounter
from autotl.texts.text_reader import VOCABULARY_FILE

LEFT_OUT = "left out"
MOST_PARTS = 100
"""Of a longer text parts of several words are left out, as few words each as gives no more parts than this."""
_BATCH_TEXTS = 32
_SMALLEST = 1e-7

Probabilities = Callable[[Sequence[str]], np.ndarray]
"""The class probabilities of some texts, float (n, n_classes)."""


@dataclass(frozen=True)
class WordEvidence:
    """Why a text has its label rather than the runner-up.

    label, runner_up: class indices. difference: between their logits (exact), or in log-odds. words: those of the text
    in order, each with its evidence, negative where it speaks for the runner-up; together with `constant` the exact
    ones add up to the difference. method: "exact" or "left out".
    """

    label: int
    runner_up: int
    difference: float
    words: tuple[tuple[str, float], ...]
    constant: float
    method: str


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
    probabilities: Probabilities, texts: Sequence[str], *, linear: LinearWords | None = None
) -> list[WordEvidence]:
    """The evidence for the label of each text. linear: of the same model, if its head is linear on word counts."""
    answers = probabilities(texts) if texts else np.zeros((0, 2))
    found = []
    for text, row in zip(texts, answers, strict=True):
        label, runner_up = (int(one) for one in np.argsort(-row, kind="stable")[:2])
        if linear:
            found.append(linear.explain(text, label, runner_up))
        else:
            found.append(_by_leaving_out(probabilities, text, row, label, runner_up))
    return found


class TextExplainer:
    """Explains the answers of a deployable of texts; folder: the deployable's, or its run's.

    Raises ConfigError if it answers no classes, or takes no texts.
    """

    def __init__(self, folder: Path) -> None:
        import onnx

        deployable = load_deployable(folder)
        self.classes, metadata = deployable.classes, deployable.metadata
        if metadata.get("modality") != "text" or not deployable.target.is_classes:
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
        if (folder / VOCABULARY_FILE).exists():
            logits = word_logits(onnx.load(folder / "model.onnx"), len(self.classes))
            self.linear = LinearWords(logits, read_vocabulary(folder)) if logits else None

    def explain(self, texts: Sequence[str]) -> list[WordEvidence]:
        """The evidence for the label of each text."""
        return explain_texts(self.probabilities, texts, linear=self.linear)

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """The class probabilities of texts, float64 (n, n_classes)."""
        parts = [np.zeros((0, len(self.classes)))]
        for start in range(0, len(texts), _BATCH_TEXTS):
            for inputs in self._reader.parts(list(texts[start : start + _BATCH_TEXTS])):
                [found] = self._session.run(["probabilities"], {**inputs, **self._off})
                parts.append(found.astype(np.float64))
        return np.concatenate(parts)


def read_vocabulary(folder: Path) -> WordCounter:
    """The vocabulary of a deployable that counts words."""
    return WordCounter.from_json((folder / VOCABULARY_FILE).read_text(encoding="utf-8"))


def as_document(evidence: WordEvidence, classes: Sequence[str]) -> dict[str, object]:
    """Plain values, with the names of the classes."""
    return {
        "label": classes[evidence.label], "runner_up": classes[evidence.runner_up],
        "difference": evidence.difference, "method": evidence.method, "constant": evidence.constant,
        "words": [{"word": word, "evidence": value} for word, value in evidence.words],
    }  # fmt: skip


def _by_leaving_out(
    probabilities: Probabilities, text: str, row: np.ndarray, label: int, runner_up: int
) -> WordEvidence:  # fmt: skip
    """How much the log-odds of the label against the runner-up fall without each word, or each part of several words.

    The fall of a part is shared equally among its words.
    """
    words = text.split()
    parts = np.array_split(np.arange(len(words)), min(len(words), MOST_PARTS)) if words else []
    without = [" ".join([*words[: part[0]], *words[part[-1] + 1 :]]) for part in parts]
    difference = float(_log_odds(row[None], label, runner_up)[0])
    found = np.zeros(len(words))
    if without:
        rest = _log_odds(probabilities(without), label, runner_up)
        for part, odds in zip(parts, rest, strict=True):
            found[part] = (difference - odds) / len(part)
    constant = difference - float(found.sum())
    return WordEvidence(
        label, runner_up, difference, tuple(zip(words, found.tolist(), strict=True)), constant, LEFT_OUT
    )


def _log_odds(probabilities: np.ndarray, label: int, runner_up: int) -> np.ndarray:
    sound = np.log(np.clip(np.asarray(probabilities, dtype=np.float64), _SMALLEST, 1))
    return np.asarray(sound[:, label] - sound[:, runner_up])
