"""Commands that search, or show what a search found."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.options import (
    Attributes,
    Data,
    Disable,
    Groups,
    Json,
    Label,
    Mirrored,
    PatchFile,
    RunFolder,
    TrackingUri,
    parse_duration,
    split_names,
)
from autotl.cli.output import load_plugins, open_listeners, print_json
from autotl.errors import ConfigError
from autotl.runs.config import DEFAULT_BUDGET_SECONDS

if TYPE_CHECKING:
    from autotl.runs.config import Config
    from autotl.runs.run import Run


EXIT_INTERRUPTED = 130

DEFAULT_BUDGET = f"{DEFAULT_BUDGET_SECONDS / 60:g}m"


def fit(
    data: Data,
    run: Annotated[Path | None, typer.Option(help="Where to write; default: a new folder in ./autotl-runs.")] = None,
    budget: Annotated[
        str | None,
        typer.Option(help=f"Wall-clock time for everything, such as 90s, 10m, 2h. [default: {DEFAULT_BUDGET}]"),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Stop after so many trials; without --budget, only then.")] = None,
    objective: Annotated[str, typer.Option(help="The evaluator to optimise.")] = "balanced_accuracy",
    strategy: Annotated[str, typer.Option(help="auto, probe or fine-tune.")] = "auto",
    backbones: Annotated[
        str, typer.Option(metavar="A,B", help="Backbones; default: those with embedded weights.")
    ] = "",
    heads: Annotated[str, typer.Option(metavar="A,B", help="Heads; default: all but the recipes.")] = "",
    label: Label = None,
    groups: Groups = None,
    attributes: Attributes = None,
    patch: PatchFile = None,
    mirrored: Mirrored = False,
    seed: Annotated[int, typer.Option(help="Same seed, same machine, one worker: same trials.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that search side by side.")] = 1,
    sampler: Annotated[str, typer.Option(help="What proposes trials.")] = "tpe",
    storage: Annotated[
        str | None, typer.Option(metavar="URL", help="Optuna's store, if not in the run folder.")
    ] = None,
    tracking_uri: TrackingUri = None,
    register: Annotated[str | None, typer.Option(metavar="NAME", help="Register the champion under this name.")] = None,
    disable_plugin: Disable = None,
    as_json: Json = False,
) -> None:
    """Search for the best model for a folder of labelled images, and export it."""
    from autotl.runs.config import Config
    from autotl.runs.run import default_run_folder

    seconds = parse_duration(budget or DEFAULT_BUDGET) if budget or trials is None else None
    config = Config(
        data=data, run=run or default_run_folder(data, time.localtime()), budget_seconds=seconds, trials=trials,
        objective=objective, strategy=strategy, backbones=split_names(backbones), heads=split_names(heads), label=label,
        groups=groups, attributes=attributes, patch=patch, mirrored=mirrored, seed=seed, workers=workers,
        sampler=sampler, storage=storage, tracking_uri=tracking_uri, register=register,
        disable_plugins=tuple(disable_plugin or ()),
    )  # fmt: skip
    _fit(config, as_json=as_json)


def resume(run: RunFolder, as_json: Json = False) -> None:
    """Carry on a run that was interrupted or killed, with what is left of its budget."""
    from autotl.runs.run import open_run
    from autotl.settings import settings
    from autotl.workflows.fit import resume as resume_search

    config = open_run(run).config
    plugins = load_plugins(config.disable_plugins)
    listeners, close = open_listeners(config)
    try:
        finished = resume_search(run, plugins=plugins, settings=settings(), listeners=listeners)
    finally:
        close()
    _end(finished, as_json=as_json)


def refit(
    run: RunFolder,
    new: Annotated[Path | None, typer.Option("--run", help="Where to write; default: a new folder beside RUN.")] = None,
    register: Annotated[str | None, typer.Option(metavar="NAME", help="Put it into the model registry.")] = None,
    as_json: Json = False,
) -> None:
    """Fit a run's champion again after its data were corrected: same choices, same split, no search."""
    from autotl.runs.run import default_run_folder, open_run
    from autotl.settings import settings
    from autotl.workflows.fit import refit as refit_champion

    config = open_run(run).config
    folder = new or run.absolute().parent / default_run_folder(config.data, time.localtime()).name
    plugins = load_plugins(config.disable_plugins)
    listeners, close = open_listeners(replace(config, budget_seconds=None, trials=1))
    try:
        finished = refit_champion(
            run, folder, plugins=plugins, settings=settings(), listeners=listeners, register=register
        )
    finally:
        close()
    _end(finished, as_json=as_json)


def report(run: RunFolder, as_json: Json = False) -> None:
    """Print a run's result again, and where its report is."""
    from autotl.runs.run import open_run

    _show(open_run(run), as_json=as_json)


def demo(
    out: Annotated[Path, typer.Option(help="Where to put the images.")] = Path("autotl-demo"),
    run: Annotated[Path | None, typer.Option(help="Where to write; default: a new folder in ./autotl-runs.")] = None,
    budget: Annotated[str, typer.Option(help="Wall-clock time for everything.")] = "2m",
    as_json: Json = False,
) -> None:
    """Learn 1,797 handwritten digits: from nothing to a registered model."""
    from autotl.cli.demo import write_digits
    from autotl.runs.config import Config
    from autotl.runs.run import default_run_folder

    data = write_digits(out / "digits")
    run = run or default_run_folder(data, time.localtime())
    config = Config(data=data, run=run, budget_seconds=parse_duration(budget), register="digits")
    _fit(config, as_json=as_json)


def _fit(config: Config, *, as_json: bool) -> None:
    from autotl.runtime.clock import Clock, seconds_since_process_began
    from autotl.settings import settings
    from autotl.workflows.fit import fit

    clock = Clock(config.budget_seconds, seconds_since_process_began())

    plugins = load_plugins(config.disable_plugins)
    listeners, close = open_listeners(config)
    try:
        run = fit(config, plugins=plugins, settings=settings(), listeners=listeners, clock=clock)
    finally:
        close()
    _end(run, as_json=as_json)


def _end(run: Run, *, as_json: bool) -> None:
    _show(run, as_json=as_json)
    if run.state()["status"] == "interrupted":
        raise typer.Exit(EXIT_INTERRUPTED)


def _show(run: Run, *, as_json: bool) -> None:
    from autotl.cli.progress import print_result

    if not run.document():
        raise ConfigError(f"{run.folder} has not ended yet; carry it on with `autotl resume {run.folder}`")
    if as_json:
        print_json(run.document())
    else:
        print_result(run)
