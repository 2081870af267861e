"""The sections of the report that pieces of evidence and plugins fill: tables and figures, ready for the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from autotl.evidence.panels import ShownPanel, heading
from autotl.interfaces import Figure, Table
from autotl.reports.figures import Drawer, inline

MOST_ROWS, MOST_DIGITS = 40, 4


@dataclass(frozen=True)
class Part:
    """A table, a figure or an image.

    svg: the figure drawn. png: the image, a file in base64. rows: cells as they are printed; numeric: which columns
    hold numbers; n_rest: rows that are not shown.
    """

    title: str
    note: str = ""
    svg: str = ""
    png: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    numeric: Sequence[int] = ()
    n_rest: int = 0


@dataclass(frozen=True)
class Section:
    """What one piece or panel shows. sentences: those that are not already at the top of the report."""

    heading: str
    parts: Sequence[Part]
    sentences: Sequence[str] = ()
    problem: str = ""


class Figures:
    """Draws figures and numbers them, starting at `first`. Use it as a context manager.

    drawn: pairs of title and SVG document, in order.
    """

    def __init__(self, first: int = 1) -> None:
        self._first, self._draw = first, Drawer()
        self.drawn: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._draw.close()

    def shown(self, figure: Figure | None) -> Part | None:
        """A figure for the page; if it cannot be drawn, a part without an image whose note says why."""
        if figure is None:
            return None
        try:
            svg = self._draw(figure)
        except ValueError as error:
            return Part(figure.title, f"This figure cannot be drawn: {error}")
        number = self._first + len(self.drawn)
        self.drawn.append((figure.title, svg))
        return Part(figure.title, figure.note, inline(svg, number=number, alt=figure.alt or figure.title))


def shown_panel(panel: ShownPanel, figures: Figures) -> Section:
    """The section of a piece of evidence or of a plugin's panel."""
    return Section(heading(panel.panel), shown_parts(panel.parts, figures), panel.sentences[1:], panel.problem)


def shown_parts(parts: Sequence[Table | Figure], figures: Figures) -> list[Part]:
    """Tables and figures, ready for the template."""
    found = [figures.shown(part) if isinstance(part, Figure) else _table(part) for part in parts]
    return [part for part in found if part]


def _table(table: Table) -> Part:
    shown = table.rows[:MOST_ROWS]
    columns = list(zip(*shown, strict=True))
    numeric = [place for place, column in enumerate(columns) if any(map(_is_number, column))]
    printed = list(zip(*map(_printed, columns), strict=True))
    n_rest = len(table.rows) - len(shown)
    return Part(table.title, table.note, columns=table.columns, rows=printed, numeric=numeric, n_rest=n_rest)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _printed(column: Sequence[object]) -> list[str]:
    """The cells of a column as text; all fractions have the same number of digits."""
    fractions = [f"{cell:.{MOST_DIGITS}f}".rstrip("0") for cell in column if isinstance(cell, float)]
    digits = max((len(text.partition(".")[2]) for text in fractions), default=0)
    return ["–" if cell is None else f"{cell:.{digits}f}" if isinstance(cell, float) else str(cell) for cell in column]
