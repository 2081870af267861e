"""A search over encoders: they are probed, never fine-tuned, and leave in one graph that answers as it was trained."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from scanning import scan
from small_encoder import WIDTHS, small_graph

from autotl.deploy.predictor import Predictor
from autotl.errors import ConfigError, PluginError
from autotl.evidence.leaderboard import read_leaderboard
from autotl.features.decoded_images import read_pixels
from autotl.features.features import extract
from autotl.features.frozen_network import freeze
from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.workflows import networks
from autotl.workflows.fit import fit

SMALL = Encoder("small", small_graph, ((32, 32), (48, 48)), embedded=True)
BUILT_IN = ("mlflow", "keras-applications", "efficientnet-lite")


def loaded(*encoders):
    plugin = SimpleNamespace(__name__="theirs", register_encoders=hookimpl(lambda: list(encoders)))
    return load_plugins(extra=[plugin], disable=BUILT_IN)


def test_features_are_those_of_the_bare_graph(shapes, tmp_path):
    dataset = scan(shapes)
    network = freeze(SMALL, (32, 32), cache=tmp_path)
    features = extract(dataset, network, cache=tmp_path)
    pixels = np.stack([read_pixels(dataset, item, (32, 32)) for item in range(len(dataset.items))])
    session = onnxruntime.InferenceSession(small_graph(32, 32).SerializeToString(), providers=["CPUExecutionProvider"])
    low, high, embedding = session.run(None, {"images": pixels})
    expected = np.concatenate([low.mean((1, 2)), low.max((1, 2)), high.mean((1, 2)), high.max((1, 2)), embedding], 1)
    got = features.read("joined", "avg+max")
    assert got.shape[1] == sum(WIDTHS.values())
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


def test_a_vector_is_read_whatever_the_pooling(shapes, tmp_path):
    network = freeze(SMALL, (32, 32), cache=tmp_path)
    assert {pooling: [c.tensor for c in network.select("top", pooling)] for pooling in ("avg", "max", "avg+max")} == {
        pooling: ["embedding-vector"] for pooling in ("avg", "max", "avg+max")
    }


def test_another_graph_of_the_same_name_has_another_key(tmp_path):
    other = Encoder("small", lambda height, width: small_graph(height, width, seed=1), ((32, 32),))
    keys = {freeze(one, (32, 32), cache=tmp_path).key for one in (SMALL, other, SMALL)}
    assert len(keys) == 2


def test_a_search_over_an_encoder_alone_ends_with_a_model_that_answers_as_it_was_trained(shapes, tmp_path, settings):
    config = Config(data=shapes, run=tmp_path / "run", trials=4, seed=1, heads=("logistic", "knn"))
    run = fit(config, plugins=loaded(SMALL), settings=settings)
    result = run.result()
    assert result.champion.backbone == "small"
    assert set(read_leaderboard(run.folder)["strategy"]) <= {"majority", "probe", "ensemble"}
    assert "encoders are frozen" in json.dumps(result.to_json())
    replay = run.folder / "champion" / "replay"
    expected = json.loads((replay / "expected.json").read_text(encoding="utf-8"))["items"]
    answers = Predictor(run.folder / "champion").predict([replay / one["file"] for one in expected])
    for one, answer in zip(expected, answers, strict=True):
        assert list(answer["probabilities"].values()) == pytest.approx(one["probabilities"], abs=1e-4)


def test_to_fine_tune_an_encoder_is_refused_before_any_work(shapes, tmp_path, settings):
    config = Config(data=shapes, run=tmp_path / "run", strategy="fine-tune", backbones=("small",))
    with pytest.raises(ConfigError, match="none of the backbones small can be fine-tuned: encoders are frozen"):
        fit(config, plugins=loaded(SMALL), settings=settings)
    assert not (tmp_path / "run").exists()


def with_another_input(height, width):
    model = small_graph(height, width)
    model.graph.input[0].name = "pixels"
    model.graph.node[0].input[0] = "pixels"
    return model


def changing(height, width):
    return small_graph(height, width, seed=int(np.random.default_rng().integers(2**31)))


WRONG = {
    "another input": ({"graph": with_another_input}, r"encoder 'small' of plugin 'theirs'.*inputs \['pixels'\]"),
    "no graph": ({"graph": lambda height, width: None}, "encoder 'small' of plugin 'theirs' made a NoneType"),
    "another graph each time": (
        {"graph": changing},
        "encoder 'small' of plugin 'theirs' made another graph the second",
    ),
    "no sizes": ({"sizes": ()}, r"'small' of plugin 'theirs' has the sizes \(\); expected"),
    "sizes of nothing": ({"sizes": ((32, 32), (0, 32))}, r"has the sizes \(\(32, 32\), \(0, 32\)\)"),
    "sizes that are no pairs": ({"sizes": 32}, "has the sizes 32; expected"),
    "a licence that is no text": ({"licence": None}, "has the licence None; expected text"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_encoder_is_refused_with_its_plugin_before_the_data_are_read(wrong, tmp_path, settings):
    change, told = WRONG[wrong]
    encoder = replace(Encoder("small", small_graph, ((32, 32),), embedded=True), **change)
    with pytest.raises(PluginError, match=told):
        fit(Config(data=tmp_path / "nowhere", run=tmp_path / "run"), plugins=loaded(encoder), settings=settings)
    assert not (tmp_path / "run").exists()


LEAVING = """
import os
import time

import autotl
from autotl.interfaces import Encoder


def leave(height, width):
    os._exit(0)


def wait(height, width):
    open(__file__ + ".reached", "w").close()
    time.sleep(600)


@autotl.hookimpl
def register_encoders():
    yield Encoder("leaving", leave, ((32, 32),))
    yield Encoder("waiting", wait, ((32, 32),))
"""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("leaving", r"encoder 'leaving' of plugin 'odd' ended its process with exit code 0 .*\(.*odd\.py, line 10\)"),
        ("waiting", r"encoder 'waiting' of plugin 'odd' did not end in the time .*\(.*odd\.py, line 1[45]\)"),
    ],
)
def test_an_encoder_that_ends_the_process_or_never_returns_is_named(name, told, tmp_path, settings, monkeypatch):
    reached = tmp_path / "odd.py.reached"
    # The time is up as soon as the encoder is called, however long the child took to start.
    clock = SimpleNamespace(monotonic=lambda: math.inf if reached.exists() else 0.0)
    monkeypatch.setattr(networks, "time", clock)
    (tmp_path / "odd.py").write_text(LEAVING)
    plugins = load_plugins(folder=tmp_path, disable=BUILT_IN)
    config = Config(data=tmp_path / "nowhere", run=tmp_path / "run", backbones=(name,))
    with pytest.raises(PluginError, match=told):
        fit(config, plugins=plugins, settings=settings)
