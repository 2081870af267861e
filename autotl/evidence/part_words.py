"""What each part of composed items brings, in a table and in sentences."""

from __future__ import annotations

from autotl.evidence.verdicts import in_words, is_better, is_worse
from autotl.interfaces import ScoreInterval, Table
from autotl.runs.part_gains import PartGains, PartScore


def table(found: PartGains) -> Table:
    """The scores of the whole items and of each part alone."""
    rows = tuple(
        (
            _called(one, found), *_cells(one.score), f"trial {one.trial}", *_cells(one.best), f"trial {one.best_trial}",
            *(_cells(one.gain) if one.gain else (None, None, None)),
        )
        for one in found.scores
    )  # fmt: skip
    return Table(
        f"{found.objective} of the parts, alone and together",
        (
            "learned from", "untuned", "low", "high", "which", "best", "low", "high", "which", "together less this",
            "low", "high",
        ),
        rows,
        "Cross-validated, on the same items. Untuned: the default head on all that the default backbone of the part "
        "gives. The last columns are the paired difference between the untuned heads; the best trials were chosen "
        "among several, so that they look a little better than they are.",
    )  # fmt: skip


def describe(found: PartGains, *, larger_is_better: bool) -> tuple[str, ...]:
    """What each part brings: the scores, and whether a part could be left out."""
    whole, *parts = found.scores
    alone = ", ".join(f"the {part.kind} alone {_interval(part.score)}" for part in parts)
    together = " and ".join(part.kind for part in parts)
    first = f"{together} together reach {found.objective} {_interval(whole.score)}, {alone} (untuned, in the search)"
    return (first, *(_gain(part, parts, found.objective, larger_is_better) for part in parts if part.gain))


def _gain(part: PartScore, parts: list[PartScore], objective: str, larger_is_better: bool) -> str:
    assert part.gain is not None
    others = " and ".join(f"the {one.kind}" for one in parts if one is not part)
    amount = in_words(part.gain, objective, larger_is_better=larger_is_better)
    if is_better(part.gain, larger_is_better):
        return f"{others} adds to the {part.kind}: {amount}"
    if is_worse(part.gain, larger_is_better):
        return f"{others} makes it worse than the {part.kind} alone: {amount}"
    return (
        f"that {others} adds anything to the {part.kind} is not shown: {amount}; a model of the {part.kind} alone "
        "would be simpler"
    )


def _called(one: PartScore, found: PartGains) -> str:
    if one.gain is None:
        return " and ".join(part.kind for part in found.scores if part is not one)
    return f"{one.kind} alone"


def _cells(score: ScoreInterval) -> tuple[float | None, float | None, float | None]:
    return (score.value, score.low, score.high) if score.is_defined else (None, None, None)


def _interval(score: ScoreInterval) -> str:
    return f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})"
