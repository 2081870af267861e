"""Which numbers of a run cannot be recomputed from what is stored, and why."""

from __future__ import annotations

import re
from typing import Any

from verify_documents import Ledger

N_ROWS = 25
"""Leaderboard rows whose intervals are recomputed: those that the report prints. Values are recomputed in all rows."""
WHY_NOT = (
    (
        r"run\.json#/result/(seconds|verdict/fine_tuning/seconds|n_unused)",
        "measured by a clock, or counted during the run",
    ),
    (
        r"run\.json#/result/champion/|run\.json#/result/default/trial|.*fine_tuning/trial|.*part_gains/.*trial",
        "choices, not measurements",
    ),
    (r"run\.json#/result/outlook/", "extrapolated from the course of the search by simulation"),
    (r"run\.json#/result/forecasts/", "forecast early in the run, from measurements on fewer items"),
    (r"run\.json#/result/groups/", "measured before the search; those predictions are not kept"),
    (r"run\.json#/result/refit/", "against the model of another run, whose predictions are in that run's folder"),
    (r"run\.json#/result/verdict/fine_tuning/test/", "the test predictions of the best frozen backbone are not kept"),
    (r"run\.json#/result/shortcuts/|panel shortcuts", "tiny models of image properties, which are not kept"),
    (
        r"run\.json#/result/more_images|panel (learning-curve|feasibility)",
        "fits on fewer items, whose predictions are not kept",
    ),
    (
        r"run\.json#/result/backbones_tried/|panel backbones",
        "held-out answers on a sample of the items, which are not kept, and speeds measured by a clock",
    ),
    (r"run\.json#/result/tracking/", "reported by a tracking server"),
    (r"run\.json#/result/audit/forced/", "when a registration was forced"),
    (r"panel weak-kinds", "kinds of items are found by features and properties of the items, which are not kept"),
    (r"panel importances", "from the parameters of the trials in study.db"),
    (r"run\.json#/result/doubts/none_of_these/|panel doubts/.*/rows/", "distances of features, which are not kept"),
    (
        r"run\.json#/result/(search|test|default/test|verdict)/",
        "a plugin's score, whose formula verify.py does not know",
    ),
    (
        r"leaderboard\.csv#",
        f"an interval beyond the first {N_ROWS} rows, a fact of a trial, a plugin's score, or its predictions are lost",
    ),
)


def left_out(ledger: Ledger) -> list[dict[str, Any]]:
    """The numbers that were not compared, grouped by reason."""
    found = dict[str, list[str]]()
    addresses = ledger.not_covered()
    names = [panel["panel"] for panel in ledger.documents.get("evidence/panels.json", ())]
    for address in addresses:
        place = re.match(r"evidence/panels\.json#/(\d+)", address)
        what = address.replace(place[0], f"panel {names[int(place[1])]}") if place else address
        why = next((why for pattern, why in WHY_NOT if re.match(pattern, what)), "no rule for it here")
        found.setdefault(why, []).append(what)
    return [{"why": why, "n": len(addresses), "first": addresses[:3]} for why, addresses in found.items()]
