"""Engines compute what Keras computes, or are dropped with the reason; the fastest of the others is kept."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest

from autotl.errors import ExportError, PluginError
from autotl.features import engine_choice
from autotl.features.engine import Engine, images_per_second, open_engine, open_named
from autotl.features.engine_choice import choose_engine
from autotl.features.frozen_network import freeze

RUNTIMES = [
    "onnxruntime",
    pytest.param(
        "openvino",
        marks=pytest.mark.skipif(not importlib.util.find_spec("openvino"), reason="OpenVINO is not installed"),
    ),
]


@pytest.fixture
def network(tiny, tmp_path):
    return freeze(tiny, (32, 48), cache=tmp_path)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(3).integers(0, 256, (50, 32, 48, 3), dtype=np.uint8)


@pytest.fixture
def only(monkeypatch):
    """Pretend that just these engines are installed."""
    return lambda *names: monkeypatch.setattr(engine_choice, "installed_engines", lambda: names)


def answers(tiny, pixels):
    """Keras' average of the deepest stage."""
    import keras

    return keras.ops.convert_to_numpy(tiny.build(32, 48)(pixels.astype(np.float32), training=False)[-1]).mean((1, 2))


@pytest.mark.parametrize("name", [*RUNTIMES, "keras"])
def test_every_engine_computes_what_keras_computes_for_any_number_of_images(name, network, pixels, tiny):
    engine = open_named(name, network, threads=2)
    found = engine.run(pixels)
    assert [part.shape for part in found] == [(50, c.stop - c.start) for c in network.columns]
    assert {part.dtype for part in found} == {np.dtype(np.float32)}
    assert found[network.tensors.index("deep-avg")] == pytest.approx(answers(tiny, pixels), abs=1e-4)
    assert [len(part) for part in engine.run(pixels[:1])] == [1] * 6
    assert [len(part) for part in engine.run(pixels[:0])] == [0] * 6
    assert str(engine).startswith({"onnxruntime": "ONNX", "openvino": "OpenVINO", "keras": "Keras"}[name])


@pytest.mark.parametrize("name", RUNTIMES)
def test_any_graph_of_images_can_be_opened_also_one_that_gives_maps(name, tiny, pixels, tmp_path):
    import keras

    from autotl.graphs.keras_to_onnx import to_onnx

    model = tiny.build(32, 48)
    prefix = keras.Model(model.input, model.outputs[1])
    (tmp_path / "prefix.onnx").write_bytes(to_onnx(prefix, input_dtype="uint8").SerializeToString())
    [found] = open_engine(tmp_path / "prefix.onnx", ["middle"], name=name).run(pixels)
    want = keras.ops.convert_to_numpy(prefix(pixels.astype(np.float32), training=False))
    assert found.shape == (50, 8, 12, 12)
    assert found == pytest.approx(want, abs=1e-4)


def test_the_fastest_is_chosen_told_and_kept_for_this_machine(network, pixels, monkeypatch, only):
    def fake(name, network, *, threads=None):
        opened.append(name)
        return replace(open_named("onnxruntime", network, threads=threads), name=name)

    opened = []
    only("onnxruntime", "openvino")
    monkeypatch.setattr(engine_choice, "open_named", fake)
    monkeypatch.setattr(engine_choice, "images_per_second", lambda computes, pixels: [118.4, 131.2])
    choice = choose_engine(network, lambda: pixels)
    assert choice.engine.name == "openvino"
    assert choice.message.startswith("engine: OpenVINO ")
    assert choice.message.endswith(", 131 images/s (ONNX Runtime 118)")
    [kept] = network.file.parent.glob("engine-*.json")
    assert json.loads(kept.read_text())["engine"] == "openvino"
    opened.clear()
    again = choose_engine(replace(network, reader=None), lambda: pytest.fail("nothing is decoded for it"))
    assert (again.engine.name, again.message, opened) == ("openvino", "", ["openvino"])


def test_the_rates_are_measured(network, pixels, only):
    engines = [open_named(name, network) for name in ("onnxruntime", "keras")]
    assert all(rate > 1 for rate in images_per_second([engine.run for engine in engines], pixels))


def test_a_handful_of_images_is_too_few_to_keep_a_choice(network, pixels, only):
    only("onnxruntime")
    assert choose_engine(network, lambda: pixels[:3]).engine.name == "onnxruntime"
    assert not list(network.file.parent.glob("engine-*.json"))


def test_keras_answers_are_kept_so_that_a_later_start_builds_no_keras_model(network, pixels, only):
    only("onnxruntime")
    choose_engine(network, lambda: pixels)
    next(network.file.parent.glob("engine-*.json")).unlink()
    later = replace(network, reader=lambda precision: pytest.fail("no Keras model is needed"))
    assert choose_engine(later, lambda: pixels).engine.name == "onnxruntime"
    reference = network.file.with_name("reference.npz")
    reference.write_bytes(reference.read_bytes()[:-30])
    assert choose_engine(network, lambda: pixels, forced="onnxruntime").engine.name == "onnxruntime"


def wrong(monkeypatch, *names):
    """Let engines of these names compute something else."""

    def opened(name, network, *, threads=None):
        sound = open_named("keras" if name == "keras" else "onnxruntime", network, threads=threads)
        worse = Engine(name, "1.0", lambda pixels: [1.1 * part for part in sound.compute(pixels)], 1, 8)
        return worse if name in names else sound

    monkeypatch.setattr(engine_choice, "open_named", opened)


def test_an_engine_that_disagrees_with_keras_is_dropped_and_told(network, pixels, monkeypatch, only):
    only("onnxruntime", "openvino")
    wrong(monkeypatch, "openvino")
    choice = choose_engine(network, lambda: pixels)
    assert choice.engine.name == "onnxruntime"
    assert "; OpenVINO is not used: it does not compute what Keras computes: 'shallow-avg' is off by" in choice.message


def test_where_no_runtime_agrees_keras_itself_reads(network, pixels, monkeypatch, only):
    only("onnxruntime", "keras")
    wrong(monkeypatch, "onnxruntime")
    choice = choose_engine(network, lambda: pixels)
    assert choice.engine.name == "keras"
    assert "ONNX Runtime is not used: it does not compute" in choice.message


def test_an_engine_that_was_asked_for_and_disagrees_is_an_error(network, pixels, monkeypatch):
    wrong(monkeypatch, "openvino")
    with pytest.raises(PluginError, match=r"no engine can read .*'tiny' at 32x48: OpenVINO: it does not compute"):
        choose_engine(network, lambda: pixels, forced="openvino")


def test_an_engine_that_was_asked_for_is_used_whatever_was_kept(network, pixels, only):
    choose_engine(network, lambda: pixels)
    assert choose_engine(network, lambda: pixels, forced="keras").engine.name == "keras"


def test_an_engine_that_fails_to_open_is_dropped_with_its_reason(network, pixels, monkeypatch, only):
    def opened(name, network, *, threads=None):
        if name == "openvino":
            raise RuntimeError("unknown operation")
        return open_named(name, network, threads=threads)

    only("onnxruntime", "openvino")
    monkeypatch.setattr(engine_choice, "open_named", opened)
    assert choose_engine(network, lambda: pixels).message.endswith("OpenVINO is not used: unknown operation")


def test_keras_reads_where_no_graph_can_be_written(tiny, pixels, tmp_path, monkeypatch):
    from autotl.graphs import keras_to_onnx

    def refuse(model, **options):
        raise ExportError("Layer 'odd' cannot be written.")

    monkeypatch.setattr(keras_to_onnx, "to_onnx", refuse)
    network = freeze(tiny, (32, 48), cache=tmp_path)
    assert not network.file.exists()
    choice = choose_engine(network, lambda: pixels)
    assert choice.engine.name == "keras"
    assert "and there is none: Layer 'odd' cannot be written." in choice.message
    found = choice.engine.run(pixels)
    assert found[network.tensors.index("deep-avg")] == pytest.approx(answers(tiny, pixels), abs=1e-4)
    assert choose_engine(freeze(tiny, (32, 48), cache=tmp_path), lambda: pixels).engine.name == "keras"


def test_on_a_gpu_keras_takes_part_and_half_precision_is_checked_too(network, pixels, monkeypatch, only):
    from autotl.runtime import keras_backend

    only("onnxruntime", "keras")
    monkeypatch.setattr(keras_backend, "device", lambda: keras_backend.Device("gpu", "pretended"))
    message = choose_engine(network, lambda: pixels).message
    assert "ONNX Runtime" in message
    assert "Keras in half precision" in message


def test_on_a_gpu_every_batch_has_the_same_number_of_images(network, pixels, monkeypatch, tiny):
    from autotl.features import engine as module
    from autotl.runtime import keras_backend

    shapes = []
    monkeypatch.setattr(keras_backend, "device", lambda: keras_backend.Device("gpu", "pretended"))
    monkeypatch.setattr(module, "_KERAS_GPU_BATCH_ITEMS", 16)
    reader = network.reader

    def watched(precision):
        model = reader(precision)
        whole = model.predict_on_batch
        monkeypatch.setattr(model, "predict_on_batch", lambda x: shapes.append(tuple(x.shape)) or whole(x))
        return model

    engine = open_named("keras", replace(network, reader=watched))
    found = engine.run(pixels)
    assert set(shapes) == {(16, 32, 48, 3)}
    assert found[network.tensors.index("deep-avg")] == pytest.approx(answers(tiny, pixels), abs=1e-4)


def test_weights_that_are_not_finite_are_found_before_anything_is_read(tiny, pixels, tmp_path):
    def broken(height, width):
        model = tiny.build(height, width)
        model.get_layer("middle.conv").set_weights([w * np.nan for w in model.get_layer("middle.conv").get_weights()])
        return model

    network = freeze(replace(tiny, build=broken), (32, 48), cache=tmp_path)
    with pytest.raises(PluginError, match="backbone 'tiny' gives features that are not finite at 32x48"):
        choose_engine(network, lambda: pixels)


@pytest.mark.parametrize("name", ["", "onnxruntime", "keras"])
def test_onnx_runtime_opens_a_graph_where_no_other_runtime_that_can_is_named(network, name):
    assert open_engine(network.file, network.tensors, name=name).name == "onnxruntime"
