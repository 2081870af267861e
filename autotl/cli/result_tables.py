"""The result of a search, as it is printed at a terminal: leaderboard, champion, scores and verdicts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import cast

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autotl.runs.forecasts import COLUMNS
from autotl.runs.result import RunResult, overall
from autotl.runs.run import Run
from autotl.runtime.durations import duration
from autotl.runtime.wording import counted
from autotl.scores import ScoreInterval
from autotl.targets import NUMBER

_SHOWN_ROWS = 12
_PIPED_WIDTH = 120
_COLUMNS = (
    ("#", "right"), ("trial", "left"), ("score", "right"), ("size", "left"), ("stage, pooling", "left"),
    ("seconds", "right"),
)  # fmt: skip


def print_result(run: Run, result: RunResult) -> None:
    """Print leaderboard, champion, scores and verdicts on standard output."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    for text in run.dataset.words(result.groups.sentences):
        console.print(f"[bold]{escape(text)}[/bold]", soft_wrap=True)
    _print_leaderboard(console, run, result)
    _print_scores(console, run, result)
    console.print(f"[bold]Advice:[/bold] {escape(result.advice)}.", soft_wrap=True)
    for text in result.in_short:
        console.print(f"- {escape(text)}{'' if text[-1:] in '.!?' else '.'}", soft_wrap=True)
    for text in result.passed_over:
        console.print(f"[yellow]Passed over: {escape(text)}[/yellow]", soft_wrap=True)
    if result.refit:
        console.print(f"Refit: {escape(result.refit.sentence)}.", soft_wrap=True)
    console.print(f"Search ended: {escape(result.ended)}.", soft_wrap=True)
    if result.expected_gain:
        console.print(f"More trials: {result.expected_gain.sentence}.", soft_wrap=True)
    _print_forecasts(console, run, result)
    for label, path in _places(run, result):
        console.print(f"{label:<12}{escape(path)}", soft_wrap=True)
    for text in result.unkept:
        console.print(f"[bold red]{escape(text)}[/bold red]", soft_wrap=True)


def _print_leaderboard(console: Console, run: Run, result: RunResult) -> None:
    from autotl.evidence.leaderboard import is_default, read_leaderboard

    board = read_leaderboard(run.folder)
    if board is None:
        console.print("leaderboard.csv is missing or damaged.")
        return
    done = board[board["state"] == "complete"]
    # Many trials differ in their parameters only; the best of each kind says what there is to know, beside the default.
    alike = done.duplicated(["strategy", "head", "backbone", "size", "stage", "pooling"])
    kinds = done[~alike | is_default(done)]
    trials = counted(result.n_trials, "trial")  # those that were asked for: rows without a search do not count
    title = f"Leaderboard by {result.objective}, 95 % interval (the best of each kind of {trials})"
    table = Table(title=title, title_justify="left")
    for column, justify in _COLUMNS:
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for place, row in enumerate(kinds.head(_SHOWN_ROWS).astype(object).fillna("").to_dict("records"), 1):
        star = " *" if row["strategy"] == "fine-tune" else ""
        style = "bold" if row["trial"] == result.champion.trial else None
        score = f"{ScoreInterval(row['value'], row['low'], row['high'])}{star}"
        read = f"{row['stage']} {row['pooling']}".strip()
        cells = (str(place), escape(row["name"]), score, row["size"], read, f"{row['seconds']:.1f}")
        table.add_row(*cells, style=style)
    console.print(table)
    if (done["strategy"] == "fine-tune").any():
        console.print(
            "* fine-tuned: where there was no time for all folds, made comparable through the untuned default"
        )


def _print_scores(console: Console, run: Run, result: RunResult) -> None:
    champion = result.champion
    if champion.strategy == "ensemble":
        numbers = ", ".join(str(member.trial) for member in champion.members)
        what = f"the weighted mean of trials {numbers} on {champion.backbone} at {champion.size}"
    else:
        what = (
            f"{champion.strategy}, {champion.head} on {champion.backbone} at {champion.size}, "
            f"stage {champion.stage}, pooling {champion.pooling}"
        )
    console.print(f"\nChampion: trial {champion.trial}, {what}")
    table = Table()
    table.add_column("score")
    for title in (f"search ({result.measured_on})", "test", "test, untuned default"):
        table.add_column(title, justify="right")
    for name in overall(result.test):
        scores = (result.search[name], result.test[name], result.default_test[name])
        table.add_row(name, *map(score_text, scores))
    console.print(table)
    if result.n_trials > 1:
        loss = "squared error" if run.dataset.kind == NUMBER else "log loss"
        console.print(
            f"The search score is corrected for the choice among {result.n_trials} trials, and its interval is where "
            "the test score was expected. Of trials that are equally good within the noise, the untuned default or the "
            f"one with the lowest {loss} is champion.",
            soft_wrap=True,
        )  # fmt: skip


def _print_forecasts(console: Console, run: Run, result: RunResult) -> None:
    if not result.forecasts:
        return
    table = Table(title="What the run expected early, and what came of it", title_justify="left")
    for column in COLUMNS:
        table.add_column(column)
    for forecast in result.forecasts:
        table.add_row(*map(escape, run.dataset.words(forecast.cells)))
    console.print(table)


def score_text(score: ScoreInterval) -> str:
    """A score with its interval; a dash where it is undefined."""
    return str(score) if score.is_defined else "-"


def _places(run: Run, result: RunResult) -> list[tuple[str, str]]:
    places = [("Report", str(run.folder / "report.html")), ("Deployable", str(run.champion))]
    if result.tracking:
        store, problem = str(result.tracking["tracking_uri"]), result.tracking.get("problem")
        places.append(("Tracking", f"nothing, or not all, is recorded in {store}: {problem}" if problem else store))
        if registered := result.tracking.get("registered"):
            name, alias, version = (cast(Mapping[str, object], registered)[key] for key in ("name", "alias", "version"))
            places.append(("Registered", f"models:/{name}@{alias} (version {version})"))
            named = shlex.quote(f"models:/{name}@{alias}")
            example = f"{named} {what_to_give(run)}{_named(run, store)}"
            places.append(("Use it", f"autotl predict {example}"))
    budget = f" of {duration(run.config.budget_seconds)}" if run.config.budget_seconds else ""
    return [*places, ("Took", f"{duration(result.seconds)}{budget}")]


def what_to_give(run: Run) -> str:
    """What the model of a run is given at the command line."""
    from autotl.data.modalities import modality_named
    from autotl.deploy.model_facts import read_metadata

    modality = modality_named(str(read_metadata(run.champion).get("modality", "image")))
    column = f" --text {shlex.quote(run.config.text)}" if modality.parts and run.config.text else ""
    return f"TABLE{column}" if modality.parts else modality.name.upper()


def _named(run: Run, store: str) -> str:
    """How a command from this folder finds a run's store: nothing where it looks there by itself."""
    from autotl.deploy.registry import RUN_FOLDERS

    looked = {folder.absolute() for folder in RUN_FOLDERS}
    if not run.config.tracking_uri and run.folder.absolute().parent in looked:
        return ""
    return f" --tracking-uri {shlex.quote(store)}"
