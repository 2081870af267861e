"""The leaderboard: every trial of a study, best first, and what may be claimed from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autotl.search.space import ENSEMBLE, FINE_TUNE, PROBE
from autotl.interfaces import TrialRecord
from autotl.evidence.intervals import Difference


@dataclass(frozen=True)
class Leaderboard:
    """Trials in order: completed ones best first, then pruned, then failed.

    larger_is_better: the direction of the objective. default: number of the untuned default's trial.
    """

    trials: tuple[TrialRecord, ...]
    objective: str
    larger_is_better: bool
    default: int | None

    @property
    def completed(self) -> tuple[TrialRecord, ...]:
        """Trials with a value, best first."""
        return tuple(trial for trial in self.trials if trial.state == "complete")

    def best(self, *strategies: str) -> TrialRecord | None:
        """The best completed trial that learned something, of some strategies or of all; None where there is none."""
        wanted = strategies or (PROBE, FINE_TUNE, ENSEMBLE)
        return next((t for t in self.completed if t.strategy in wanted), None)

    def of(self, strategy: str) -> list[TrialRecord]:
        """The trials of a strategy in the order in which they were begun."""
        return sorted((t for t in self.trials if t.strategy == strategy), key=lambda trial: trial.number)

    def title(self, trial: TrialRecord) -> str:
        """What a row is called: what it is, in the field's words."""
        if trial.strategy == "majority":
            return "majority class"
        if trial.strategy == ENSEMBLE:
            return f"ensemble of probes on {trial.backbone}"
        name = f"{trial.head} on {trial.backbone}"
        return f"{name} (untuned default)" if trial.number == self.default else name

    def table(self) -> pd.DataFrame:
        """One row per trial, ready for CSV."""
        return pd.DataFrame([_row(rank, self.title(trial), trial) for rank, trial in enumerate(self.trials, 1)])

    def write(self, path: Path) -> None:
        """Write leaderboard.csv."""
        self.table().to_csv(path, index=False)


def trials_without_gain(trials: Iterable[TrialRecord], larger_is_better: bool) -> int:
    """How many of the trials, given in their order, ended since the last that was better than all before it."""
    best, tail = -math.inf, 0
    for trial in trials:
        value = None if trial.value is None else trial.value if larger_is_better else -trial.value
        if value is not None and value > best:
            best, tail = value, 0
        else:
            tail += 1
    return tail


def rank(trials: Iterable[TrialRecord], *, objective: str, larger_is_better: bool, default: int | None) -> Leaderboard:
    """Put trials in order; of equals the earlier one is first, for it is the simpler one."""
    sign = 1 if larger_is_better else -1
    order = {"complete": 0, "pruned": 1, "failed": 2}

    def place(trial: TrialRecord) -> tuple[int, float, int]:
        undefined = trial.value is None or math.isnan(trial.value)
        return order[trial.state], math.inf if undefined else -sign * (trial.value or 0.0), trial.number

    ranked = sorted(trials, key=place)
    return Leaderboard(tuple(ranked), objective, larger_is_better, default)


def judge_fine_tuning(
    difference: Difference | None, trial: TrialRecord | None, *, objective: str, larger_is_better: bool, reason: str
) -> dict[str, Any]:
    """Say whether fine-tuning pays, with the paired interval and its cost; or why that is not known.

    difference: the best fine-tune trial minus the best probe on the validation split; reason: why none was tried.
    """
    if difference is None or trial is None:
        return {"tried": False, "claim": f"fine-tuning was not tried: {reason}"}
    pays = difference.low > 0 if larger_is_better else difference.high < 0
    hurts = difference.high < 0 if larger_is_better else difference.low > 0
    cost = _duration(trial.seconds)
    amount = in_words(difference, objective, larger_is_better=larger_is_better)
    if pays:
        claim = f"fine-tuning buys {amount} for {cost}"
    elif hurts:
        claim = f"fine-tuning costs {cost} and is worse: {amount}; the frozen backbone is enough here"
    else:
        claim = f"fine-tuning for {cost} makes no difference that these data can show: {amount}; simpler is enough"
    return {
        "tried": True, "claim": claim, **_plain(difference),
        "seconds": trial.seconds, "trial": trial.number, "pays": pays, "measured_on": "validation",
    }  # fmt: skip


def judge_default(
    difference: Difference | None, *, objective: str, larger_is_better: bool, n_others: int
) -> dict[str, Any]:
    """Say whether the search beat the untuned default on the test split.

    difference: None where the default is champion. n_others: how many other trials there were.
    """
    if difference is None:
        why = "nothing that was tried did better" if n_others else "nothing else was tried"
        return {"better": False, "claim": f"the untuned default is the champion: {why}"}
    better, worse = difference.low > 0, difference.high < 0
    if not larger_is_better:
        better, worse = worse, better
    amount = in_words(difference, objective, larger_is_better=larger_is_better)
    if better:
        claim = f"the champion beats the untuned default by {amount}"
    elif worse:
        claim = f"the champion is worse than the untuned default on the test split: {amount}"
    else:
        claim = f"the champion cannot be told from the untuned default on the test split: {amount}"
    return {"better": better, "claim": claim, **_plain(difference), "measured_on": "test"}


def in_words(difference: Difference, objective: str, *, larger_is_better: bool) -> str:
    """A difference with its interval; shares in points (hundredths), losses as they are."""
    if not math.isfinite(difference.low):
        return f"{difference.value:+.3f} {objective} (no interval: too few independent images)"
    if not larger_is_better:
        return f"{difference.value:+.3f} {objective} (95 % CI {difference.low:+.3f} to {difference.high:+.3f})"
    value, low, high = (100 * x for x in (difference.value, difference.low, difference.high))
    if not low and not high:  # an interval of no width would read as a certainty
        return f"+0.0 points of {objective} (both are right about the same images)"
    return f"{value:+.1f} points of {objective} (95 % CI {low:+.1f} to {high:+.1f})"


def _plain(difference: Difference) -> dict[str, float | None]:
    """Its numbers, None where undefined: JSON has no NaN."""
    return {name: value if math.isfinite(value) else None for name, value in asdict(difference).items()}


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} minutes"


def _row(rank: int, title: str, trial: TrialRecord) -> Mapping[str, Any]:
    return {
        "rank": rank if trial.state == "complete" else None,
        "trial": trial.number,
        "name": title,
        "state": trial.state,
        "strategy": trial.strategy,
        "backbone": trial.backbone,
        "size": trial.size,
        "stage": trial.stage,
        "pooling": trial.pooling,
        "head": trial.head,
        "value": trial.value,
        "low": trial.low,
        "high": trial.high,
        "seconds": round(trial.seconds, 2),
        "device": trial.device,
        "reason": trial.reason,
        "params": "; ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in _all_params(trial)),
    }


def _all_params(trial: TrialRecord) -> Sequence[tuple[str, Any]]:
    if trial.strategy == ENSEMBLE:
        return [(f"trial {m['trial']['number']}", m["weight"]) for m in trial.params.get("members", ())]
    return [(name.removeprefix(f"{trial.head}/"), value) for name, value in {**trial.params, **trial.training}.items()]
