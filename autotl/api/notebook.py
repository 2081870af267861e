"""What a notebook shows: progress while a search runs, and a fitted model as a page."""

from __future__ import annotations

import html
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from autotl.runs.events import Listener
from autotl.runs.result import RunResult, overall

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("rank", "name", "value", "low", "high", "size", "stage", "pooling", "seconds")
_N_ROWS = 10


@contextmanager
def watched(
    progress: bool | None, listeners: Sequence[Listener], *, budget_seconds: float | None = None
) -> Iterator[tuple[Listener, ...]]:
    """Yield the listeners, with a progress printer before them if `progress` is true.

    progress: None prints in a notebook and at a terminal only.
    """
    if not (_is_interactive() if progress is None else progress):
        yield tuple(listeners)
        return
    from autotl.runs.progress_printer import ProgressPrinter

    with closing(ProgressPrinter(budget_seconds=budget_seconds)) as printer:
        yield (printer, *listeners)


def _is_interactive() -> bool:
    shell = sys.modules.get("IPython")
    in_notebook = shell is not None and shell.get_ipython() is not None
    return in_notebook or sys.stderr.isatty()


def as_text(result: RunResult, folder: str) -> str:
    """A fitted model in a few lines."""
    scores = "".join(f"\n  {name}: {score}" for name, score in overall(result.test).items())
    champion = f"{result.champion.strategy} champion: {_champion(result)}"
    told = "".join(f"{text}\n" for text in result.groups.sentences)
    short = "".join(f"\n- {text}" for text in result.in_short)
    return f"FittedModel({folder!r})\n{told}{champion}\ntest scores:{scores}\nadvice: {result.advice}{short}"


def as_html(result: RunResult, board: pd.DataFrame | None, folder: str) -> str:
    """A fitted model as HTML: the champion, its scores and the first rows of the leaderboard."""
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th>"
        + "".join(f"<td>{scores[name]}</td>" for scores in (result.search, result.test, result.default_test))
        + "</tr>"
        for name in overall(result.test)
    )
    scores = f"<table><tr><th></th><th>search</th><th>test</th><th>test, untuned default</th></tr>{rows}</table>"
    trials = ""
    if board is not None:
        shown = board[[name for name in _COLUMNS if name in board]].head(_N_ROWS)
        trials = shown.to_html(index=False, na_rep="", float_format=lambda value: f"{value:.3f}")
    told = "".join(f"<p>{html.escape(text)}</p>" for text in result.groups.sentences)
    short = "".join(f"<p>{html.escape(text)}</p>" for text in result.in_short)
    return (
        f"{told}<p><b>Champion:</b> {html.escape(_champion(result))}</p>{scores}"
        f"<p><b>Advice:</b> {html.escape(result.advice)}.</p>{short}{trials}"
        f"<p><code>{html.escape(folder)}</code></p>"
    )


def _champion(result: RunResult) -> str:
    champion = result.champion
    if champion.members:
        return f"ensemble of {len(champion.members)} trials on {champion.backbone}"
    return f"{champion.head} on {champion.backbone} at {champion.size}"
