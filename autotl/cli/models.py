"""Commands about models: `predict`, `index`, `export`, `serve`, and those of the registry."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.options import Disable, Events, Json, Label, RunFolder, TrackingUri
from autotl.cli.output import cache_folder, load_plugins, print_json
from autotl.errors import ConfigError

if TYPE_CHECKING:
    from autotl.cli.progress import ProgressPrinter
    from autotl.runs.events import EventLines


def predict(
    model: Annotated[str, typer.Argument(help="A run, a deployable folder, or models:/NAME@ALIAS.")],
    items: Annotated[
        list[Path] | None, typer.Argument(help="Image files, or folders, archives or tables of images.")
    ] = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Classify the images of the run's data that have no label.")
    ] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    label: Label = None,
    events: Events = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Classify images; each result is printed as soon as it is known."""
    from autotl.deploy import batch_prediction
    from autotl.deploy.predictor import Predictor

    if as_json and as_csv:
        raise ConfigError("--json and --csv exclude each other; give one of them")
    if not items and not unlabelled:
        raise ConfigError("there is nothing to predict; give image files or folders of images, or --unlabelled")
    predictor = Predictor(_deployable(model, tracking_uri))
    files = _unlabelled(Path(model)) if unlabelled else []
    files += _image_files(items or [], label)
    with ExitStack() as stack:
        listeners = [stack.enter_context(closing(listener)) for listener in _listeners(len(files), events)]
        batches = batch_prediction.classify(predictor, files, listeners=listeners)
        pieces = (
            batch_prediction.as_json(batches) if as_json
            else batch_prediction.as_csv(batches, predictor.classes) if as_csv
            else batch_prediction.as_lines(batches)
        )  # fmt: skip
        for piece in pieces:
            typer.echo(piece, nl=False)


def index(run: RunFolder) -> None:
    """Index the training images, so that the app can show which of them resemble a new image."""
    from autotl.cli.progress import ProgressPrinter
    from autotl.deploy.similar_images import make_index

    with closing(ProgressPrinter(budget_seconds=None)) as printer:
        n = make_index(run, lambda done, total: printer.tell("index", done, total))
    typer.echo(f"{n} training images of {run} can be compared with new ones")


def export(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="A new or empty folder.")],
    format_: Annotated[str, typer.Option("--format", help="onnx, keras, or a format that a plugin offers.")] = "onnx",
    disable_plugin: Disable = None,
) -> None:
    """Write a run's champion in another format."""
    from autotl.deploy.export import export as export_run
    from autotl.runs.run import open_run

    typer.echo(str(export_run(open_run(run).folder, out, format_, load_plugins(disable_plugin))))


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


def register(
    run: RunFolder,
    name: Annotated[str, typer.Option(help="The registered model's name.")],
    tracking_uri: TrackingUri = None,
    disable_plugin: Disable = None,
    as_json: Json = False,
) -> None:
    """Register a run's champion in the model registry, and move the alias `champion` to it."""
    from autotl.deploy.registry import register as register_run
    from autotl.runs.run import open_run

    change = register_run(open_run(run), name, load_plugins(disable_plugin), tracking_uri=tracking_uri)
    if as_json:
        print_json({"name": change.name, "version": change.version, "alias": change.alias})
    else:
        typer.echo(f"models:/{change.name}@{change.alias} is now version {change.version}")


def models(tracking_uri: TrackingUri = None, as_json: Json = False) -> None:
    """List the registered models with their versions, aliases and test scores."""
    from dataclasses import asdict

    from autotl.deploy.registry import model_store, require_registry

    found = require_registry(load_plugins(None, quiet=as_json)).list_models(model_store(tracking_uri))
    if as_json:
        print_json([asdict(model) for model in found])
        return
    if not found:
        typer.echo("no model is registered; `autotl register RUN --name NAME` registers one")
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


def promote(
    name: Annotated[str, typer.Argument(help="The registered model's name.")],
    version: Annotated[int | None, typer.Argument(help="The version that becomes the champion.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Go back to the previous champion.")] = False,
    tracking_uri: TrackingUri = None,
    as_json: Json = False,
) -> None:
    """Move the alias `champion` to a version, or back to the previous champion."""
    from dataclasses import asdict

    from autotl.deploy.registry import model_store, require_registry

    if (version is None) != back:
        raise ConfigError("give either the VERSION that becomes the champion, or --back")
    registry, store = require_registry(load_plugins(None, quiet=as_json)), model_store(tracking_uri)
    change = registry.roll_back(store, name, None) if version is None else registry.promote(store, name, version, None)
    if as_json:
        print_json(asdict(change))
        return
    before = "" if change.former in (None, change.version) else f"; before, it was version {change.former}"
    typer.echo(f"models:/{name}@champion is version {change.version}{before}")


def _deployable(model: str, tracking_uri: str | None) -> Path:
    from autotl.deploy.deployable import load_deployable

    if model.startswith(("models:", "runs:")):
        from autotl.deploy.registry import model_store, require_registry

        folder = require_registry(load_plugins(None)).fetch(model_store(tracking_uri), model)
        return load_deployable(folder).folder
    deployable = load_deployable(model)
    if deployable.metadata.get("preliminary"):
        typer.echo(f"Warning: the search of {model} has not finished; this is its first, untested model", err=True)
    return deployable.folder


def _image_files(items: list[Path], label: str | None) -> list[Path]:
    from autotl.deploy.batch_prediction import image_files

    return image_files(items, cache=cache_folder(), label=label)


def _listeners(n_files: int, events: Path | None) -> list[ProgressPrinter | EventLines]:
    """Return what follows the predictions; no printer for few images, which take less time than importing it."""
    from autotl.deploy.batch_prediction import N_AT_ONCE
    from autotl.runs.events import EventLines

    listeners: list[ProgressPrinter | EventLines] = [EventLines(events)] if events else []
    if n_files > N_AT_ONCE:
        from autotl.cli.progress import ProgressPrinter

        printer = ProgressPrinter(budget_seconds=None)
        printer({"event": "message", "text": f"{n_files} images to classify"})
        listeners.append(printer)
    return listeners


def _unlabelled(run: Path) -> list[Path]:
    """Return the files of a run's data set that have no label."""
    from autotl.runs.run import open_run

    dataset = open_run(run).dataset
    if not len(dataset.unlabelled):
        raise ConfigError(f"the data of {run} have no images without a label")
    return [dataset.root / path for path in dataset.unlabelled["path"]]
