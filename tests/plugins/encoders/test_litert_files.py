import numpy as np
import onnxruntime
import pytest

from autotl.errors import ConfigError, WeightsError
from autotl.testing.encoders import check_encoder_format
from autotl_plugins.encoders import _converted_files
from autotl_plugins.encoders.litert_files import open_litert, register_encoder_formats


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "cache"))


def litert_file(folder):
    """A small network of TensorFlow, of pixels 0..1, as a LiteRT file; returns the file and what it computes."""
    import tensorflow as tf

    kernels = np.random.default_rng(0).normal(size=(3, 3, 3, 8)).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, 32, 32, 3], tf.float32)])
    def network(pixels):
        return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(pixels, kernels, 2, "SAME")), axis=(1, 2)) @ kernels[0, 0, :, :].T

    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()])
    file = folder / "net.tflite"
    file.write_bytes(converter.convert())
    return file, network


@pytest.mark.heavy
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # TensorFlow announces that its own converter moves to another package
def test_a_litert_file_computes_what_tensorflow_computes_with_the_pixels_that_its_settings_say(tmp_path):
    file, network = litert_file(tmp_path)
    (tmp_path / "net-settings.json").write_text('{"scale": 0.00392156862745098, "mean": 0, "std": 1, "licence": "MIT"}')
    encoder = open_litert(str(file))
    assert (encoder.name, encoder.sizes, encoder.licence) == (str(file), ((32, 32),), "MIT")
    assert encoder.source.startswith("the file net.tflite; as net-settings.json says")
    images = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)
    session = onnxruntime.InferenceSession(encoder.graph(32, 32).SerializeToString())
    last = session.run([session.get_outputs()[-1].name], {"images": images})[0]
    for found, image in zip(last, images, strict=True):
        expected = network((image[None] / 255).astype(np.float32)).numpy()[0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    (tmp_path / "net-settings.json").write_text('{"scale": 1, "mean": 0, "std": 1}')
    assert open_litert(str(file)).licence == ""


@pytest.mark.heavy
def test_damaged_files_are_refused_with_the_reason(tmp_path):
    (tmp_path / "text.tflite").write_text("not a network")
    with pytest.raises(ConfigError, match="is not a LiteRT file: it does not begin with the mark TFL3"):
        open_litert(str(tmp_path / "text.tflite"))
    (tmp_path / "cut.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(range(200)))
    with pytest.raises(ConfigError, match=r"converting .*cut\.tflite to ONNX failed"):
        open_litert(str(tmp_path / "cut.tflite"))


def test_a_missing_converter_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    (tmp_path / "net.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    monkeypatch.setattr(_converted_files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r'pip install "autotl\[convert,cpu\]", or convert the file elsewhere'):
        open_litert(str(tmp_path / "net.tflite"))


def test_a_missing_file_is_answered_with_those_that_are_there(tmp_path):
    (tmp_path / "other.tflite").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"there is no file .*net\.tflite; .* has other\.tflite"):
        open_litert(str(tmp_path / "net.tflite"))


def test_the_format_keeps_its_promises():
    [offered] = register_encoder_formats()
    check_encoder_format(offered)
