"""What one piece of evidence says of a champion: tables and figures, sentences, and fields of the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autotl.evidence.panels import CORE, ShownPanel
from autotl.interfaces import Figure, Table

VERDICT = "feasibility"
"""The piece that says what all others come to."""


@dataclass(frozen=True)
class Said:
    """What one piece of evidence says.

    piece: its name, which is also that of its panel. parts: what the app and the report show. sentences: for the top of
    the report, the model card and the terminal, the most important first. fields: fields of `RunResult` that it fills.
    problem: why it says nothing; empty if nothing is wrong. seconds: what it took.
    """

    piece: str
    parts: tuple[Table | Figure, ...] = ()
    sentences: tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)
    problem: str = ""
    seconds: float = 0.0


def in_short(said: Iterable[Said]) -> tuple[str, ...]:
    """The most important sentence of each piece, the verdict first."""
    ordered = sorted(said, key=lambda one: one.piece != VERDICT)
    return tuple(one.sentences[0] for one in ordered if one.sentences)


def panels_of(said: Iterable[Said]) -> tuple[ShownPanel, ...]:
    """What the app and the report show of each piece that has something to show."""
    return tuple(
        ShownPanel(one.piece, CORE, one.parts, one.problem, one.sentences) for one in said if one.parts or one.problem
    )
