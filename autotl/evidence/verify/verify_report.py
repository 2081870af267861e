"""Compares the numbers that report.html prints with what they print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from verify_documents import Report, printed_as
from verify_words import check_printed_words


def check_report(run: Any) -> dict[str, Any]:
    """Compare the report's rounded numbers: those that are marked, and those of known tables.

    Also check that the report has the advice and the sentences of `in_short`.
    """
    report, ledger = Report((run.folder / "report.html").read_text(encoding="utf-8")), run.ledger
    check_printed_words(run, report)
    compared = [(text, address, ledger.get(address), scale) for address, scale, text in report.marked]
    loose = list(report.loose)
    for table in report.tables:
        cells = list(cells_of(run, table.heading, table.plain()))
        compared += [(text, f"{table.heading}: {address}", value, 1) for text, address, value in cells]
        loose += [] if cells else table.loose
    for text, address, value, scale in compared:
        if value == "nothing" or not printed_as(text, value, scale):
            ledger.differs.append((f"report.html, {address}", " ".join(text.split()), value))
    return {"compared": len(compared), "not_compared": loose}


def cells_of(run: Any, heading: str, rows: list[list[str]]) -> Iterator[tuple[str, str, Any]]:
    """The texts of a table of the report, each with the address that it prints and the value there."""
    for number, panel in enumerate(run.ledger.document("evidence/panels.json")):
        for place, part in enumerate(panel["parts"]):
            head = [" ".join(name.split()) for name in part.get("columns", ())]
            if part["title"] == heading and rows[0] == head:
                for row, column in np.ndindex(len(rows) - 1, len(head)):
                    address = f"evidence/panels.json#/{number}/parts/{place}/rows/{row}/{column}"
                    yield rows[row + 1][column], address, run.ledger.get(address)
                return
    if heading == "Leaderboard" and run.objective in rows[0]:
        column = rows[0].index(run.objective)
        for number, (printed, row) in enumerate(zip(rows[1:], run.board, strict=False)):
            score = {name: float(row[name]) if row[name] else None for name in ("value", "low", "high")}
            yield printed[column], f"leaderboard.csv#/{number}", score
