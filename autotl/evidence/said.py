"""The results of one piece of evidence about a champion: tables, figures, sentences, and fields of the run result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autotl.evidence.panels import CORE, ShownPanel
from autotl.interfaces import Figure, Table

VERDICT = "feasibility"
"""The piece that summarises all others."""


@dataclass(frozen=True)
class Said:
    """The results of one piece of evidence.

    piece: its name, also that of its panel. parts: tables and figures for the app and the report. sentences: for the
    top of the report, the model card and the terminal, the most important first. fields: values for fields of
    `RunResult`. problem: why there is no result; empty if nothing went wrong. seconds: the time it took.
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
    """The panels for the app and the report, for each piece that has anything to show or to say."""
    return tuple(
        ShownPanel(one.piece, CORE, one.parts, one.problem, one.sentences)
        for one in said
        if one.parts or one.problem or one.sentences
    )
