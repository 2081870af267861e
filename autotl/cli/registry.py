"""Commands of the model registry: `register`, `models`, `promote`."""

from __future__ import annotations

from typing import Annotated

import typer

from autotl.cli.options import Disable, Json, RunFolder, TrackingUri
from autotl.cli.output import load_plugins, print_json
from autotl.errors import ConfigError


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
    from autotl.deploy.registry import model_store, require_registry

    found = require_registry(load_plugins(None, quiet=as_json)).list_models(model_store(tracking_uri))
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("no model is registered; `autotl register RUN --name NAME` registers one")
    for model in found:
        typer.echo(model.name)
        for version in model.versions:
            score = version.evidence.test
            measured = "no test score"
            if score.is_defined:
                measured = f"test {version.evidence.objective} {score}"
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
    from autotl.deploy.registry import model_store, require_registry

    if (version is None) != back:
        raise ConfigError("give either the VERSION that becomes the champion, or --back")
    registry, store = require_registry(load_plugins(None, quiet=as_json)), model_store(tracking_uri)
    change = registry.roll_back(store, name, None) if version is None else registry.promote(store, name, version, None)
    if as_json:
        print_json(change)
        return
    before = "" if change.former in (None, change.version) else f"; before, it was version {change.former}"
    typer.echo(f"models:/{name}@champion is version {change.version}{before}")
