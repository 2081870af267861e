"""The one adapter to Keras' backends."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autotl.errors import ConfigError
from autotl.runtime import keras_backend


@pytest.fixture
def bare(monkeypatch):
    """An environment in which no backend was chosen yet."""
    for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "TF_FORCE_GPU_ALLOW_GROWTH"):
        monkeypatch.setenv(name, "")  # so that what `prepare` sets is taken back
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [(("tensorflow", "jax", "torch"), "tensorflow"), (("torch", "jax"), "jax"), (("torch",), "torch")],
)
def test_the_first_installed_backend_is_chosen(bare, monkeypatch, installed, chosen):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in installed else None)
    keras_backend.prepare()
    assert os.environ["KERAS_BACKEND"] == chosen


def test_a_backend_that_was_chosen_before_stays(bare, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras_backend.prepare()
    assert os.environ["KERAS_BACKEND"] == "jax"


@pytest.mark.parametrize("wanted", ["torch", "jax", "theano", "numpy", "Tensorflow"])
def test_a_backend_that_is_not_there_is_named_with_the_variable_that_asks_for_it(bare, monkeypatch, wanted):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name == "tensorflow" else None)
    monkeypatch.setenv("KERAS_BACKEND", wanted)
    with pytest.raises(ConfigError, match=f"KERAS_BACKEND is {wanted}, which .* Unset it to use tensorflow"):
        keras_backend.prepare()


@pytest.mark.parametrize(
    "found", [{"floatx": "bfloat16"}, {"epsilon": "small"}, {"image_data_format": "sideways"}, ["a list"]]
)
def test_a_configuration_that_keras_cannot_start_with_is_named(bare, monkeypatch, tmp_path, found):
    (tmp_path / "keras.json").write_text(json.dumps(found))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"keras.json is damaged.*remove it"):
        keras_backend.prepare()


def test_the_configuration_of_another_project_changes_nothing(tmp_path):
    other = {"backend": "torch", "floatx": "float16", "epsilon": 1e-4, "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(other))
    code = (
        "from autotl.runtime import keras_backend\nkeras_backend.prepare()\nimport keras\n"
        "print(keras.backend.backend(), keras.config.floatx(), keras.config.image_data_format())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment["KERAS_HOME"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tensorflow", "float32", "channels_last"]


def test_without_any_backend_the_error_says_what_to_install(bare, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"none of TensorFlow, JAX and PyTorch is installed.*autotl\[cpu\]"):
        keras_backend.prepare()


def test_the_device_says_what_it_is_and_how_exactly_it_computes():
    device = keras_backend.device()
    assert device.kind in ("cpu", "gpu")
    assert str(device) == f"{device.name}, {device.precision}"
    assert keras_backend.Device("gpu", "H200").precision == "mixed_float16"
    assert keras_backend.Device("cpu", "a processor").precision == "float32"


def test_the_processor_is_named_with_its_cores():
    assert f"({os.cpu_count()} cores)" in keras_backend.processor()


def test_a_session_repeats_itself_whatever_was_done_before():
    import keras

    def draw(seed):
        with keras_backend.session(seed):
            model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(3)])
            outputs = model(np.ones((8, 4), np.float32), training=True)
            return keras.ops.convert_to_numpy(outputs), np.random.rand(2), model.layers[-1].name  # noqa: NPY002

    first = draw(1)
    draw(2)
    again = draw(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], draw(2)[0])


def test_a_session_sets_the_precision_of_the_device_and_gives_the_old_one_back(monkeypatch):
    import keras

    monkeypatch.setattr(keras_backend, "device", lambda: keras_backend.Device("gpu", "H200"))
    before = keras.config.dtype_policy().name
    for _ in range(2):  # clearing a session resets the policy: the second session must have it too
        with pytest.raises(RuntimeError), keras_backend.session(0):
            assert keras.config.dtype_policy().name == "mixed_float16"
            raise RuntimeError
        assert keras.config.dtype_policy().name == before


def test_a_session_may_have_a_precision_of_its_own(monkeypatch):
    import keras

    monkeypatch.setattr(keras_backend, "device", lambda: keras_backend.Device("gpu", "H200"))
    with keras_backend.session(0, precision="float32"):
        assert keras.config.dtype_policy().name == "float32"


def test_the_gradient_is_that_of_the_sum_of_all_terms():
    from keras import ops

    both = keras_backend.with_gradient(lambda x: ops.stack([ops.sum(x**2), ops.sum(3 * x[0])]))
    point = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
    terms, gradient = both(point)
    np.testing.assert_allclose(terms, [15, 9])
    np.testing.assert_allclose(gradient, 2 * point + [[3, 3], [0, 0]])
    np.testing.assert_array_equal(both(2 * point)[0], [60, 18])


@pytest.mark.parametrize(("backend", "compiles"), [("jax", True), ("tensorflow", False), ("torch", False)])
def test_steps_of_a_training_are_compiled_where_they_would_be_taken_operation_by_operation(
    backend, compiles, monkeypatch
):
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    assert keras_backend.compiles_steps() == compiles


def test_no_model_is_trained_without_asking_whether_to_compile_its_steps():
    root = Path(__file__).parents[3]
    sources = [path for name in ("autotl", "plugins") for path in (root / name).rglob("*.py")]
    assert not [path for path in sources if "jit_compile=False" in path.read_text(encoding="utf-8")]
