"""The conformance check of a whole plugin: everything it offers, each by the check of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from autotl.interfaces import (
    Autoencoder,
    Backbone,
    Check,
    Crop,
    DebiasMethod,
    Encoder,
    EncoderFormat,
    Evaluator,
    Executor,
    Exporter,
    Head,
    Panel,
    Registry,
    Sampler,
)
from autotl.plugins import LoadedPlugin, Offered
from autotl.testing.autoencoders import check_autoencoder
from autotl.testing.backbones import check_backbone
from autotl.testing.checks import check_check
from autotl.testing.crops import check_crop
from autotl.testing.debias_methods import check_debias_method
from autotl.testing.encoders import check_encoder, check_encoder_format
from autotl.testing.evaluators import check_evaluator
from autotl.testing.executors import check_executor
from autotl.testing.finished_runs import check_exporter, check_panel, check_watcher, finished_run, watches
from autotl.testing.heads import check_head
from autotl.testing.registries import check_registry
from autotl.testing.samplers import check_sampler
from autotl.testing.support import require

CHECKS: Mapping[type[Offered], Callable[[Any], None]] = {
    Backbone: check_backbone,
    Encoder: check_encoder,
    EncoderFormat: check_encoder_format,
    Head: check_head,
    Evaluator: check_evaluator,
    Check: check_check,
    Sampler: check_sampler,
    DebiasMethod: check_debias_method,
    Executor: check_executor,
    Crop: check_crop,
    Autoencoder: check_autoencoder,
    Registry: check_registry,
}
CHECKS_ON_A_RUN: Mapping[type[Offered], Callable[[Any, Path], None]] = {Exporter: check_exporter, Panel: check_panel}


def check_plugin(plugin: object, *, run: Path | None = None) -> None:
    """Check everything that a plugin (a module, or an object with hooks) offers.

    run: the folder of a finished run, on which exporters, panels and watchers are tried; where none is given, a small
        search is made for them, which takes about half a minute.
    """
    from autotl.plugins import load_plugins

    plugins = load_plugins(extra=[plugin], installed=False)
    for name, reason in plugins.broken.items():
        raise AssertionError(f"plugin {name!r} cannot be loaded: {reason}")
    [loaded] = plugins.loaded.values()
    watching = watches(loaded.hooks)
    require(
        loaded.offers or watching,
        f"plugin {loaded.name!r} offers nothing: its register_ hooks yield no object",
    )
    _require_free_names(loaded)
    for kind, check in CHECKS.items():
        for thing in plugins.all(kind).values():
            check(thing)
    on_a_run = [(check, thing) for kind, check in CHECKS_ON_A_RUN.items() for thing in plugins.all(kind).values()]
    if not (on_a_run or watching):
        return
    with nullcontext(run) if run is not None else finished_run() as folder:
        for check_on_run, thing in on_a_run:
            check_on_run(thing, folder)
        if watching:
            from autotl.runs.run import open_run

            check_watcher(plugin, run=open_run(folder))


def _require_free_names(plugin: LoadedPlugin) -> None:
    """Fail where a plugin offers a name that one of ours has: no command would run with both."""
    from autotl.plugins import load_plugins

    for ours in load_plugins().loaded.values():
        if ours.origin != "ours" or set(ours.files) & set(plugin.files):
            continue
        for kind, names in plugin.offers.items():
            taken = set(names) & set(ours.offers.get(kind, ()))
            require(
                not taken,
                f"plugin {plugin.name!r} offers {', '.join(sorted(taken))} ({kind}), as does {ours.name!r} of AutoTL",
            )
