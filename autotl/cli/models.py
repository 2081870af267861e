"""Commands that hand a model on: `export` and `serve`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from autotl.cli.options import Disable, Model, RunFolder, TrackingUri
from autotl.cli.output import load_plugins
from autotl.runtime.user_paths import expand_home

KILLED_BY = 128
"""An exit code above it stands for the signal that ended a process, as in a shell."""


def export(
    run: RunFolder,
    out: Annotated[Path, typer.Option(parser=expand_home, metavar="FOLDER", help="A new or empty folder.")],
    format_: Annotated[
        str, typer.Option("--format", help="onnx, onnx-int8, keras, or a format that a plugin offers.")
    ] = "onnx",
    champion: Annotated[
        int | None, typer.Option("--champion", metavar="TRIAL", help="Another completed trial, to be exported instead.")
    ] = None,
    disable_plugin: Disable = None,
) -> None:
    """Write a run's champion, or another of its trials, in a format."""
    from autotl.deploy.export import export as export_run
    from autotl.deploy.model_facts import conversion_cost
    from autotl.runs.run import open_run
    from autotl.settings import settings

    folder, plugins = open_run(run).folder, load_plugins(disable_plugin)
    if champion is None:
        typer.echo(str(export_run(folder, out, format_, plugins)))
        if cost := conversion_cost(out):
            typer.echo(cost, err=True)
        return
    from autotl.workflows.trial_export import export_trial

    typer.echo(str(export_trial(folder, champion, out, format_, plugins=plugins, settings=settings())))


def serve(
    model: Model,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5055,
    tracking_uri: TrackingUri = None,
) -> None:
    """Serve a model over HTTP on this machine (`mlflow models serve`)."""
    import subprocess

    from autotl.deploy.joint_deployable import find_joint
    from autotl.runtime.parent_death import die_with_parent

    place = open_model(model, tracking_uri)
    joint = find_joint(place)
    folder = joint.folder if joint else open_deployable(str(place), None)
    # MLflow starts uvicorn by name, which may be known only inside this environment.
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    typer.echo(f"POST to http://127.0.0.1:{port}/invocations; stop with Ctrl-C", err=True)
    command = ["-P", "-m", "mlflow", "models", "serve", "-m", str(folder), "-p", str(port), "-h", "127.0.0.1"]
    command += ["--env-manager", "local"]
    ends_with_us = die_with_parent if os.name == "posix" else None
    # If this process alone were killed, the server would go on and keep its port.
    code = subprocess.call([sys.executable, *command], env=environment, preexec_fn=ends_with_us)
    raise typer.Exit(code if code >= 0 else KILLED_BY - code)


def open_deployable(model: str, tracking_uri: str | None) -> Path:
    """Return the deployable of a run, of a folder or of a registered model; warns where a search has not finished."""
    from autotl.deploy.deployable import load_deployable

    deployable = load_deployable(open_model(model, tracking_uri))
    if deployable.metadata.get("preliminary"):
        typer.echo(f"Warning: the search of {model} has not finished; this is its first, untested model", err=True)
    if "crop" in deployable.metadata:
        load_plugins(None)  # its code is run only if a plugin holds it
    return deployable.folder


def open_model(model: str, tracking_uri: str | None) -> Path:
    """Return the folder that MODEL means: a run or a deployable, or where a registered model has been fetched to."""
    if not model.startswith(("models:", "runs:")):
        return Path(model)
    from autotl.deploy.registry import fetch, require_registry

    return fetch(require_registry(load_plugins(None)), model, tracking_uri)
