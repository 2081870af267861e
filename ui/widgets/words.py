"""The app's words: what options are called, durations, dates, and text that users or folders named."""

from __future__ import annotations

import re
import time
from typing import Literal

from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.runtime.item_words import ItemWords

OBJECTIVES = {
    "balanced_accuracy": "Every class counts the same (balanced accuracy)",
    "accuracy": "Every image counts the same (accuracy)",
    "macro_f1": "Few misses and few false alarms in every class (macro F1)",
    "log_loss": "Probabilities I can trust (log loss)",
}
SCORES = {
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "roc_auc": "ROC AUC",
    "mean_average_precision": "mean average precision",
    "micro_f1": "micro F1",
    "exact_match": "exact match",
    "quadratic_kappa": "quadratic kappa",
    "mae": "mean absolute error",
    "r2": "R²",
}
"""Scores whose names, as plugins and files spell them, are not words."""
SCORE_MEANINGS = {
    "balanced_accuracy": "the share of a class's images that is recognised, averaged over the classes",
    "accuracy": "the share of all images that is recognised",
    "macro_f1": "1 where no image of a class is missed and none is taken for it wrongly; averaged over the classes",
    "log_loss": "0 where the right class always gets a probability of 1; the lower, the better",
    "roc_auc": "how well the images of a class are ranked before all others: 0.5 is chance, 1 is perfect",
    "recall": "of the images of a class, the share that is recognised",
    "precision": "of the images that are taken for a class, the share that belongs to it",
}
"""What scores say, each the rest of a sentence."""
STRATEGIES = {
    "auto": "Decide for me",
    "probe": "Simplified",
    "fine-tune": "Fine-tuned",
}
STRATEGY_MEANINGS = (
    "Begins with the simplified route and fine-tunes where time and images allow.",
    "A small classifier on a network that was trained before and stays as it is. Minutes, even on a laptop.",
    "Trains the network's upper stages as well. Slower; sometimes better.",
)
STATUSES: dict[str, tuple[str, Literal["blue", "green", "orange", "red"]]] = {
    "queued": ("Waiting", "blue"),
    "starting": ("Starting", "blue"),
    "running": ("Running", "blue"),
    "complete": ("Finished", "green"),
    "interrupted": ("Stopped early", "orange"),
    "failed": ("Failed", "red"),
    "damaged": ("Damaged", "red"),
}
ROUTES = {
    "probe": "simplified: the network stayed frozen",
    "fine-tune": "fine-tuned",
    "ensemble": "simplified: the weighted mean of several classifiers on one frozen network",
}

_WORD_JOINER = "\u2060"
"""It has no width, and no line is broken there."""


def plain(text: str) -> str:
    """Text that others wrote, such as names of folders, so that markdown shows it as it is."""
    # Marks that turn the writing direction would turn what comes after the name as well.
    text = unlinked(re.sub(r"[\u202a-\u202e\u2066-\u2069]", "\ufffd", text))
    lines = re.sub(r"([\\`*_\[\]<>$:~#|&])", r"\\\1", text).splitlines()
    # At the start of a line these would begin code, a list, a rule or a heading.
    return "\n".join(re.sub(r"^(\s?)\s*(?:([-+=])|(\d+)([.)]))?", _harmless, line) for line in lines)


def unlinked(text: str) -> str:
    """Text of which nothing becomes a link by looking like one, which no backslash hinders."""
    text = re.sub(r"(https?:(?=//)|www(?=\.))", f"\\1{_WORD_JOINER}", text, flags=re.IGNORECASE)
    return re.sub(r"(?<=[\w.+-])@(?=[\w-]+\.)", f"{_WORD_JOINER}@", text)


def _harmless(found: re.Match[str]) -> str:
    indent, mark, digits, stop = found.groups(default="")
    return indent + (f"\\{mark}" if mark else f"{digits}\\{stop}" if digits else "")


def worded(text: str, kind: ItemKind) -> str:
    """A sentence about images, as a sentence about items of another kind."""
    if kind is IMAGES:
        return text
    return ItemWords(kind.name)(text.replace("image sizes", "lengths"))


def score_name(name: str) -> str:
    """A score or objective as people write it, such as "balanced accuracy"."""
    return SCORES.get(name, name)


def spell_scores(text: str) -> str:
    """A sentence of the core's with its scores spelt as people write them."""
    return re.sub(r"(?<![\w/])(" + "|".join(SCORES) + r")(?![\w/])", lambda found: SCORES[found[0]], text)


def duration(seconds: float) -> str:
    """Such as "45 s", "3 min 5 s", "1 h 4 min"."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min" if whole % 3600 // 60 else f"{whole // 3600} h"


def cost(seconds: float | None) -> str:
    """What a trial took, such as "0.3 s", "41 s", "2 min 17 s"; empty where it is not known."""
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def place_in_words(place: int) -> str:
    """Such as "first", "second", "12th"."""
    early = ("first", "second", "third", "fourth", "fifth")
    return early[place - 1] if 1 <= place <= len(early) else f"{place}th"


def counted(n: int, one: str, many: str = "") -> str:
    """A number and its noun: "1 image", "1,797 images"; many: the plural where it is not `one` with an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def megabytes(n_bytes: float) -> str:
    """Such as "0.4 MB", "12 MB", "3.1 GB"."""
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes >= 1e7 else f"{n_bytes / 1e6:.1f} MB"


def moment(seconds: float) -> str:
    """A time since the epoch as the reader's clock shows it; the year where it is another one."""
    then, now = time.localtime(seconds), time.localtime()
    return time.strftime("%d %b, %H:%M" if then.tm_year == now.tm_year else "%d %b %Y", then)


def clock_time(seconds: float) -> str:
    """A time since the epoch as the clock on the wall shows it, to the second."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def sentence(claim: str) -> str:
    """A verdict as a sentence."""
    return f"{claim[:1].upper()}{claim[1:].rstrip('.')}."
