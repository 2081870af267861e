"""What the order of the frames of clips brings, in a table and in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from autotl.evidence.verdicts import in_words, is_better, is_worse
from autotl.interfaces import ScoreInterval, Table

_TITLES = {
    "frames": "frames, whatever their order", "motion": "frames and how they change", "vote": "vote over the frames",
    "majority": "majority class",
}  # fmt: skip
_MOTION = (
    "how the frames change adds to the frames themselves",
    "reading how the frames change makes it worse than the frames alone",
    "that how the frames change adds anything is not shown",
)
_VOTE = (
    "a vote over the frames, which is not deployed, is better than their pooled features",
    "a vote over the frames is worse than their pooled features",
    "a vote over the frames is neither shown to be better nor worse than their pooled features",
)
"""What is said of a gain that is better, worse or neither."""


@dataclass(frozen=True)
class MotionGains:
    """Scores of what can be read of clips, in the search, all with the untuned head.

    objective: what the scores are of. reads_motion: whether the champion reads how the frames change. n_frames: how
    many of each clip are read. scores: of "frames" (mean and maximum over the frames), "motion", "vote" and "majority",
    as far as they are known. gains: the paired difference of each of them less "frames".
    """

    objective: str
    reads_motion: bool
    n_frames: int
    scores: dict[str, ScoreInterval]
    gains: dict[str, ScoreInterval]


def motion_table(found: MotionGains) -> Table:
    """The scores, and the differences to the frames without their order."""
    rows = tuple(
        (_TITLES[name], *_cells(found.scores.get(name)), *_cells(found.gains.get(name)))
        for name in _TITLES
        if name in found.scores
    )
    return Table(
        f"{found.objective} by what is read of the clips",
        ("what is read", "untuned", "low", "high", "difference", "difference low", "difference high"),
        rows,
        f"Cross-validated, on the same clips, with the default head. Of each clip {found.n_frames} frames are read. "
        "Vote: each frame is classified by itself, and the clip gets the mean of the answers. The last columns are the "
        "paired difference to the mean and the maximum of the frames' features.",
    )


def describe_motion(found: MotionGains, *, larger_is_better: bool) -> tuple[str, ...]:
    """Whether the order of the frames counts, whether the frames alone tell the classes apart, and what a vote does."""
    order = (
        "the champion also reads how the frames change, and so their order"
        if found.reads_motion
        else "the champion does not read the order of the frames: a clip played backwards gets the same answer"
    )
    said = [f"of each clip {found.n_frames} frames are read; {order}"]
    chance = found.gains.get("majority")
    # It is that of the majority class less that of the frames.
    if chance and not is_worse(chance, larger_is_better):
        said.insert(0, _failing(found, larger_is_better))
    said += [
        _said(words, gain, found.objective, larger_is_better)
        for name, words in (("motion", _MOTION), ("vote", _VOTE))
        if (gain := found.gains.get(name))
    ]
    return tuple(f"{text[0].upper()}{text[1:]}." for text in said)


def _failing(found: MotionGains, larger_is_better: bool) -> str:
    frames, common = found.scores["frames"], found.scores["majority"]
    failing = (
        f"the frames without their order are no better than the most frequent class ({found.objective} "
        f"{_interval(frames)}, against {_interval(common)}): the classes may differ in motion only"
    )
    gain = found.gains.get("motion")
    if gain is None:
        return failing
    if is_better(gain, larger_is_better):
        return f"{failing}, and how the frames change does tell them apart"
    return f"{failing}, and how the frames change does not tell them apart either, as far as it is read"


def _said(words: tuple[str, str, str], gain: ScoreInterval, objective: str, larger_is_better: bool) -> str:
    better, worse, neither = words
    said = better if is_better(gain, larger_is_better) else worse if is_worse(gain, larger_is_better) else neither
    return f"{said}: {in_words(gain, objective, larger_is_better=larger_is_better)}"


def _cells(score: ScoreInterval | None) -> tuple[float | None, float | None, float | None]:
    return (score.value, score.low, score.high) if score and score.is_defined else (None, None, None)


def _interval(score: ScoreInterval) -> str:
    return f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})"
