"""The command line: parses and shows, decides nothing. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from autotl import __version__
from autotl.errors import AutoTLError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from autotl.plugins import Plugins
    from autotl.runs.run import Config, Listener, Run

EXIT_FAULT_OF_OURS = 1
EXIT_FAULT_OF_INPUT = 2
EXIT_INTERRUPTED = 130
DEFAULT_BUDGET = "10m"
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}

app = typer.Typer(
    help="AutoTL: a folder of labelled images in; a tuned, honestly evaluated, deployable model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]
Disable = Annotated[list[str] | None, typer.Option("--disable-plugin", metavar="NAME", help="Leave a plugin out.")]
TrackingUri = Annotated[str | None, typer.Option(metavar="URI", help="MLflow's store or server.")]
Data = Annotated[
    Path,
    typer.Argument(help="A folder with one sub-folder of images per class, a zip or tar of it, or a table of labels."),
]
Label = Annotated[str | None, typer.Option(metavar="NAME", help="The column to learn, in a table or --attributes.")]
Groups = Annotated[
    str | None,
    typer.Option(metavar="CSV|COLUMN|exif:FIELD|REGEX", help="Images of one group stay on one side of every split."),
]
Attributes = Annotated[Path | None, typer.Option(metavar="CSV", help="More columns, by path.")]
PatchFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Decisions about the data. [default: DATA.patch.csv, beside it]")
]
Mirrored = Annotated[bool, typer.Option("--mirrored", help="Mirror images count as near-duplicates.")]
Events = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Where to write what is going on, a JSON object per line.")
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `autotl fit` wrote.")]


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
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
    from autotl.runs.run import Config, default_run_folder

    seconds = parse_duration(budget or DEFAULT_BUDGET) if budget or trials is None else None
    config = Config(
        data=data, run=run or default_run_folder(data, time.localtime()), budget_seconds=seconds, trials=trials,
        objective=objective, strategy=strategy, backbones=_names(backbones), heads=_names(heads), label=label,
        groups=groups, attributes=attributes, patch=patch, mirrored=mirrored, seed=seed, workers=workers,
        sampler=sampler, storage=storage, tracking_uri=tracking_uri, register=register,
        disable_plugins=tuple(disable_plugin or ()),
    )  # fmt: skip
    _fit(config, as_json=as_json)


@app.command()
def resume(run: RunFolder, as_json: Json = False) -> None:
    """Carry on a run that was interrupted or killed, with what is left of its budget."""
    from autotl.runs.run import open_run
    from autotl.workflows.fit import resume as resume_search

    config = open_run(run).config
    plugins = _plugins(config.disable_plugins)
    listeners, close = _listeners(config)
    try:
        finished = resume_search(run, plugins=plugins, cache=_cache(), listeners=listeners)
    finally:
        close()
    _end(finished, as_json=as_json)


@app.command()
def refit(
    run: RunFolder,
    new: Annotated[Path | None, typer.Option("--run", help="Where to write; default: a new folder beside RUN.")] = None,
    register: Annotated[str | None, typer.Option(metavar="NAME", help="Put it into the model registry.")] = None,
    as_json: Json = False,
) -> None:
    """Fit a run's champion again after its data were corrected: same choices, same split, no search."""
    from autotl.runs.run import default_run_folder, open_run
    from autotl.workflows.fit import refit as refit_champion

    config = open_run(run).config
    folder = new or run.absolute().parent / default_run_folder(config.data, time.localtime()).name
    plugins = _plugins(config.disable_plugins)
    listeners, close = _listeners(replace(config, budget_seconds=None, trials=1))
    try:
        finished = refit_champion(run, folder, plugins=plugins, cache=_cache(), listeners=listeners, register=register)
    finally:
        close()
    _end(finished, as_json=as_json)


@app.command()
def check(
    data: Data,
    label: Label = None,
    groups: Groups = None,
    attributes: Attributes = None,
    patch: PatchFile = None,
    mirrored: Mirrored = False,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The page with pictures. [default: ./NAME-check.html]")
    ] = None,
    events: Events = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what needs a trained model.")] = False,
    seed: Annotated[int, typer.Option(help="Same seed, same findings.")] = 0,
    disable_plugin: Disable = None,
    as_json: Json = False,
) -> None:
    """Look at a data set without learning from it, and say what is wrong with it, in pictures too."""
    from autotl.reports.check_page import write_page
    from autotl.errors import DatasetError
    from autotl.runs.events import EventLines
    from autotl.runs.run import Config
    from autotl.workflows.check import survey

    config = Config(
        data=data, run=Path(), label=label, groups=groups, attributes=attributes, patch=patch, mirrored=mirrored,
        seed=seed, disable_plugins=tuple(disable_plugin or ()),
    )  # fmt: skip
    plugins = _plugins(config.disable_plugins)
    listeners, close = _listeners(config)
    lines = EventLines(events) if events else None
    try:
        listeners += (lines,) if lines else ()
        found = survey(config, plugins=plugins, cache=_cache(), probe=not quick, listeners=listeners)
    finally:
        close()
        if lines:
            lines.close()
    page = page or Path(f"{data.resolve().name}-check.html")
    options = [part for name, value in (("--label", label), ("--patch", patch)) if value for part in (name, str(value))]
    write_page(page, found.dataset, found.findings, data=data, split=found.split, facts=found.facts(), options=options)
    if as_json:
        _print_json(found.document() | {"page": str(page)})
    else:
        for name, text in found.facts().items():
            typer.echo(f"{name}: {text}")
        for finding in found.findings:
            typer.echo(f"{finding.severity}: {finding.message}. {finding.advice}")
        if not found.findings:
            typer.echo("nothing found that needs your attention")
        typer.echo(f"pictures: {page}")
    if found.refusal:
        raise DatasetError(found.refusal)


@app.command()
def fix(
    data: Data,
    exclude: Annotated[list[str] | None, typer.Option(metavar="IMAGE", help="Leave an image out.")] = None,
    relabel: Annotated[list[str] | None, typer.Option(metavar="IMAGE=CLASS", help="Give an image a class.")] = None,
    merge: Annotated[list[str] | None, typer.Option(metavar="CLASS=CLASS", help="Put a class into another.")] = None,
    undo: Annotated[list[str] | None, typer.Option(metavar="IMAGE|CLASS", help="Forget a decision.")] = None,
    note: Annotated[str, typer.Option(help="Why; kept beside the decision.")] = "",
    label: Label = None,
    patch: PatchFile = None,
    as_json: Json = False,
) -> None:
    """Note decisions about the data in the patch file beside them; no file of yours is touched."""
    from dataclasses import asdict

    from autotl.data.patch_edits import decide
    from autotl.data.patch import Decision, patch_file

    new = [Decision("exclude", item, note=note) for item in exclude or ()]
    new += [Decision("relabel", *_assignment(text), note=note) for text in relabel or ()]
    new += [Decision("merge", *_assignment(text), note=note) for text in merge or ()]
    decisions = decide(data, new, undo=undo or (), label=label, patch=patch, cache=_cache())
    file = patch or patch_file(data)
    if as_json:
        _print_json({"patch": str(file), "decisions": [asdict(decision) for decision in decisions]})
        return
    for decision in decisions:
        typer.echo(f"{decision.decision} {decision.item}{' -> ' if decision.label else ''}{decision.label}")
    typer.echo(f"{len(decisions)} decisions in {file}; the next fit applies them" if decisions else "no decisions")


@app.command()
def report(run: RunFolder, as_json: Json = False) -> None:
    """Print a run's result again, and where its report is."""
    from autotl.runs.run import open_run

    _show(open_run(run), as_json=as_json)


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="A run, a deployable folder, or models:/NAME@ALIAS.")],
    items: Annotated[
        list[Path] | None, typer.Argument(help="Image files, or folders, archives or tables of them.")
    ] = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="The images of the run's data that have no label.")
    ] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    label: Label = None,
    events: Events = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Classify images, printing as it goes."""
    from autotl.deploy import prediction_texts as texts
    from autotl.deploy.batch_prediction import classify
    from autotl.runs.events import EventLines
    from autotl.deploy.predictor import Predictor

    if as_json and as_csv:
        raise ConfigError("--json and --csv were both given; choose one")
    if not items and not unlabelled:
        raise ConfigError("there is nothing to predict; give image files or folders of them, or --unlabelled")
    predictor = Predictor(_deployable(model, tracking_uri))
    files = _unlabelled(Path(model)) if unlabelled else []
    files += _image_files(items or [], label)
    lines = EventLines(events) if events else None
    listeners, close = _prediction_listeners(len(files))
    batches = classify(predictor, files, listeners=(*listeners, lines) if lines else listeners)
    pieces = (
        texts.as_json(batches) if as_json
        else texts.as_csv(batches, predictor.classes) if as_csv
        else texts.as_lines(batches)
    )  # fmt: skip
    try:
        for piece in pieces:
            typer.echo(piece, nl=False)
    finally:
        close()
        if lines:
            lines.close()


@app.command()
def index(run: RunFolder) -> None:
    """Note what the training images look like to the model, so that the app can show which ones a new image is like."""
    from autotl.deploy.similar_images import make_index
    from autotl.cli.progress import ProgressPrinter

    printer = ProgressPrinter(budget_seconds=None)
    try:
        n = make_index(run, lambda done, total: printer.tell("index", done, total))
    finally:
        printer.close()
    typer.echo(f"{n} training images of {run} can be compared with new ones")


@app.command()
def export(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="An empty or new folder.")],
    format_: Annotated[str, typer.Option("--format", help="onnx, keras, or what plugins offer.")] = "onnx",
    disable_plugin: Disable = None,
) -> None:
    """Write a run's champion in another format."""
    from autotl.deploy.export import export as export_run
    from autotl.runs.run import open_run

    typer.echo(str(export_run(open_run(run).folder, out, format_, _plugins(disable_plugin))))


@app.command()
def serve(
    model: Annotated[str, typer.Argument(help="A run, a deployable folder, or models:/NAME@ALIAS.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5055,
    tracking_uri: TrackingUri = None,
) -> None:
    """Serve a model over HTTP on this machine (`mlflow models serve`)."""
    import subprocess

    folder = _deployable(model, tracking_uri)
    # MLflow starts uvicorn by name, which may be known only inside this environment.
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    typer.echo(f"POST to http://127.0.0.1:{port}/invocations; stop with Ctrl-C", err=True)
    command = ["-m", "mlflow", "models", "serve", "-m", str(folder), "-p", str(port), "-h", "127.0.0.1"]
    command += ["--env-manager", "local"]
    raise typer.Exit(subprocess.call([sys.executable, *command], env=environment))


@app.command()
def register(
    run: RunFolder,
    name: Annotated[str, typer.Option(help="The registered model's name.")],
    tracking_uri: TrackingUri = None,
    disable_plugin: Disable = None,
    as_json: Json = False,
) -> None:
    """Register a run's champion in the model registry and move the alias `champion` to it."""
    from autotl.deploy.registry import register as register_run
    from autotl.runs.run import open_run

    result = register_run(open_run(run), name, _plugins(disable_plugin), tracking_uri=tracking_uri)
    if as_json:
        _print_json(result)
    else:
        typer.echo(f"models:/{result['name']}@{result['alias']} is now version {result['version']}")


@app.command()
def models(tracking_uri: TrackingUri = None, as_json: Json = False) -> None:
    """List the registered models: versions, aliases, and what each scored on its test split."""
    from dataclasses import asdict

    from autotl.deploy.registry import default_store, list_models

    found = list_models(_plugins(None, quiet=as_json), beside=default_store(), tracking_uri=tracking_uri)
    if as_json:
        _print_json([asdict(model) for model in found])
        return
    if not found:
        typer.echo("no registered model; `autotl register RUN --name NAME` makes one")
    for model in found:
        typer.echo(model.name)
        for version in model.versions:
            score = version.evidence.test
            measured = "no test score"
            if score.value is not None:
                interval = "" if score.low is None or score.high is None else f" ({score.low:.3f} to {score.high:.3f})"
                measured = f"test {version.evidence.objective} {score.value:.3f}{interval}"
            aliases = "".join(f" @{alias}" for alias in version.aliases)
            typer.echo(
                f"    version {version.version}{aliases}: {measured}, data {version.evidence.fingerprint or '?'}"
            )


@app.command()
def promote(
    name: Annotated[str, typer.Argument(help="The registered model's name.")],
    version: Annotated[int | None, typer.Argument(help="The version that becomes champion.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Go back to the champion before.")] = False,
    tracking_uri: TrackingUri = None,
    as_json: Json = False,
) -> None:
    """Move the alias `champion` to a version, or back to the version that had it before."""
    from dataclasses import asdict

    from autotl.deploy.registry import default_store, roll_back
    from autotl.deploy.registry import promote as promote_version

    if (version is None) != back:
        raise ConfigError("give either the VERSION that becomes champion, or --back")
    loaded = _plugins(None, quiet=as_json)
    if version is None:
        change = roll_back(name, loaded, beside=default_store(), tracking_uri=tracking_uri)
    else:
        change = promote_version(name, version, loaded, beside=default_store(), tracking_uri=tracking_uri)
    if as_json:
        _print_json(asdict(change))
        return
    before = "" if change.former in (None, change.version) else f"; before, it was version {change.former}"
    typer.echo(f"models:/{name}@champion is version {change.version}{before}")


@app.command()
def plugins(disable_plugin: Disable = None, as_json: Json = False) -> None:
    """List the plugins: version, origin, hooks, and what they offer."""
    loaded = _plugins(disable_plugin, quiet=as_json)
    if as_json:
        _print_json({"plugins": loaded.table(), "broken": loaded.broken})
        return
    for row in loaded.table():
        typer.echo(f"{row['name']} {row['version']} ({row['source']})")
        for kind, names in row["offers"].items():
            typer.echo(f"    {kind}: {', '.join(names)}")
        watches = [hook for hook in row["hooks"] if hook.startswith("on_")]
        if watches:
            typer.echo(f"    watches: {', '.join(watches)}")


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what this machine and this installation can do, and what is missing."""
    from autotl.cli.doctor import diagnose

    facts = diagnose(_plugins(None, quiet=True), _cache())
    if as_json:
        _print_json(facts)
        return
    for name, value in facts.items():
        values = value if isinstance(value, list) else [value]
        for i, line in enumerate(values or ["none"]):
            typer.echo(f"{name if i == 0 else '':<22}{line}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where to put the images.")] = Path("autotl-demo"),
    run: Annotated[Path | None, typer.Option(help="Where to write; default: a new folder in ./autotl-runs.")] = None,
    budget: Annotated[str, typer.Option(help="Wall-clock time for everything.")] = "2m",
    as_json: Json = False,
) -> None:
    """Learn 1,797 handwritten digits: from nothing to a registered model."""
    from autotl.cli.demo import write_digits
    from autotl.runs.run import Config, default_run_folder

    data = write_digits(out / "digits")
    run = run or default_run_folder(data, time.localtime())
    config = Config(data=data, run=run, budget_seconds=parse_duration(budget), register="digits")
    _fit(config, as_json=as_json)


@app.command()
def ui(
    port: Annotated[int | None, typer.Option(help="Default: the first free one from 8501.")] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Another address lets others in.")] = "127.0.0.1",
    name: Annotated[
        list[str] | None, typer.Option(help="Under which others reach it, such as lab.example.org.")
    ] = None,
    without_login: Annotated[bool, typer.Option("--without-login", help="Let in whoever can reach it.")] = False,
) -> None:
    """Start the app, for the browser on this machine unless told otherwise."""
    import importlib

    try:
        launch = importlib.import_module("autotl_ui.server.launch")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the app needs the package {error.name}; install it with: pip install 'autotl[ui]'"
        ) from None
    launch.main(port, host=host, names=name or (), without_login=without_login)


def parse_duration(text: str) -> float:
    """Seconds of "90", "90s", "10m", "1.5h"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip().lower())
    if not match:
        raise ConfigError(f"--budget {text!r} is no duration; write a number with s, m or h, such as 90s, 10m or 2h")
    return float(match[1]) * _UNITS[match[2]]


def main() -> None:
    """Run the command line; every way it can end has its exit code (see the README)."""
    # A stop from outside, such as the app's stop button, ends a run like Ctrl-C does: with its best model saved.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Our messages go to a copy of standard error, so that the chatter of C++ libraries on the original can be silenced.
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    try:
        app()
    except AutoTLError as error:
        typer.echo(f"Error: {error}", err=True)
        _leave(EXIT_FAULT_OF_INPUT)
    except Exception as error:
        with tempfile.NamedTemporaryFile("w", prefix="autotl-", suffix=".log", delete=False) as log:
            traceback.print_exc(file=log)
        typer.echo(
            f"AutoTL failed, and it is not your fault: {type(error).__name__}: {error}\n"
            f"The details are in {log.name}; please report them.",
            err=True,
        )
        _leave(EXIT_FAULT_OF_OURS)
    finally:
        # The interpreter's last collection would look at every object of the frameworks, for seconds.
        gc.freeze()
        gc.disable()


def _leave(code: int) -> NoReturn:
    """End the process; at once where a thread still imports a framework, which the interpreter's end would abort."""
    if any(thread.daemon for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _fit(config: Config, *, as_json: bool) -> None:
    from autotl.runtime.clock import Clock, seconds_since_process_began
    from autotl.workflows.fit import search

    clock = Clock(config.budget_seconds, seconds_since_process_began())

    plugins = _plugins(config.disable_plugins)
    listeners, close = _listeners(config)
    try:
        run = search(config, plugins=plugins, cache=_cache(), listeners=listeners, clock=clock)
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
        _print_json(run.document())
    else:
        print_result(run)


def _listeners(config: Config) -> tuple[tuple[Listener, ...], Any]:
    from autotl.cli.progress import ProgressPrinter

    printer = ProgressPrinter(budget_seconds=config.budget_seconds)
    return (printer,), printer.close


def _plugins(disable: list[str] | tuple[str, ...] | None, *, quiet: bool = False) -> Plugins:
    from autotl.plugins import load_preferred

    loaded = load_preferred(disable=disable or ())
    if not quiet:
        for name, reason in loaded.broken.items():
            typer.echo(f"Warning: the plugin {name!r} is broken and was left out: {reason}", err=True)
    return loaded


def _cache() -> Path:
    from autotl.settings import settings

    return settings().cache


def _deployable(model: str, tracking_uri: str | None) -> Path:
    from autotl.deploy.deployable import load_deployable

    if model.startswith(("models:", "runs:")):
        from autotl.deploy.registry import fetch

        return load_deployable(fetch(model, _plugins(None), tracking_uri=tracking_uri)).folder
    deployable = load_deployable(model)
    if deployable.metadata.get("preliminary"):
        typer.echo(f"Warning: the search of {model} has not ended; this is its first, untested model", err=True)
    return deployable.folder


def _image_files(items: list[Path], label: str | None) -> list[Path]:
    from autotl.deploy.prediction_files import image_files

    return image_files(items, cache=_cache(), label=label)


def _prediction_listeners(n_files: int) -> tuple[tuple[Listener, ...], Callable[[], None]]:
    """What shows how far predictions are; nothing for a few, which are done before it could be imported."""
    from autotl.deploy.batch_prediction import N_AT_ONCE

    if n_files <= N_AT_ONCE:
        return (), lambda: None
    from autotl.cli.progress import ProgressPrinter

    printer = ProgressPrinter(budget_seconds=None)
    printer({"event": "message", "text": f"{n_files} images to classify"})
    return (printer,), printer.close


def _assignment(text: str) -> tuple[str, str]:
    """The two sides of NAME=CLASS; a class has no = in it, while a file's name may."""
    item, sign, label = text.rpartition("=")
    if not sign or not item.strip() or not label.strip():
        raise ConfigError(f"{text!r} is not understood; expected NAME=CLASS, such as cats/17.jpg=dog")
    return item, label


def _unlabelled(run: Path) -> list[Path]:
    """The files of a run's data set that have no label."""
    from autotl.runs.run import open_run

    dataset = open_run(run).dataset
    if not len(dataset.unlabelled):
        raise ConfigError(f"the data of {run} have no images without a label")
    return [dataset.root / path for path in dataset.unlabelled["path"]]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _print_json(document: Any) -> None:
    """Print plain values; paths as text."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=os.fspath))


if __name__ == "__main__":
    main()
