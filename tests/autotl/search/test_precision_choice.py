"""Features are read in int8 where that is faster and costs nothing on a sample; the run keeps to what it chose."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from autotl.deploy.deployable import load_deployable, replay
from autotl.runtime import keras_backend
from autotl.search import precision_choice, screening
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.measured_costs import MeasuredCosts
from autotl.search.outcome import completed
from autotl.search.precision_choice import choose_precision, keeps_what_the_sample_says
from autotl.search.probe_trials import probe
from autotl.trial import describe
from autotl.workflows.conclusion import save_early

SIZE = (32, 32)
PAYS = precision_choice._pays


@pytest.fixture(autouse=True)
def worthwhile(monkeypatch):
    """The few images of a test are as good as thousands, and int8 is twice as fast."""
    monkeypatch.setattr(precision_choice, "_FEWEST_ITEMS", 10)
    monkeypatch.setattr(precision_choice, "_pays", lambda *_: True)
    monkeypatch.setattr(precision_choice, "images_per_second", lambda computes, pixels: [100.0, 200.0])


def lenient(monkeypatch):
    """Nothing that int8 costs on 48 images counts."""
    monkeypatch.setattr(precision_choice, "keeps_what_the_sample_says", lambda *_: (True, ""))


def precision(context, tiny):
    return context.reader.features(tiny, SIZE).network.precision


def test_noise_is_allowed_and_no_more():
    rng = np.random.default_rng(0)
    single = np.abs(rng.normal(0.5, 0.2, (3, 300))) + np.array([[0.0], [0.3], [0.5]])
    noisy = single + rng.normal(0, 0.05, single.shape)
    noisy -= (noisy - single).mean()
    assert keeps_what_the_sample_says(single, noisy)[0]
    assert keeps_what_the_sample_says(single, single)[0]
    assert keeps_what_the_sample_says(single, noisy + 0.02) == (False, "it costs the default more than noise")
    turned = noisy + np.array([[0.0], [-0.4], [0.0]])
    assert keeps_what_the_sample_says(single, turned) == (False, "it ranks the stages otherwise")


def test_int8_that_keeps_what_the_sample_says_is_used_told_and_kept(make_context, tiny, tmp_path, events, monkeypatch):
    lenient(monkeypatch)
    context = make_context(cache=tmp_path / "cache")
    choose_precision(context, tiny, SIZE, lambda: math.inf)
    features = context.reader.features(tiny, SIZE)
    assert (features.network.precision, features.engine[-5:]) == ("int8", " int8")
    told = events(context, "engine")[-1]["text"]
    assert told.startswith("engine: ONNX Runtime ")
    assert " int8, 200 images/s against 100 in fp32 by ONNX Runtime" in told
    assert "; log loss on the sample 0." in told
    # As in a resumed run, or another process; the graph may have been damaged meanwhile.
    features.network.file.write_bytes(b"damaged")
    later = context.on(context.run)
    choose_precision(later, tiny, SIZE, lambda: math.inf)
    assert later.reader.features(tiny, SIZE).network == features.network
    assert later.reader.features(tiny, SIZE).reused == 60
    assert len(events(context, "engine")) == 2
    assert context.reader.features(tiny, (48, 48)).network.precision == "fp32"


def test_a_champion_on_int8_features_leaves_with_the_graph_that_computed_them(
    make_context, tiny, tmp_path, monkeypatch
):
    lenient(monkeypatch)
    context = make_context(cache=tmp_path / "cache")
    default = replace(context.space.default(), backbone=tiny)
    choose_precision(context, tiny, default.reading.size, lambda: math.inf)
    outcome = probe(context, default, fixed_hyperparameters({}))
    begun = describe(default, 0, started=time.time())
    save_early(context, completed(begun, outcome, context.objective.score(outcome.predictions), {}))
    left = load_deployable(context.run.folder)
    assert left.metadata["precision"] == "int8"
    assert b"QuantizeLinear" in (left.folder / "model.onnx").read_bytes()
    assert replay(left) < 1e-4


def test_a_network_that_int8_harms_is_read_in_single_precision(make_context, tiny, tmp_path, events):
    def with_an_outlier(height, width):
        model = tiny.build(height, width)
        gamma, beta, *moments = model.get_layer("shallow.bn").get_weights()
        gamma[0], beta[0] = 0, 1e5  # the range of the others vanishes beside it
        model.get_layer("shallow.bn").set_weights([gamma, beta, *moments])
        return model

    harmed = replace(tiny, build=with_an_outlier)
    context = make_context(cache=tmp_path / "cache")
    choose_precision(context, harmed, SIZE, lambda: math.inf)
    assert precision(context, harmed) == "fp32"
    assert events(context, "engine")[-1]["text"].startswith("int8 is not used: it costs the default more than noise: ")
    choose_precision(context, harmed, SIZE, lambda: math.inf)
    assert len([e for e in events(context, "engine") if "int8" in e["text"]]) == 1


def test_int8_that_is_hardly_faster_is_not_used(make_context, tiny, tmp_path, events, monkeypatch):
    monkeypatch.setattr(precision_choice, "images_per_second", lambda computes, pixels: [100.0, 110.0])
    context = make_context(cache=tmp_path / "cache")
    choose_precision(context, tiny, SIZE, lambda: math.inf)
    assert precision(context, tiny) == "fp32"
    assert "on this machine it computes 110 images/s against 100 in fp32" in events(context, "engine")[-1]["text"]


def test_where_little_time_is_left_int8_is_not_even_timed(make_context, tiny, tmp_path, monkeypatch):
    lenient(monkeypatch)
    monkeypatch.setattr(precision_choice, "_pays", PAYS)
    monkeypatch.setattr(precision_choice, "LIKELY_SPEED_UP", 3.0)
    monkeypatch.setattr(precision_choice, "_CALIBRATION_PASSES", 0.0)
    monkeypatch.setattr(screening, "SAMPLE_ITEMS", 12)
    monkeypatch.setattr(MeasuredCosts, "images_per_second", lambda *_: 0.1)
    for name, left in (("hurried", 10.0), ("patient", math.inf)):
        context = make_context(cache=tmp_path / "cache", run=tmp_path / name)
        choose_precision(context, tiny, SIZE, lambda left=left: left)
        assert ("int8" in context.run.state()) == (name == "patient")


def test_a_graph_that_cannot_be_quantised_is_used_as_it_is(make_context, tiny, tmp_path, events, monkeypatch):
    from autotl.features import quantised_network

    monkeypatch.setattr(quantised_network, "_between_convolutions", lambda graph: [])
    context = make_context(cache=tmp_path / "cache")
    choose_precision(context, tiny, SIZE, lambda: math.inf)
    assert precision(context, tiny) == "fp32"
    assert "int8 is not used: the graph network.onnx has no convolution" in events(context, "engine")[-1]["text"]


def test_on_a_gpu_and_with_another_engine_it_is_not_considered(make_context, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(keras_backend, "device", lambda: keras_backend.Device("gpu", "pretended"))
    context = make_context(cache=tmp_path / "cache")
    choose_precision(context, tiny, SIZE, lambda: math.inf)
    monkeypatch.undo()
    keras = replace(context, settings=context.settings.model_copy(update={"engine": "keras"}))
    choose_precision(keras, tiny, SIZE, lambda: math.inf)
    assert "int8" not in context.run.state()


def test_how_fast_int8_is_on_a_machine_is_measured_once(make_context, tiny, tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(precision_choice, "images_per_second", lambda *_: measured.append(1) or [100.0, 110.0])
    for name in ("one", "another"):
        choose_precision(make_context(cache=tmp_path / "cache", run=tmp_path / name), tiny, SIZE, lambda: math.inf)
    assert len(measured) == 1
