"""What the kills did, counted by phase: a table for people, and a document for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from endurance.phases import PHASES

COLUMNS = ("kills", "of one process", "carried on", "finished trials lost", "falsely failed", "broken")


@dataclass
class Kill:
    """One kill. what: the process, or "everything"; violations: by the column in which they count.

    is_beside: whether it was not a process of the run, but of what the run uses, such as a node of a cluster.
    """

    phase: str
    what: str
    is_beside: bool = False
    carried_on: bool = False
    violations: dict[str, list[str]] = field(default_factory=dict)

    def blame(self, column: str, text: str) -> None:
        """Note that something must not have happened after this kill."""
        self.violations.setdefault(column, []).append(text)


def count(kills: Sequence[Kill]) -> dict[str, dict[str, int]]:
    """The numbers of each phase, and of all."""
    rows = {phase: [kill for kill in kills if kill.phase == phase] for phase in PHASES}
    rows = {phase: found for phase, found in rows.items() if found} | {"all": list(kills)}
    return {
        phase: {
            "kills": len(found),
            "of one process": sum(kill.what != "everything" for kill in found),
            "carried on": sum(kill.carried_on for kill in found),
            **{column: sum(len(kill.violations.get(column, ())) for kill in found) for column in COLUMNS[3:]},
        }
        for phase, found in rows.items()
    }


def to_markdown(kills: Sequence[Kill]) -> str:
    """The table, and below it what went wrong."""
    lines = [f"| phase | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    lines += [f"| {phase} | {' | '.join(map(str, row.values()))} |" for phase, row in count(kills).items()]
    lines += [
        f"- {kill.phase}, {kill.what} killed: {column}: {text}"
        for kill in kills for column, texts in kill.violations.items() for text in texts
    ]  # fmt: skip
    return "\n".join(lines)


def to_document(kills: Sequence[Kill], **facts: Any) -> dict[str, Any]:
    """Everything as plain values."""
    return {**facts, "phases": count(kills), "kills": [asdict(kill) for kill in kills]}


def is_sound(kills: Sequence[Kill]) -> bool:
    """Whether nothing happened that must not."""
    return all(not kill.violations and kill.carried_on for kill in kills)
