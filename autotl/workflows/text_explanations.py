"""Explains answers about texts: the words that speak for the label and for the runner-up, coloured on one page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotl.data.item_kinds import TEXTS
from autotl.data.modalities import modality_named
from autotl.deploy.deployable import load_deployable
from autotl.deploy.item_readers import open_reader
from autotl.deploy.word_attributions import LEFT_OUT, TextExplainer, WordEvidence
from autotl.reports.templating import template
from autotl.workflows.explanation import Explanation, in_odds

PAGE = "explanations.html"
MOST_WORDS = 2000
"""Of a longer text only the first are on the page; all of them are in the document."""
_N_NAMED, _WORTH_NAMING = 4, 0.1
"""Words are named whose evidence is at least this share of the strongest word's."""
_METHODS = {
    "exact": "the evidence of all words and a constant add up to the difference between the two logits",
    "left out": "how much the log-odds fall when a word is left out",
}
_SHADES = 10
_BEFORE, _AFTER = "\"'([“‘«", "\"')]”’».,;:!?…"  # marks of the sentence around a word; emoticons and @ stay


@dataclass(frozen=True)
class _Shown:
    """A text on the page. parts: (word or space between words, shade); a positive shade speaks for the label."""

    said: Explanation
    parts: list[tuple[str, int]]
    n_left: int


class TextExplanations:
    """Explains a deployable's answers about texts, or about items with a text; folder: its own."""

    at_once = 1  # a text may take a hundred passes through the network

    def __init__(self, folder: Path) -> None:
        deployable = load_deployable(folder)
        self._explainer = TextExplainer(folder)
        self._reader = open_reader(deployable.folder, deployable.metadata)
        modality = modality_named(self._reader.item)
        self._risk_of = modality.risk
        self._beside = "".join(f"; the {part} stays as it is" for part in modality.parts if part != TEXTS.name)
        self._shown: list[_Shown] = []

    def explain(self, items: Sequence[Any], first: int, out: Path | None) -> Iterator[Explanation]:  # noqa: ARG002, texts need no files of their own
        """Explain some items, in their order, and keep their texts for the page."""
        for given in items:
            read, problem = self._read(given)
            if problem:
                yield {"item": given.name, "error": problem}
                continue
            [found] = self._explainer.explain([read])
            said: Explanation = {"item": given.name, **words_for(found, self._explainer.classes)}
            said["how"] += self._beside
            if out is not None:
                self._shown.append(_shown(said, self._reader.text_of(read), found))
            yield said

    def finish(self, out: Path) -> None:
        """Write the page of all texts."""
        page = template("explanations.html.j2").render(shown=self._shown)
        out.mkdir(parents=True, exist_ok=True)
        (out / PAGE).write_bytes(page.encode("utf-8", "backslashreplace"))

    def _read(self, given: Any) -> tuple[Any, str]:
        """The item as the model reads it, or why it cannot be read."""
        if problem := given.problem or self._risk_of(given):
            return None, problem
        try:
            return self._reader.read(given), ""
        except self._reader.unreadable as error:
            return None, str(error)


def words_for(found: WordEvidence, classes: Sequence[str]) -> Explanation:
    """The evidence of a text in words."""
    label, runner_up = classes[found.label], classes[found.runner_up]
    said: Explanation = {
        "label": label,
        "runner_up": runner_up,
        "difference": round(found.difference, 6),
        "method": found.method,
        "how": _how(found),
        "words": [{"word": word, "evidence": round(value, 6)} for word, value in found.words],
        "constant": round(found.constant, 6),
        "said": f"{in_odds(label, runner_up, found.difference)}: {_named(found, label, runner_up)}.",
    }
    if found.method == LEFT_OUT:
        said |= {"n_parts": found.n_parts, "n_unread": found.n_unread}
    return said


def _how(found: WordEvidence) -> str:
    n_read = len(found.words) - found.n_unread
    if found.method != LEFT_OUT or (n_read == found.n_parts and not found.n_unread):
        return _METHODS[found.method]
    most = -(-n_read // max(found.n_parts, 1))
    how = _METHODS[LEFT_OUT]
    if most > 1:
        how = (
            f"how much the log-odds fall when a part of the text, one of {found.n_parts} of up to {most} words, is "
            "left out, shared by its words"
        )
    unread = f"; the model reads {n_read:,} of the {len(found.words):,} words, and the others have no evidence"
    return how + unread * bool(found.n_unread)


def _named(found: WordEvidence, label: str, runner_up: str) -> str:
    if not found.words:
        return "the text has no words"
    most = max(abs(value) for _, value in found.words)
    chosen = []
    for sign in (1, -1):
        order = sorted(found.words, key=lambda word: -sign * word[1])
        strong = (word for word, value in order if most and sign * value >= _WORTH_NAMING * most)
        names = dict.fromkeys(word.lstrip(_BEFORE).rstrip(_AFTER) or word for word in strong)
        chosen.append(", ".join(f"“{name}”" for name in list(names)[:_N_NAMED]))
    spoken = [f"{words} speaks most for {name}" if words.count("“") == 1 else f"{words} speak most for {name}"
              for words, name in zip(chosen, (label, runner_up), strict=True) if words]  # fmt: skip
    return "; ".join(spoken) or f"no word speaks for {label} or for {runner_up}"


def _shown(said: Explanation, text: str, found: WordEvidence) -> _Shown:
    values = np.array([value for _, value in found.words])
    most = float(np.abs(values).max()) if len(values) else 0.0
    shades = iter(np.rint(_SHADES * values / most).astype(int).tolist() if most else [0] * len(values))
    parts: list[tuple[str, int]] = []
    n_words = 0
    for part in re.findall(r"\s+|\S+", text):
        if not part.isspace():
            n_words += 1
            if n_words > MOST_WORDS:
                break
        parts.append((part, 0 if part.isspace() else next(shades)))
    return _Shown(said, parts, max(0, len(found.words) - MOST_WORDS))
