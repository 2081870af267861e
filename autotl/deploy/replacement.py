"""Why a new model should perhaps not replace the champion of a registered model."""

from __future__ import annotations

from collections.abc import Sequence

from autotl.deploy.versions import caveats
from autotl.interfaces import Evaluator, ModelVersion, ScoreInterval, VersionEvidence

N_CLASSES_NAMED = 6


def reason_against_replacing(
    champion: ModelVersion,
    new: VersionEvidence,
    *,
    champion_classes: Sequence[str],
    new_classes: Sequence[str],
    objective: Evaluator | None,
) -> str:
    """A sentence or two, empty where nothing is known against it.

    The classes may be empty where they are unknown. objective: the evaluator of the new model's objective.
    """
    who = f"Version {champion.version}, the current champion of {champion.name},"
    if champion_classes and new_classes and set(champion_classes) != set(new_classes):
        return (
            f"{who} has different classes: {_list(champion_classes)}. This run has {_list(new_classes)}. Programs that "
            f"load the champion of {champion.name} would get different labels."
        )
    before, after = champion.evidence.test, new.test
    if not caveats({"the champion": champion.evidence, "this run": new}) and _is_worse(after, before, objective):
        return (
            f"{who} did better on the same test items: {new.objective} {_score(before)}, against {_score(after)} for "
            "this run."
        )
    return ""


def _is_worse(new: ScoreInterval, old: ScoreInterval, objective: Evaluator | None) -> bool:
    if objective is None:
        return False
    return new.value < old.value if objective.larger_is_better else new.value > old.value


def _score(score: ScoreInterval) -> str:
    return str(score) if score.has_interval else f"{score} (no interval)"


def _list(classes: Sequence[str]) -> str:
    more = len(classes) - N_CLASSES_NAMED
    return ", ".join(classes[:N_CLASSES_NAMED]) + (f" and {more} more" if more > 0 else "")
