"""An outcome of methods against bias, as a run would have it."""

from __future__ import annotations

from autotl.evidence.debias import ACCURACY, GAP, PRECISION, WORST
from autotl.runs.debias import DebiasOutcome, GroupCounts, MethodOutcome, SeedOutcome
from autotl.scores import ScoreInterval

_STILL = ScoreInterval(0.0, -0.01, 0.01)
CHAMPION = {
    WORST: ScoreInterval(0.4, 0.3, 0.5),
    GAP: ScoreInterval(0.5, 0.4, 0.6),
    PRECISION: ScoreInterval(0.8, 0.7, 0.9),
    ACCURACY: ScoreInterval(0.85, 0.8, 0.9),
}
GROUPS = (GroupCounts("face, skin=<dark>", 6, 1, 40, True), GroupCounts("face, skin=light", 200, 50, 40, True))


def made_method(name: str, *, gain: float = 0.3, n_seeds: int = 5) -> MethodOutcome:
    """A method that gains so much on the worst subgroup, within 10 points."""
    differences = {WORST: ScoreInterval(gain, gain - 0.1, gain + 0.1), GAP: _STILL, PRECISION: _STILL, ACCURACY: _STILL}
    values = {measure: CHAMPION[measure].value + differences[measure].value for measure in CHAMPION}
    seeds = tuple(SeedOutcome(seed, 2.0, values, differences) for seed in range(n_seeds))
    groups = {group.name: ScoreInterval(gain, gain - 0.2, gain + 0.2) for group in GROUPS}
    verdict = "better" if gain > 0.1 else "undecided"
    return MethodOutcome(
        name, "a paper", seeds, values, differences, groups, 2.0, verdict, f"{name} is {verdict}: by {gain}"
    )  # fmt: skip


def made_outcome(*methods: MethodOutcome, by: str | None = "skin", failed: str = "") -> DebiasOutcome:
    """An outcome of these methods."""
    recalls = {GROUPS[0].name: ScoreInterval(0.4, 0.3, 0.5), GROUPS[1].name: ScoreInterval(0.9, 0.8, 0.95)}
    return DebiasOutcome(
        "run", by, GROUPS, 80, CHAMPION, recalls, methods, 0.975, {"db-vae": "it learns from images"},
        {"jtt": failed} if failed else {}, tuple(method.sentence for method in methods), ("one note",),
    )  # fmt: skip
