"""What each part of pairs brings, recomputed from the predictions of the trials that are compared."""

from __future__ import annotations

from typing import Any

from verify_scores import BOUNDS

TRIPLE = ("value", "low", "high")


def check_parts(run: Any) -> None:
    """The scores of the whole items and of each part alone, and the paired differences; and their table."""
    ledger, found = run.ledger, run.result.get("part_gains")
    if not found or run.objective not in BOUNDS:
        return
    ledger.expect("/part_gains/objective", run.objective)
    whole = run.trial(ledger.at("/part_gains/scores/0/trial"))
    for number, one in enumerate(found["scores"]):
        address, own = f"/part_gains/scores/{number}", run.trial(one["trial"])
        ledger.expect_interval(f"{address}/score", run.measured(run.objective, own, 0))
        ledger.expect_interval(f"{address}/best", run.measured(run.objective, run.trial(one["best_trial"]), 0))
        if number:
            ledger.expect_interval(f"{address}/gain", run.differences(own, whole))
    for address, _ in run.panel("parts"):
        for number, one in enumerate(found["scores"]):
            cells = [(1, one["score"]), (5, one["best"]), *([(9, one["gain"])] if "gain" in one else [])]
            for start, score in cells:
                for place, name in enumerate(TRIPLE):
                    ledger.expect(f"{address}/rows/{number}/{start + place}", score[name])
