"""The backbones of a search, looked at before any work: their weights are opened, and their networks are built."""

from __future__ import annotations

from autotl.errors import AutoTLError, PluginError
from autotl.interfaces import Backbone, Head
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runtime import keras_backend
from autotl.runtime.blame import of_plugin
from autotl.settings import Settings


def require_networks(config: Config, plugins: Plugins, settings: Settings) -> None:
    """Raise before any work where a backbone that was asked for, or that a plugin adds to every search, cannot be used.

    WeightsError where its weights are missing or do not fit, PluginError if it is not a network with stages. What
    is built here is kept in the cache, where the search finds it.
    """
    heads = [plugins.pick(Head, name) for name in config.heads]
    by_recipe = [head.recipe.backbone for head in heads if head.recipe and head.recipe.backbone]
    named = [plugins.pick(Backbone, name) for name in (*config.backbones, *by_recipe)]
    embedded = [] if config.backbones else [b for b in plugins.all(Backbone).values() if b.embedded]
    theirs = [b for b in embedded if plugins.owner(Backbone, b.name).origin != "ours"]
    backbones = {backbone.name: backbone for backbone in (*named, *theirs)}
    if backbones:  # a download imports Keras too, with all that TensorFlow has to say
        keras_backend.prepare()
        keras_backend.load()
    for name, backbone in backbones.items():
        backbone.weights(True)
        _require_network(name, backbone, plugins, settings)


def _require_network(name: str, backbone: Backbone, plugins: Plugins, settings: Settings) -> None:
    from autotl.features.frozen_network import freeze

    version = plugins.provenance(Backbone, name).version
    try:
        freeze(backbone, backbone.sizes[0], cache=settings.cache, version=version)
    except (AutoTLError, MemoryError, OSError):  # it says so itself, or it is the machine's condition
        raise
    except Exception as error:
        raise PluginError(
            f"backbone {name!r}{of_plugin(backbone.build)} cannot be read: {type(error).__name__}: {error}. Leave it "
            "out, or report this to the author of its plugin."
        ) from error
