"""Checks that the sentences of a run agree in run.json, in the panels and in the report."""

from __future__ import annotations

from typing import Any

from verify_documents import Ledger, Report

FIELDS = {
    "subgroups": "audit", "doubts": "doubts", "feasibility": "feasibility", "shortcuts": "shortcuts",
    "learning-curve": "more_images", "backbones": "backbones_tried",
}  # fmt: skip
"""The field of the result that each panel shows."""
LATER = {"people"}
"""Panels that are added after the run; their sentences are not in `in_short`."""
VERDICTS = {
    "usable": "Usable", "usable-with-people": "Usable with people deciding the doubtful images", "not-yet": "Not yet",
}  # fmt: skip
MET = {True: "yes", False: "no"}


def check_words(run: Any) -> None:
    """Compare the sentences of the result with those of the panels, and the panels with the fields that they show."""
    ledger, result = run.ledger, run.result
    panels = {panel["panel"]: panel for panel in ledger.document("evidence/panels.json")}
    for name, panel in panels.items():
        field = FIELDS.get(name)
        if field and panel["parts"] and result.get(field) is None:
            ledger.differs.append((f"run.json#/result/{field}", None, f"what the panel {name} shows"))
    for name in ("subgroups", "feasibility"):
        if result.get(FIELDS[name]) is not None and name not in panels:
            ledger.differs.append(("evidence/panels.json", f"no panel {name}", "one"))
    in_short = result.get("in_short") or []
    said = {name: panel.get("sentences") or [] for name, panel in panels.items() if name not in LATER}
    ledger.expect_true(
        "run.json#/result/in_short",
        all(sentences[0] in in_short for sentences in said.values() if sentences),
        "the first sentence of each panel in evidence/panels.json",
    )
    everything = {sentence for sentences in said.values() for sentence in sentences}
    for number, sentence in enumerate(in_short):
        if sentence not in everything:
            ledger.differs.append((f"run.json#/result/in_short/{number}", sentence, "a sentence of a panel"))
    if result.get("feasibility") is not None and "feasibility" in panels:
        _check_feasibility(ledger, result["feasibility"], panels["feasibility"], in_short)


def _check_feasibility(ledger: Ledger, found: Any, panel: Any, in_short: list[str]) -> None:
    sentences = [found["sentence"], *found["changes"], *found["cautions"]]
    shown = panel.get("sentences") or []
    for number, sentence in enumerate(sentences):
        expected = shown[number] if number < len(shown) else "nothing"
        if sentence != expected:
            ledger.differs.append(("run.json#/result/feasibility", sentence, expected))
    ledger.expect_true("run.json#/result/feasibility", len(shown) == len(sentences), "the sentences of its panel")
    ledger.expect("/in_short/0", found["sentence"])
    words = VERDICTS.get(found["verdict"])
    if words is None or not found["sentence"].startswith(f"{words}:"):
        ledger.differs.append(("run.json#/result/feasibility/verdict", found["verdict"], "the verdict of its sentence"))
    rows = [[one["name"], one["found"], one["needed"]] for one in found["criteria"]]
    table = [row[:3] for row in panel["parts"][0]["rows"]]
    ledger.expect_true("run.json#/result/feasibility/criteria", rows == table, "the criteria of its panel")
    for number, (one, row) in enumerate(zip(found["criteria"], panel["parts"][0]["rows"], strict=False)):
        if (one["met"] is None) == (row[3] in MET.values()) or MET.get(one["met"], row[3]) != row[3]:
            ledger.differs.append((f"run.json#/result/feasibility/criteria/{number}/met", one["met"], row[3]))


def check_printed_words(run: Any, report: Report) -> None:
    """Check that the report has the advice and every sentence of `in_short`, and marks the numbers that it prints."""
    text, result, ledger = report.text, run.result, run.ledger
    said = [("/advice", result["advice"])]
    said += [(f"/in_short/{number}", sentence) for number, sentence in enumerate(result.get("in_short") or ())]
    for address, sentence in said:
        plain = " ".join(sentence.split())
        if plain not in text and plain[:1].upper() + plain[1:] not in text:
            ledger.differs.append((f"report.html, run.json#/result{address}", "nothing", sentence))
    if not report.marked:
        ledger.differs.append(("report.html", "no number with the attribute data-json", "those of the test split"))
