"""Plugins with one small encoder of images and one of texts, for runs of pairs in the tests."""

from __future__ import annotations

from types import SimpleNamespace

from pairs_on_disk import EDGE
from small_encoder import small_graph
from small_text_encoder import small_text_encoder

from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder
from autotl.plugins import Plugins, load_plugins


def small_pair_plugins() -> Plugins:
    """All plugins but those with larger networks, and the encoders "small" of images and "small-words" of texts."""
    encoders = [Encoder("small", small_graph, ((EDGE, EDGE),), embedded=True), small_text_encoder(embedded=True)]
    plugin = SimpleNamespace(__name__="theirs", register_encoders=hookimpl(lambda: encoders))
    hidden = ("mlflow", "keras-applications", "efficientnet-lite", "all-minilm", "wordllama", "mobilenetv2-pytorch")
    return load_plugins(extra=[plugin], disable=hidden)
