"""Commands that search, or that show what a search found: `fit`, `resume`, `refit`, `report`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.options import (
    Attributes,
    Audit,
    Backbones,
    Budget,
    Classes,
    Crops,
    Data,
    Disable,
    Events,
    ExecutorName,
    Groups,
    ImageColumn,
    Joint,
    Json,
    Labels,
    MaxGap,
    MinPerClass,
    Mirrored,
    Multilabel,
    NewRun,
    Objective,
    Order,
    PatchFile,
    RunFolder,
    Share,
    Storage,
    Target,
    Text,
    TrackingUri,
    Workers,
)
from autotl.cli.output import event_writers, load_plugins, print_json
from autotl.errors import ConfigError
from autotl.runs.limits import DEFAULT_BUDGET_SECONDS
from autotl.runtime.user_paths import expand_home, split_names, split_order, split_paths

if TYPE_CHECKING:
    from autotl.runs.config import Config
    from autotl.runs.events import Listener
    from autotl.runs.run import Run
    from autotl.runs.targets_result import TargetsResult

EXIT_INTERRUPTED = 130
EXIT_UNKEPT = 2
"""Something that was asked for, such as a registration, did not happen; the result says what."""


def fit(
    data: Data,
    run: NewRun = None,
    budget: Budget = None,
    trials: Annotated[int | None, typer.Option(help="Stop after this many trials.")] = None,
    objective: Objective = "",
    strategy: Annotated[str, typer.Option(help="auto, probe or fine-tune.")] = "auto",
    backbones: Backbones = "",
    crops: Crops = "",
    heads: Annotated[str, typer.Option(metavar="A,B", help="Heads. [default: all but the recipes]")] = "",
    label: Labels = None,
    text: Text = None,
    image: ImageColumn = None,
    target: Target = "classes",
    order: Order = "",
    joint: Joint = False,
    multilabel: Multilabel = None,
    classes: Classes = "",
    groups: Groups = None,
    attributes: Attributes = None,
    audit: Audit = "",
    max_gap: MaxGap = None,
    patch: PatchFile = None,
    mirrored: Mirrored = False,
    min_per_class: MinPerClass = None,
    seed: Annotated[int, typer.Option(help="The same seed on the same machine with one worker: same trials.")] = 0,
    workers: Workers = "1",
    executor: ExecutorName = "local",
    sampler: Annotated[str, typer.Option(help="The sampler that proposes trials.")] = "tpe",
    storage: Storage = None,
    share: Share = None,
    tracking_uri: TrackingUri = None,
    register: Annotated[str | None, typer.Option(metavar="NAME", help="Register the champion under this name.")] = None,
    disable_plugin: Disable = None,
    events: Events = None,
    as_json: Json = False,
) -> None:
    """Search for the best model for labelled images, texts or pairs of both, and export it."""
    from autotl.runs.config import Config
    from autotl.runs.run import STORAGE_VARIABLE, default_run_folder
    from autotl.runtime.durations import parse_duration
    from autotl.workflows.worker_count import read_workers

    if multilabel:
        label, target = _several_labels(multilabel, label, target), "labels"
    default = DEFAULT_BUDGET_SECONDS if trials is None else None
    config = Config(
        data=data, run=run or default_run_folder(data, time.localtime()), trials=trials,
        budget_seconds=default if budget is None else parse_duration(budget),
        objective=objective, strategy=strategy, backbones=split_paths(backbones), heads=split_names(heads), label=label,
        text=text, image=image, target=target, classes=split_names(classes), groups=groups, attributes=attributes,
        patch=patch, mirrored=mirrored, min_per_class=min_per_class, seed=seed,
        workers=read_workers(workers, partial(typer.echo, err=True)), executor=executor, sampler=sampler,
        storage=storage or os.environ.get(STORAGE_VARIABLE) or None, tracking_uri=tracking_uri,
        register=register, disable_plugins=tuple(disable_plugin or ()), audit=split_names(audit), max_gap=max_gap,
        order=split_order(order), joint=joint, share=share, crops=split_names(crops),
    )  # fmt: skip
    search(config, as_json=as_json, events=events)


def _several_labels(column: str, label: str | None, target: str) -> str:
    """The column of several labels; ConfigError if the call asks for something else too."""
    if (label is not None and label != column) or target not in ("classes", "labels"):
        asked = f"--label {label}" if label is not None and label != column else f"--target {target}"
        raise ConfigError(f"--multilabel {column} and {asked} exclude each other; leave one of them out")
    return column


def search(config: Config, *, as_json: bool, events: Path | None = None) -> None:
    """Run a search, with its progress on standard error, and print its result.

    events: the file that events are written to, from the scan on, which has no run folder yet.
    """
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.runtime.clock import Clock, seconds_since_process_began
    from autotl.settings import settings
    from autotl.workflows.fit import fit

    clock = Clock(config.budget_seconds, seconds_since_process_began())
    plugins = load_plugins(config.disable_plugins)
    with _interruption_told(config.run), closing(ProgressPrinter(budget_seconds=config.budget_seconds)) as printer:
        listeners: tuple[Listener, ...] = (printer, *event_writers(events))
        if "," in (config.label or "") or config.joint:
            from autotl.workflows.several_targets import fit_targets, with_targets

            config = with_targets(config)
            if config.targets:
                several = fit_targets(config, plugins=plugins, settings=settings(), listeners=listeners, clock=clock)
                _end_targets(several, as_json=as_json)
                return
        run = fit(config, plugins=plugins, settings=settings(), listeners=listeners, clock=clock)
    _end(run, as_json=as_json)


def resume(
    run: RunFolder,
    conclude: Annotated[
        bool, typer.Option("--conclude", help="Run no more trials: choose the champion among those already run.")
    ] = False,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    as_json: Json = False,
) -> None:
    """Continue a run that was interrupted or killed, with what is left of its budget.

    Addresses with a password must be given again, because a run folder does not store passwords.
    """
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.runs.run import open_run
    from autotl.settings import settings
    from autotl.workflows.fit import resume as resume_search

    config = open_run(run).config
    plugins = load_plugins(config.disable_plugins)
    with _interruption_told(run), closing(ProgressPrinter(budget_seconds=config.budget_seconds)) as printer:
        if config.targets:
            from autotl.workflows.several_targets import resume_targets

            several = resume_targets(
                run, plugins=plugins, settings=settings(), listeners=(printer,),
                storage=storage, tracking_uri=tracking_uri, conclude=conclude,
            )  # fmt: skip
            _end_targets(several, as_json=as_json)
            return
        finished = resume_search(
            run, plugins=plugins, settings=settings(), listeners=(printer,),
            storage=storage, tracking_uri=tracking_uri, conclude=conclude,
        )  # fmt: skip
    _end(finished, as_json=as_json)


def refit(
    run: RunFolder,
    new: Annotated[
        Path | None,
        typer.Option("--run", parser=expand_home, metavar="FOLDER", help="[default: a new folder beside RUN]"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(parser=expand_home, metavar="DATA", help="Where the data are now, if they have been moved."),
    ] = None,
    groups: Annotated[
        str | None, typer.Option(metavar="CSV", help="Where the table of groups is now, or other groups.")
    ] = None,
    attributes: Annotated[
        Path | None, typer.Option(parser=expand_home, metavar="CSV", help="Where the table of attributes is now.")
    ] = None,
    patch: Annotated[
        Path | None,
        typer.Option(parser=expand_home, metavar="FILE", help="Where the decisions about the data are now."),
    ] = None,
    register: Annotated[str | None, typer.Option(metavar="NAME", help="Register the model under this name.")] = None,
    events: Events = None,
    as_json: Json = False,
) -> None:
    """Fit a run's champion again after its data were corrected or moved: same choices, same split, no search."""
    from autotl.runs.progress_printer import ProgressPrinter
    from autotl.runs.run import default_run_folder, open_run
    from autotl.settings import settings
    from autotl.workflows.fit import Moved
    from autotl.workflows.fit import refit as refit_champion

    config = open_run(run).config
    if config.targets:
        raise ConfigError(
            f"{run} has several targets ({', '.join(config.targets)}); refit the run of one of them, in {run}/targets"
        )
    folder = new or run.absolute().parent / default_run_folder(config.data, time.localtime()).name
    plugins = load_plugins(config.disable_plugins)
    with _interruption_told(folder), closing(ProgressPrinter(budget_seconds=None)) as printer:
        listeners: tuple[Listener, ...] = (printer, *event_writers(events))
        finished = refit_champion(
            run, folder, plugins=plugins, settings=settings(), listeners=listeners, register=register,
            moved=Moved(data, groups, attributes, patch),
        )  # fmt: skip
    _end(finished, as_json=as_json)


@contextmanager
def _interruption_told(run: Path) -> Iterator[None]:
    """Say what to do next where a search is ended before it could conclude."""
    try:
        yield
    except KeyboardInterrupt:
        if (run / "run.json").exists():
            model = ", and there is a model in its folder" if (run / "champion").exists() else ""
            text = f"Interrupted. What is finished is kept{model}: carry on with `autotl resume {run}`."
        else:
            text = "Interrupted before the search began: start it again."
        typer.echo(text, err=True)
        raise


def report(run: RunFolder, as_json: Json = False) -> None:
    """Print a run's result again, and the path of its report."""
    from autotl.runs.run import open_run

    opened = open_run(run)
    if opened.config.targets:
        from autotl.cli.targets_tables import show_targets
        from autotl.runs.targets_result import read_targets

        show_targets(read_targets(run), as_json=as_json)
        return
    _show(opened, as_json=as_json)


def _end_targets(found: TargetsResult, *, as_json: bool) -> None:
    from autotl.cli.targets_tables import end_targets

    end_targets(found, as_json=as_json, interrupted=EXIT_INTERRUPTED, unkept=EXIT_UNKEPT)


def _end(run: Run, *, as_json: bool) -> None:
    _show(run, as_json=as_json)
    if run.state()["status"] == "interrupted":
        raise typer.Exit(EXIT_INTERRUPTED)
    result = run.result()
    if result and result.unkept:
        raise typer.Exit(EXIT_UNKEPT)


def _show(run: Run, *, as_json: bool) -> None:
    from autotl.cli.result_tables import print_result

    result = run.result()
    if result is None:
        raise ConfigError(f"{run.folder} has not finished yet; continue it with `autotl resume {run.folder}`")
    if as_json:
        print_json(result)
    else:
        print_result(run, result)
