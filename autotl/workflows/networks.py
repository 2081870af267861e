"""The backbones of a search, looked at before any work: their weights are opened, and their networks are built."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from autotl.errors import AutoTLError, ConfigError, PluginError
from autotl.interfaces import Backbone, ClipEncoder, Encoder, FeatureSource, Head, WordCounts, parts_of
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runtime import keras_backend
from autotl.runtime.blame import line_in, of_plugin
from autotl.runtime.guarded_process import ChildEndedError, GuardedProcess
from autotl.search.sources import named_sources, require_tunable, source_owner, source_version, sources_of
from autotl.settings import Settings

MOST_SECONDS = 300.0
"""For an encoder of another author to make its graph."""


def require_networks(config: Config, plugins: Plugins, settings: Settings) -> None:
    """Raise before any work where a backbone that was asked for, or that a plugin adds to every search, cannot be used.

    ConfigError if none can be fine-tuned as was asked for, WeightsError if its weights are missing or do not fit,
    PluginError if it is not a network with stages. What is built here is kept in the cache, where the search finds it.
    """
    heads = [plugins.pick(Head, name) for name in config.heads]
    by_recipe = [head.recipe.backbone for head in heads if head.recipe and head.recipe.backbone]
    named = named_sources((*config.backbones, *by_recipe), plugins)
    installed = {} if config.backbones else sources_of(config, plugins)
    theirs = {
        name: source
        for name, source in installed.items()
        if (owner := source_owner(source, plugins)) and owner.origin != "ours"
    }
    parts = [part for source in (*named.values(), *theirs.values()) for part in parts_of(source)]
    sources = {one.name: one for part in parts for one in [part.frames if isinstance(part, ClipEncoder) else part]}
    taking_part = sources_of(config, plugins)
    require_tunable(config, taking_part)
    _require_crops([*taking_part.values(), *named.values()], settings)
    if any(isinstance(source, Backbone) for source in sources.values()):
        # A download imports Keras too, with all that TensorFlow has to say.
        keras_backend.prepare()
        keras_backend.load()
    for source in sources.values():
        _require_described(source)
        if isinstance(source, Backbone):
            source.weights(True)
        _require_network(source, plugins, settings)


def _require_crops(sources: Iterable[FeatureSource], settings: Settings) -> None:
    """Raise PluginError, or WeightsError, if a crop cannot be opened or finds something that are no corners."""
    from autotl.features.crops import corners_of, keep_crop

    crops = {part.crop.name: part.crop for one in sources for part in parts_of(one) if part.crop}
    for crop in crops.values():
        corners_of(keep_crop(crop, settings.cache)).try_out()


def opened_encoders(config: Config, plugins: Plugins, settings: Settings) -> dict[str, str]:
    """The key of the graph of each encoder that a format opens, by name."""
    from autotl.features.freezing import freeze

    sources = {part.name: part for source in sources_of(config, plugins).values() for part in parts_of(source)}
    return {
        name: freeze(source, source.sizes[0], cache=settings.cache).key
        for name, source in sources.items()
        if source_owner(source, plugins) is None
    }


def require_unchanged(before: Mapping[str, str], config: Config, plugins: Plugins, settings: Settings) -> None:
    """Raise ConfigError if an encoder is not the one that a run began with; before: its `opened_encoders`."""
    now = opened_encoders(config, plugins, settings) if before else {}
    if changed := [name for name, key in before.items() if now.get(name) != key]:
        named = {Path(name).name: name for name in config.backbones}
        raise ConfigError(
            f"the backbone {named.get(changed[0], changed[0])} has changed since the run began: its features are "
            "not those of the run's trials. Put the former file back, or start a new search with `autotl fit`."
        )


def _require_described(source: Backbone | Encoder) -> None:
    """Raise PluginError if the sizes of a source, or its texts, cannot be used."""
    who = f"{type(source).__name__.lower()} {source.name!r}{of_plugin(_maker(source))}"
    if not (isinstance(source.sizes, Sequence) and source.sizes and all(map(_is_size, source.sizes))):
        raise PluginError(f"{who} has the sizes {source.sizes!r}; expected at least one (height, width) in pixels")
    for name, text in (("source", source.source), ("licence", source.licence)):
        if not isinstance(text, str):
            raise PluginError(f"{who} has the {name} {text!r}; expected text")


def _is_size(size: object) -> bool:
    if not isinstance(size, Sequence) or len(size) != 2:
        return False
    return all(isinstance(side, int) and side > 0 for side in size)


def _maker(source: Backbone | Encoder) -> Callable[..., object]:
    return source.build if isinstance(source, Backbone) else source.graph


def require_return(source: FeatureSource, plugins: Plugins) -> None:
    """Raise PluginError if an encoder of another author ends the process that makes its graph, or never returns."""
    owner = source_owner(source, plugins)
    if isinstance(source, Backbone | WordCounts) or owner is None or owner.origin not in ("installed", "file"):
        return
    child, until = GuardedProcess("autotl.workflows.encoder_child"), time.monotonic() + MOST_SECONDS
    try:
        with child.watched(lambda: until - time.monotonic(), math.inf):
            file = owner.source if owner.origin == "file" else ""
            child.send({"plugin": owner.name, "file": file, "encoder": source.name})
            child.receive()  # what it raises, it raises here again
    except ChildEndedError as ended:
        raise PluginError(
            f"encoder {source.name!r} of plugin {owner.name!r} {ended} while it made its graph"
            f"{line_in(ended.where, owner.source, owner.files)}. Leave it out, or report this to the author of its "
            "plugin."
        ) from None
    finally:
        child.end()


def _require_network(source: Backbone | Encoder, plugins: Plugins, settings: Settings) -> None:
    from autotl.features.freezing import freeze

    if isinstance(source, WordCounts):  # its graph is made of the texts
        return

    def key() -> str:
        return freeze(source, source.sizes[0], cache=settings.cache, version=source_version(source, plugins)).key

    require_return(source, plugins)
    try:
        first = key()
        if isinstance(source, Encoder) and source_owner(source, plugins) and key() != first:
            raise PluginError(
                f"encoder {source.name!r}{of_plugin(source.graph)} made another graph the second time; expected the "
                "same one for the same size, under which its features are kept."
            )
    except (AutoTLError, MemoryError, OSError):  # it says so itself, or it is the machine's condition
        raise
    except Exception as error:
        raise PluginError(
            f"backbone {source.name!r}{of_plugin(_maker(source))} cannot be read: {type(error).__name__}: {error}. "
            "Leave it out, or report this to the author of its plugin."
        ) from error
