"""The findings of a run stay small, whoever writes them."""

from __future__ import annotations

from types import SimpleNamespace

from autotl.interfaces import Finding
from autotl.workflows.kept_findings import MOST_PROPOSALS, keep_findings


def test_findings_with_many_pairs_do_not_make_run_json_large():
    state = {}
    pairs = tuple((f"{k}.png", f"{k} copy.png") for k in range(MOST_PROPOSALS + 1))
    keep_findings(SimpleNamespace(update=state.update), [Finding("copies", "info", "many copies", pairs=pairs)])
    (kept,) = state["findings"]
    assert (kept["message"], len(kept["pairs"])) == ("many copies", MOST_PROPOSALS)
