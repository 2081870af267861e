"""Commands about the installation: `plugins`, `doctor`, `ui`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.options import Disable, Json
from autotl.cli.output import cache_folder, load_plugins, print_json
from autotl.errors import ConfigError

if TYPE_CHECKING:
    from autotl.plugins import Plugins


def plugins(disable_plugin: Disable = None, as_json: Json = False) -> None:
    """List the plugins with their version, their origin and what they offer."""
    loaded = load_plugins(disable_plugin, quiet=as_json)
    if as_json:
        print_json({"plugins": [asdict(plugin) for plugin in loaded.loaded.values()], "broken": loaded.broken})
        return
    for plugin in loaded.loaded.values():
        typer.echo(f"{plugin.name} {plugin.version} ({plugin.source})")
        for kind, names in plugin.offers.items():
            about = [f"{name}{_remark(loaded, kind, name)}" for name in names]
            typer.echo(f"    {kind.replace('_', ' ')}: {', '.join(about)}")
        watches = [hook for hook in plugin.hooks if hook.startswith("on_")]
        if watches:
            typer.echo(f"    watches: {', '.join(watches)}")


def _remark(plugins: Plugins, kind: str, name: str) -> str:
    """In brackets, what a user writes for a format of encoders, or that a licence restricts the use."""
    from autotl.interfaces import NOT_COMMERCIAL, Crop, EncoderFormat

    if kind == "encoder_formats":
        return f" ({plugins.all(EncoderFormat)[name].example})"
    licensed = {"backbones": plugins.sources(), "encoders": plugins.sources(), "crops": plugins.all(Crop)}.get(kind, {})
    return f" ({NOT_COMMERCIAL})" if name in licensed and not licensed[name].commercial else ""


def doctor(
    track_record: Annotated[
        bool, typer.Option("--track-record", help="How often the 80 % intervals of forecasts held on this machine.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what this machine and this installation can do, and what is missing."""
    if track_record:
        _show_track_record(as_json=as_json)
        return
    from autotl.cli.doctor import diagnose

    facts = diagnose(load_plugins(None, quiet=True), cache_folder())
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        values = value if isinstance(value, list) else [value]
        for i, line in enumerate(values or ["none"]):
            typer.echo(f"{name if i == 0 else '':<22}{line}")


def _show_track_record(*, as_json: bool) -> None:
    from autotl.runtime.wording import percent
    from autotl.workflows.track_record import read_records, tally

    records = read_records(cache_folder())
    tallies = tally(records)
    if as_json:
        print_json({"runs": len(records), "track_record": [asdict(one) for one in tallies]})
        return
    if not records:
        typer.echo("No run has made a forecast on this machine yet.")
        return
    typer.echo(f"Forecasts of {len(records)} runs on this machine; 80 of 100 intervals should hold.")
    for one in tallies:
        share = f" ({percent(one.held / one.graded)})" if one.graded else ""
        typer.echo(f"{one.subject:<58}{one.held} of {one.graded} held{share}, {one.open} open")


def ui(
    port: Annotated[int | None, typer.Option(help="[default: the first free port from 8501 on]")] = None,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="The address to listen on; any other than the default lets others in."),
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None, typer.Option(help="The host name by which others reach it, such as lab.example.org.")
    ] = None,
    without_login: Annotated[bool, typer.Option("--without-login", help="Let in everyone who can reach it.")] = False,
) -> None:
    """Start the app and print its address; only this machine can reach it unless --host says otherwise."""
    import importlib

    try:
        launch = importlib.import_module("autotl_ui.launch")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the app needs the package {error.name}; install it with: pip install 'autotl[ui]'"
        ) from None
    launch.main(port, host=host, names=name or (), without_login=without_login)
