"""Backbones that cannot be used are refused before any work, by name, whatever is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest
from loose_plugins.tiny_backbone import build_tiny

from autotl.errors import PluginError, WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.workflows.fit import fit, resume
from autotl.workflows.networks import require_networks


def loaded(build, *, embedded=True, weights=lambda download: Path(__file__)):
    mine = Backbone("mine", build, weights, ((32, 32),), embedded=embedded)
    plugin = SimpleNamespace(__name__="theirs", register_backbones=hookimpl(lambda: [mine]))
    return load_plugins(extra=[plugin], disable=("mlflow",))


def vectors(height, width):
    inputs = keras.Input((height, width, 3))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))


def two_inputs(height, width):
    inputs = [keras.Input((height, width, 3)) for _ in range(2)]
    return keras.Model(inputs, keras.layers.Add()(inputs))


WRONG = {
    "a vector encoder": (vectors, r"has outputs of shape \[\(None, 3\)\], which are not stages"),
    "a bare layer": (lambda h, w: keras.layers.Conv2D(3, 3), "built a Conv2D"),
    "nothing": (lambda h, w: None, "built a NoneType"),
    "two inputs": (two_inputs, "built a network without one input"),
    "a network that was not called": (
        lambda h, w: keras.Sequential([keras.layers.Conv2D(3, 3)]),
        "built a network without one input",
    ),
    "one that raises": (lambda h, w: {}["stem"], r"raised KeyError: 'stem' \(.*test_networks\.py, line"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("named", [True, False])
def test_a_wrong_backbone_is_refused_with_its_plugin_before_the_data_are_read(wrong, named, tmp_path, settings):
    build, told = WRONG[wrong]
    config = Config(data=tmp_path / "nowhere", run=tmp_path / "run", backbones=("mine",) if named else ())
    with pytest.raises(PluginError, match=f"backbone 'mine' of plugin 'theirs' {told}"):
        fit(config, plugins=loaded(build), settings=settings)
    assert not (tmp_path / "run").exists()


def test_missing_weights_of_a_plugin_are_told_with_its_name(tmp_path, settings):
    def weights(download):
        raise WeightsError("put net.weights.h5 beside the plugin")

    config = Config(data=tmp_path / "nowhere", run=tmp_path / "run", backbones=("mine",))
    with pytest.raises(WeightsError, match=r"^backbone 'mine' of plugin 'theirs': put net\.weights\.h5 beside"):
        fit(config, plugins=loaded(build_tiny, weights=weights, embedded=False), settings=settings)


def test_a_compiled_network_is_as_good_as_another_and_one_that_is_not_asked_for_is_not_built(tmp_path, settings):
    def compiled(height, width):
        model = build_tiny(height, width)
        model.compile(loss="mse")
        return model

    config = Config(data=tmp_path, run=tmp_path / "run", backbones=("mine",))
    require_networks(config, loaded(compiled), settings)
    require_networks(replace(config, backbones=()), loaded(lambda h, w: 1 / 0, embedded=False), settings)


def test_a_run_whose_weights_are_gone_is_not_carried_on(shapes, tmp_path, settings):
    class StopError(Exception):
        pass

    def stop(event):
        if getattr(event, "trial", 0) == 2:
            raise StopError

    config = Config(
        data=shapes, run=tmp_path / "run", backbones=("mine",), heads=("logistic", "knn"), strategy="probe", trials=9,
        budget_seconds=None,
    )  # fmt: skip
    with pytest.raises(StopError):
        fit(config, plugins=loaded(build_tiny), settings=settings, listeners=(stop,))

    def gone(download):
        raise WeightsError("put net.weights.h5 beside the plugin")

    with pytest.raises(WeightsError, match=r"^backbone 'mine' of plugin 'theirs': put net\.weights\.h5 beside"):
        resume(config.run, plugins=loaded(build_tiny, weights=gone), settings=settings)
