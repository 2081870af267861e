"""Is a model good enough to be used? A verdict from everything that was measured, and what would change it.

Only the user knows which error is acceptable. The thresholds here are those below which people commonly stop using a
model. Each is given with its reason, and docs/feasibility.md explains them to the user.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autotl.evidence.learning_curve_words import is_worth, points
from autotl.interfaces import Finding, ScoreInterval
from autotl.runs.audit import FAIL, UNDECIDED, Gate
from autotl.runs.feasibility import NOT_YET, USABLE, VERDICTS, WITH_PEOPLE, Criterion, Feasibility
from autotl.runs.learning_curves import MoreImages
from autotl.runs.shortcuts import ShortcutsFound
from autotl.runtime.wording import percent

RIGHT = 0.8
"""The lower bound of the accuracy from which a model is usable by itself. If more than one answer in five may be wrong,
people have to check every answer, and the model saves no work."""
RECOGNISED = 0.5
"""Recall of the weakest class: a class that is missed more often than found is not recognised."""
ANSWERED = 0.5
"""The share of images that the model must answer by itself if people decide the others. With less, people do most of
the work. Without an accept rule, the accuracy on this share of most confident answers must reach RIGHT."""
ABOVE_GUESSING = 0.1
"""The least skill: lower bound of the balanced accuracy, rescaled to 0 for guessing and 1 for perfect answers."""
CONFUSED = 0.25
"""The share of all mistakes that are between two classes, from which other class definitions are worth considering."""
FEWEST_CONFUSED = 5
WIDE = 0.2
"""The width of the interval of the accuracy above which more test images are recommended."""
MOST_CHANGES, MOST_CAUTIONS = 5, 4


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes, with n of n_mistakes mistakes between them. merged: the accuracy if they were one class."""

    first: str
    second: str
    n: int
    n_mistakes: int
    merged: ScoreInterval

    @property
    def is_worth_a_thought(self) -> bool:
        """Whether enough mistakes are between the two classes that other class definitions may be better."""
        return self.n >= FEWEST_CONFUSED and self.n >= CONFUSED * self.n_mistakes


@dataclass(frozen=True)
class Grounds:
    """The measurements that the verdict is based on, from the test split unless they are of the search.

    common: the most common class; majority: its share. weakest, recall: the class with the lowest recall, and this
    recall, None if not measured. answered, wrong: share of images that the accept rule answers, and share of wrong
    answers among these; None without a rule. most_wrong: the share of wrong answers that the rule guarantees not to
    exceed. surest: accuracy on the share ANSWERED of most confident answers. gate: that of the audit; None without one.
    """

    accuracy: ScoreInterval
    balanced: ScoreInterval
    n_classes: int
    common: str
    majority: float
    weakest: str = ""
    recall: ScoreInterval | None = None
    answered: ScoreInterval | None = None
    wrong: ScoreInterval | None = None
    most_wrong: float = 1.0
    surest: ScoreInterval | None = None
    gate: Gate | None = None
    pair: ConfusedPair | None = None
    more_images: MoreImages | None = None
    shortcuts: ShortcutsFound | None = None
    findings: Sequence[Finding] = ()


def judge_feasibility(grounds: Grounds) -> Feasibility:
    """The verdict, its criteria, and what would change it."""
    beyond, right, recognised, answered, honest, fair = criteria = _criteria(grounds)
    if not (beyond.is_met and honest.is_met is not False and fair.is_met is not False):
        verdict = NOT_YET
    elif right.is_met and recognised.is_met is not False:
        verdict = USABLE
    elif answered.is_met:
        verdict = WITH_PEOPLE
    else:
        verdict = NOT_YET
    return Feasibility(
        verdict, _sentence(verdict, grounds, criteria), criteria, tuple(_changes(grounds))[:MOST_CHANGES],
        tuple(_cautions(grounds))[:MOST_CAUTIONS],
    )  # fmt: skip


def _criteria(grounds: Grounds) -> tuple[Criterion, ...]:
    chance = 1 / grounds.n_classes
    least = chance + ABOVE_GUESSING * (1 - chance)
    beyond = grounds.accuracy.low > grounds.majority or grounds.balanced.low > least
    recall = grounds.recall
    followed = _followed(grounds)
    return (
        Criterion(
            "better than guessing",
            f"right on {grounds.accuracy.percent()}; always answering {grounds.common} would be right on "
            f"{percent(grounds.majority)}",
            "the lower bound above that, or the balanced accuracy clearly above guessing", beyond,
        ),
        Criterion(
            "right often enough to be used alone", f"right on {grounds.accuracy.percent()}",
            f"at least {percent(RIGHT)} at the lower bound", grounds.accuracy.low >= RIGHT,
        ),
        Criterion(
            "every class is recognised",
            f"{grounds.weakest}: {recall.percent()}" if recall is not None else "not measured",
            f"at least {percent(RECOGNISED)} of the weakest class",
            None if recall is None else recall.value >= RECOGNISED,
        ),
        _of_sure_answers(grounds),
        Criterion(
            "the errors follow no shortcut", ", ".join(followed) or "none", "none",
            None if grounds.shortcuts is None or grounds.shortcuts.why_not else not followed,
        ),
        Criterion(
            "the audit's gate", grounds.gate.status if grounds.gate else "no gate", "not failed",
            grounds.gate.status != FAIL if grounds.gate else None,
        ),
    )  # fmt: skip


def _of_sure_answers(grounds: Grounds) -> Criterion:
    """Whether the model is useful if people decide the doubtful images."""
    name, answered, wrong, surest = "right where it is sure", grounds.answered, grounds.wrong, grounds.surest
    if answered is not None and answered.is_defined:
        found = f"it answers {answered.percent()} by itself"
        found += f", and {wrong.percent()} of these answers are wrong" if wrong and wrong.is_defined else ""
        kept = wrong is None or not wrong.is_defined or wrong.low <= grounds.most_wrong
        needed = f"at least {percent(ANSWERED)} answered, and not clearly more wrong than promised"
        return Criterion(name, found, needed, kept and answered.value >= ANSWERED)
    if surest is None:
        return Criterion(name, "not measured", f"at least {percent(ANSWERED)} answered", None)
    found = f"right on {surest.percent()} of the {percent(ANSWERED)} of images of which it is most confident"
    return Criterion(name, found, f"at least {percent(RIGHT)} at the lower bound", surest.low >= RIGHT)


def _sentence(verdict: str, grounds: Grounds, criteria: Sequence[Criterion]) -> str:
    said = f"{VERDICTS[verdict]}: it is right on {grounds.accuracy.percent()} of the test images"
    if grounds.recall is not None:
        said += f", and on {grounds.recall.percent()} of its weakest class, {grounds.weakest}"
    if verdict == WITH_PEOPLE and criteria[3].is_met:
        said += f"; {criteria[3].found}"
    if verdict == NOT_YET:
        lacking = [one.name for one in criteria if one.is_met is False]
        said += f". Not met: {', '.join(lacking)}" if lacking else ". Too little is known"
    return f"{said}. Only you can say whether such errors are acceptable."


def _followed(grounds: Grounds) -> list[str]:
    """The names of shortcuts that the errors follow and that cannot be part of the content."""
    if grounds.shortcuts is None:
        return []
    return [one.name for one in grounds.shortcuts.named if one.is_followed and not one.may_be_content]


def _changes(grounds: Grounds) -> Iterator[str]:
    """Changes that may improve the verdict, the most promising first."""
    for name in _followed(grounds):
        yield (
            f"Collect images of each class that differ in the {name}, or make it the same in all: the model's errors "
            "follow it."
        )
    if grounds.gate is not None and grounds.gate.status == FAIL:
        yield f"Collect images of the groups for which the model works worse. {grounds.gate.sentence}."
    if grounds.gate is not None and grounds.gate.status == UNDECIDED:
        yield f"Label more images of the groups. {grounds.gate.sentence}."
    if grounds.more_images is not None:
        worth = sorted(filter(is_worth, grounds.more_images.classes), key=lambda one: -one.gain.value)
        for one in worth[:2]:
            more = grounds.more_images.more
            yield f"Collect {more} more images of {one.label}: worth {points(one.gain)} of its recall."
    pair = grounds.pair
    if pair is not None and pair.is_worth_a_thought:
        yield (
            f"Define {pair.first} and {pair.second} more precisely, or merge them if your question allows it: {pair.n} "
            f"of {pair.n_mistakes} mistakes are between them; as one class, {pair.merged.percent()} would be right."
        )
    if any(one.check == "domain-distance" and one.severity == "warning" for one in grounds.findings):
        yield "Allow the search to fine-tune: these images are unlike those that the backbone was trained on."
    if grounds.accuracy.high - grounds.accuracy.low > WIDE:
        yield f"Hold out more images for the test: the interval of the accuracy is wider than {100 * WIDE:.0f} points."
    if grounds.more_images is not None and grounds.more_images.twice.low > 0:
        yield f"Collect twice as many images: worth {points(grounds.more_images.twice)} of balanced accuracy."


def _cautions(grounds: Grounds) -> Iterator[str]:
    """Reasons to be cautious about the scores."""
    for one in grounds.findings:
        measured_anew = one.check == "confounding" and grounds.shortcuts is not None and not grounds.shortcuts.why_not
        if one.severity in ("warning", "error") and not measured_anew:
            yield f"{one.check.replace('-', ' ')}: {one.message}"
    if grounds.shortcuts is not None:
        for shortcut in grounds.shortcuts.named:
            if not shortcut.is_followed or shortcut.may_be_content:
                yield (
                    f"shortcut: the {shortcut.name} alone predicts the class with a balanced accuracy of "
                    f"{percent(shortcut.score.value)}"
                )
