"""Commands of the model registry: `register`, `models`, `promote`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.options import Disable, Json, RunFolder, Storage, TrackingUri
from autotl.cli.output import load_plugins, print_json
from autotl.errors import ConfigError

if TYPE_CHECKING:
    from autotl.interfaces import AliasChange, RegisteredModel


def register(
    run: RunFolder,
    name: Annotated[
        str | None,
        typer.Option(help="The registered model's name. [default: the one given to `autotl fit --register`]"),
    ] = None,
    tracking_uri: TrackingUri = None,
    storage: Storage = None,
    force: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Register the model although its audit failed; the reason is recorded."),
    ] = None,
    disable_plugin: Disable = None,
    as_json: Json = False,
) -> None:
    """Register a run's champion in the model registry, and move the alias `champion` to it.

    A run that was not recorded, because its store was unavailable, is recorded first, with all its trials.
    """
    from autotl.runs.targets_result import has_targets
    from autotl.workflows.registration import is_overruling
    from autotl.workflows.registration import register as register_run

    plugins = load_plugins(disable_plugin)
    if has_targets(run):
        from autotl.workflows.joint_registration import joint_obstacle, register_joint

        change: AliasChange | None = register_joint(run, name, plugins, tracking_uri=tracking_uri, force=force)
        overruled = bool(joint_obstacle(run))
    else:
        change = register_run(run, name, plugins, tracking_uri=tracking_uri, storage=storage, force=force)
        overruled = is_overruling(run)
    if force is not None and not overruled:
        typer.echo(
            "Note: no audit speaks against this model, so there was nothing to overrule. The reason given with "
            "--force was not needed and is not kept.",
            err=True,
        )
    if as_json:
        print_json(
            {"name": change.name, "version": change.version, "alias": change.alias} if change else {"name": None}
        )
    elif change is None:
        typer.echo(f"{run} is recorded; give it a --name to register its champion too")
    else:
        typer.echo(f"models:/{change.name}@{change.alias} is now version {change.version}")


def models(tracking_uri: TrackingUri = None, as_json: Json = False) -> None:
    """List the registered models with their versions, aliases and test scores."""
    from autotl.deploy.registry import list_models, require_registry, stores

    registry = require_registry(load_plugins(None, quiet=as_json))
    found = list_models(registry, tracking_uri)
    if as_json:
        print_json([model for _, models in found for model in models])
        return
    if not found:
        looked = " or ".join(registry.store_address(store) for store in stores(registry, tracking_uri))
        typer.echo(f"no model is registered in {looked}; `autotl register RUN --name NAME` registers one")
    for store, models in found:
        if len(found) > 1:
            typer.echo(f"in {registry.store_address(store)}:")
        for model in models:
            _print_model(model)


def _print_model(model: RegisteredModel) -> None:
    typer.echo(model.name)
    for version in model.versions:
        score = version.evidence.test
        measured = "no test score"
        if score.is_defined:
            measured = f"test {version.evidence.objective} {score}"
        aliases = "".join(f" @{alias}" for alias in version.aliases)
        typer.echo(f"    version {version.version}{aliases}: {measured}, data {version.evidence.fingerprint or '?'}")


def promote(
    name: Annotated[str, typer.Argument(help="The registered model's name.")],
    version: Annotated[int | None, typer.Argument(help="The version that becomes the champion.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Go back to the previous champion.")] = False,
    tracking_uri: TrackingUri = None,
    as_json: Json = False,
) -> None:
    """Move the alias `champion` to a version, or back to the previous champion."""
    from autotl.deploy.registry import find_store, require_registry

    if (version is None) != back:
        raise ConfigError("give either the VERSION that becomes the champion, or --back")
    registry = require_registry(load_plugins(None, quiet=as_json))
    store = find_store(registry, name, tracking_uri)
    change = registry.roll_back(store, name, None) if version is None else registry.promote(store, name, version, None)
    if as_json:
        print_json(change)
        return
    before = "" if change.former in (None, change.version) else f"; before, it was version {change.former}"
    typer.echo(f"models:/{name}@champion is version {change.version}{before}")
