"""The leaderboard: every trial of a study, best first, as a table and as CSV."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.targets import CLASSES, LABELS, NUMBER
from autotl.trial import ENSEMBLE, FINE_TUNE, FRAME_VOTE, PROBE, TrialRecord

_PLAIN_COLUMNS = (
    "state", "strategy", "backbone", "size", "stage", "pooling", "head", "value", "low", "high",
)  # fmt: skip
_FILE, _DEFAULT_MARK = "leaderboard.csv", " (untuned default)"
_BASELINES = {LABELS: "share of each label", NUMBER: "mean of all numbers"}
"""What is always answered by the row that learned nothing, by the kind of target."""


@dataclass(frozen=True)
class Leaderboard:
    """Trials in order: completed ones best first, then pruned, then failed.

    larger_is_better: the direction of the objective. default: number of the untuned default's trial.
    """

    trials: tuple[TrialRecord, ...]
    objective: str
    larger_is_better: bool
    default: int | None
    baseline: str = "majority class"

    @property
    def completed(self) -> tuple[TrialRecord, ...]:
        """Trials with a value, best first."""
        return tuple(trial for trial in self.trials if trial.state == "complete")

    def best(self, *strategies: str) -> TrialRecord | None:
        """The best completed trial that learned something, of some strategies or of all; None if there is none."""
        wanted = strategies or (PROBE, FINE_TUNE, ENSEMBLE)
        return next((t for t in self.completed if t.strategy in wanted), None)

    def of(self, strategy: str) -> list[TrialRecord]:
        """The trials of a strategy in the order in which they were begun."""
        return sorted((t for t in self.trials if t.strategy == strategy), key=lambda trial: trial.number)

    def title(self, trial: TrialRecord) -> str:
        """What a row is called: what it is, in the field's words."""
        if trial.strategy == "majority":
            return self.baseline
        if trial.strategy == FRAME_VOTE:
            return "vote over the frames (never deployed)"
        backbone = trial.reading.backbone if trial.reading else ""
        if trial.strategy == ENSEMBLE:
            return f"ensemble of probes on {backbone}"
        name = f"{trial.head} on {backbone}"
        return f"{name}{_DEFAULT_MARK}" if trial.number == self.default else name

    def table(self) -> pd.DataFrame:
        """One row per trial, ready for CSV."""
        return pd.DataFrame([_row(rank, self.title(trial), trial) for rank, trial in enumerate(self.trials, 1)])

    def write(self, path: Path) -> None:
        """Write leaderboard.csv."""
        self.table().to_csv(path, index=False)


def read_leaderboard(run_folder: Path) -> pd.DataFrame | None:
    """Read a run's leaderboard.csv, best trial first; None if there is none yet, or if it is damaged."""
    try:
        board = pd.read_csv(run_folder / _FILE)
    except (OSError, ValueError):  # pandas' own errors are ValueErrors
        return None
    needed = {"rank", "trial", "name", *_PLAIN_COLUMNS, "seconds", "params"}
    return board if needed <= set(board.columns) else None


def is_default(board: pd.DataFrame) -> pd.Series:
    """Which rows are the untuned default. board: as `read_leaderboard` returns it."""
    return board["name"].astype(str).str.endswith(_DEFAULT_MARK)


def trials_without_gain(trials: Iterable[TrialRecord], larger_is_better: bool) -> int:
    """How many of the trials, given in their order, ended since the last that was better than all before it."""
    best, tail = -math.inf, 0
    for trial in trials:
        value = trial.score.value if larger_is_better else -trial.score.value
        if value > best:
            best, tail = value, 0
        else:
            tail += 1
    return tail


def rank(
    trials: Iterable[TrialRecord], *, objective: str, larger_is_better: bool, default: int | None, kind: str = CLASSES
) -> Leaderboard:
    """Put trials in order; of equals the earlier one is first, for it is the simpler one. kind: of the target."""
    sign = 1 if larger_is_better else -1
    order = {"complete": 0, "pruned": 1, "failed": 2}

    def place(trial: TrialRecord) -> tuple[int, float, int]:
        value = -sign * trial.score.value if trial.score.is_defined else math.inf
        return order[trial.state], value, trial.number

    ranked = sorted(trials, key=place)
    return Leaderboard(tuple(ranked), objective, larger_is_better, default, _BASELINES.get(kind, "majority class"))


def _row(rank: int, title: str, trial: TrialRecord) -> Mapping[str, object]:
    plain = trial.to_json()
    return {
        "rank": rank if trial.state == "complete" else None,
        "trial": trial.number,
        "name": title,
        **{key: plain[key] for key in _PLAIN_COLUMNS},
        "seconds": round(trial.seconds, 2),
        "device": trial.device,
        "reason": trial.reason,
        "params": "; ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in _all_params(trial)),
    }


def _all_params(trial: TrialRecord) -> Sequence[tuple[str, object]]:
    if trial.strategy == ENSEMBLE:
        return [(f"trial {member.trial.number}", member.weight) for member in trial.members]
    return [(name.removeprefix(f"{trial.head}/"), value) for name, value in {**trial.params, **trial.training}.items()]
