"""Plugins with two small backbones, of which one reads no deeper than its first stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loose_plugins.tiny_backbone import build_tiny

from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Encoder
from autotl.plugins import Plugins, load_plugins


def build_shallow(height: int, width: int) -> Any:
    """The first stage of the tiny backbone alone."""
    import keras

    model = build_tiny(height, width)
    return keras.Model(model.input, model.outputs[:1])


def load_two_backbones(tiny: Backbone, **of_the_second: Any) -> Plugins:
    """What is built in, with "tiny" and "shallow" as the only backbones; of_the_second: fields of the latter."""
    fields = {"name": "shallow", "build": build_shallow, "weights": lambda download: Path(__file__),
              "sizes": ((32, 32),), "embedded": True}  # fmt: skip

    class TwoBackbones:
        __name__ = "two-backbones"

        @hookimpl
        def register_backbones(self) -> list[Backbone]:
            return [tiny, Backbone(**(fields | of_the_second))]

    installed = load_plugins(disable=("mlflow",))
    others = {installed.owner(kind, name).name for kind in (Backbone, Encoder) for name in installed.all(kind)}
    plugins = load_plugins(disable=("mlflow", *others), extra=[TwoBackbones()])
    assert not plugins.broken
    return plugins
