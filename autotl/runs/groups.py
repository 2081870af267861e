"""Groups of images as a run records them: what each grouping costs the untuned default, and which one is kept whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotl.data.candidate_groups.near_duplicates import NEAR_DUPLICATES
from autotl.data.groups import NO_GROUPS
from autotl.runtime.wording import listed
from autotl.scores import ScoreInterval
from autotl.targets import CLASSES, LABELS, NUMBER, Kind, named_kind


@dataclass(frozen=True)
class GroupScores:
    """What the untuned default scores on groups that it has never seen, and on new images of groups that it knows.

    name: what `--groups` takes. how: where the grouping was read from, in words. of: what one group is called.
    examples: a group with some of its files each. n_groups: of more than one image. unseen, mixed: scores by the
    evaluator's name, of the same images. kind: of the target. loss: mixed less unseen, with its interval: of balanced
    accuracy, for labels of the mean average precision, for numbers of R². matters: whether the evidence is strong.
    decides: whether that is enough to keep such groups on one side unasked. unanswerable: the classes that have too few
    groups for any to be kept back; they are in neither score.
    """

    name: str
    how: str
    of: str
    examples: tuple[str, ...]
    n_groups: int
    unseen: Mapping[str, ScoreInterval]
    mixed: Mapping[str, ScoreInterval]
    loss: ScoreInterval
    matters: bool
    decides: bool = True
    unanswerable: tuple[str, ...] = ()
    kind: Kind = CLASSES

    def sentence(self, objective: str) -> str:
        """Both scores, and what a group is."""
        many = plural(self.of)
        such = f"({many[:1].upper()}{many[1:]}: {self.how}, such as {'; '.join(self.examples[:2])}.)"
        if self.kind in (LABELS, NUMBER):
            return self._as_they_are(objective, many, such)
        score = next((name for name in (objective, "accuracy") if _is_share(self.unseen.get(name))), "")
        if not score:
            return (
                f"the untuned default loses {_percent(self.loss.value)} points of balanced accuracy on {many} never "
                f"seen: do you need those, or new images of known {many}? {such}"
            )
        unseen, mixed = self.unseen[score], self.mixed[score]
        return (
            f"the untuned default's {score.replace('_', ' ')} is {_percent(mixed.value)} % on new images of known "
            f"{many}; {_percent(unseen.value)} % ({_percent(unseen.low)} to {_percent(unseen.high)}) on {many} never "
            f"seen: which one do you need? {such}"
        )

    def _as_they_are(self, objective: str, many: str, such: str) -> str:
        """Both scores, which need not be shares."""
        score = objective if objective in self.unseen else next(iter(self.unseen))
        unseen, mixed = self.unseen[score], self.mixed[score]
        return (
            f"the untuned default's {score.replace('_', ' ')} is {mixed.value:.3g} on new images of known {many}; "
            f"{unseen.value:.3g} ({unseen.low:.3g} to {unseen.high:.3g}) on {many} never seen: which one do you need? "
            f"{such}"
        )

    def no_answer(self) -> str:
        """Of which classes or labels nothing can be told, empty if there are none."""
        if not self.unanswerable:
            return ""
        one = len(self.unanswerable) == 1
        what = ("labels", "label") if self.kind == LABELS else ("classes", "class")
        return (
            f"for {plural(self.of)} never seen nothing can be told of the {what[one]} "
            f"{listed(self.unanswerable)}: all {'its' if one else 'their'} images are of one or two {plural(self.of)}"
        )

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "name": self.name, "how": self.how, "of": self.of, "examples": list(self.examples),
            "n_groups": self.n_groups, "unseen": _scores_json(self.unseen), "mixed": _scores_json(self.mixed),
            "loss": self.loss.to_json(), "matters": self.matters, "decides": self.decides,
            "unanswerable": list(self.unanswerable), "kind": self.kind,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> GroupScores:
        """Read what `to_json` returned."""
        return cls(
            name=str(document["name"]), how=str(document["how"]), of=str(document["of"]),
            examples=tuple(map(str, document["examples"])), n_groups=int(document["n_groups"]),
            unseen=_scores(document["unseen"]), mixed=_scores(document["mixed"]),
            loss=ScoreInterval.from_json(document["loss"]), matters=bool(document["matters"]),
            decides=bool(document["decides"]), unanswerable=tuple(map(str, document["unanswerable"])),
            kind=named_kind(document.get("kind", CLASSES)),
        )  # fmt: skip


@dataclass(frozen=True)
class GroupsFound:
    """The groupings that were found in a dataset.

    used: the grouping that is kept on one side of every split, as `--groups` takes it; None if there is none.
    asked: whether the user decided that. candidates: those that were measured, the one that matters most first.
    note: what was not measured and why, or on how many images; empty where all was. objective: the score to tell.
    """

    used: str | None = None
    asked: bool = False
    candidates: tuple[GroupScores, ...] = ()
    note: str = ""
    objective: str = "balanced_accuracy"

    @property
    def told(self) -> GroupScores | None:
        """The grouping that is told before any score; None if none matters."""
        return self.candidates[0] if self.candidates and self.candidates[0].matters else None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is to be said before any score, and what was done; none where no grouping matters."""
        told = self.told
        if told is None:
            return ()
        many = plural(told.of)
        if told.name == self.used:
            done = f"the scores of this run are for {many} never seen: each is on one side of every split"
            done += "" if self.asked else f"; with --groups {NO_GROUPS} they are mixed"
        elif told.name == NEAR_DUPLICATES:
            done = "near-duplicates are on one side of every split; --groups says what else belongs together"
        else:
            done = f"the scores of this run are for known {many}: they are on both sides of the split"
            done += f"; with --groups {told.name} each is kept on one side"
        said = (told.sentence(self.objective), done, told.no_answer(), self.note)
        return tuple(f"{text[:1].upper()}{text[1:]}{'' if text.endswith(')') else '.'}" for text in said if text)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "used": self.used, "asked": self.asked, "candidates": [one.to_json() for one in self.candidates],
            "note": self.note, "objective": self.objective, "sentences": list(self.sentences),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> GroupsFound:
        """Read what `to_json` returned."""
        return cls(
            used=document.get("used"), asked=bool(document.get("asked")),
            candidates=tuple(map(GroupScores.from_json, document.get("candidates") or ())),
            note=str(document.get("note") or ""), objective=str(document.get("objective") or "balanced_accuracy"),
        )  # fmt: skip


def plural(of: str) -> str:
    """What several groups are called."""
    return {"series": "series", "batch": "batches"}.get(of, f"{of}s")


def _is_share(score: ScoreInterval | None) -> bool:
    return score is not None and score.is_defined and 0 <= score.value <= 1


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _scores(found: Mapping[str, Mapping[str, object]]) -> dict[str, ScoreInterval]:
    return {name: ScoreInterval.from_json(score) for name, score in found.items()}


def _scores_json(scores: Mapping[str, ScoreInterval]) -> dict[str, dict[str, float | None]]:
    return {name: score.to_json() for name, score in scores.items()}
