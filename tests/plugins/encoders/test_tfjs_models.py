import base64
import json

import numpy as np
import onnxruntime
import pytest
from scipy.signal import correlate

from autotl.errors import ConfigError, WeightsError
from autotl.testing.encoders import check_encoder_format
from autotl_plugins.encoders import _converted_files
from autotl_plugins.encoders._converter_child import completed_document
from autotl_plugins.encoders.tfjs_models import open_tfjs, register_encoder_formats

KERNELS = np.random.default_rng(0).normal(size=(3, 3, 3, 8)).astype(np.float32)
BIAS = np.linspace(-1, 1, 8, dtype=np.float32)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "cache"))


def text(value):
    return base64.b64encode(value.encode()).decode()


def node(name, op, inputs=(), **attributes):
    return {"name": name, "op": op, "input": list(inputs), "attr": {"T": {"type": "DT_FLOAT"}, **attributes}}


def constant(name, *shape):
    axes = {"shape": {"dim": [{"size": str(length)} for length in shape]}}
    return {"name": name, "op": "Const", "attr": {"dtype": {"type": "DT_FLOAT"}, "value": {"tensor": {
        "dtype": "DT_FLOAT", "tensorShape": axes["shape"]}}}}  # fmt: skip


def graph_model(folder):
    """A convolution fused with bias and ReLU, as TensorFlow.js' converter writes it, and its weights in two groups."""
    ones = {"list": {"i": ["1", "1", "1", "1"]}}
    axes = [{"size": size} for size in ("-1", "16", "16", "3")]
    images = {"name": "pixels", "op": "Placeholder", "attr": {
        "dtype": {"type": "DT_FLOAT"}, "shape": {"shape": {"dim": axes}}}}  # fmt: skip
    convolution = node(
        "relu", "_FusedConv2D", ["pixels", "kernels", "bias"], strides=ones, dilations=ones,
        fused_ops={"list": {"s": [text("BiasAdd"), text("Relu")]}}, num_args={"i": "1"}, epsilon={"f": 0.0},
        data_format={"s": text("NHWC")}, explicit_paddings={"list": {}}, use_cudnn_on_gpu={"b": True},
        padding={"s": text("VALID")},
    )  # fmt: skip
    nodes = [images, constant("kernels", 3, 3, 3, 8), constant("bias", 8), convolution]
    groups = []
    for name, weights in (("kernels", KERNELS), ("bias", BIAS)):
        (folder / f"{name}.bin").write_bytes(weights.tobytes())
        about = {"name": name, "shape": list(weights.shape), "dtype": "float32"}
        groups.append({"paths": [f"{name}.bin"], "weights": [about]})
    document = {"format": "graph-model", "modelTopology": {"node": nodes}, "weightsManifest": groups}
    return write(folder, document), document


def write(folder, document):
    (folder / "model.json").write_text(json.dumps(document))
    return folder / "model.json"


def test_a_graph_model_computes_its_fused_convolutions(tmp_path):
    file, _ = graph_model(tmp_path)
    (tmp_path / "model-settings.json").write_text('{"scale": 1, "mean": 0, "std": 1}')
    encoder = open_tfjs(str(file))
    assert (encoder.name, encoder.sizes) == (str(file), ((16, 16),))
    assert encoder.source.startswith("the file model.json; as model-settings.json says")
    images = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), np.uint8)
    session = onnxruntime.InferenceSession(encoder.graph(16, 16).SerializeToString())
    [found] = session.run(None, {"images": images})
    for number in range(8):
        plain = correlate(images[0].astype(np.float32), KERNELS[..., number], mode="valid")[..., 0] + BIAS[number]
        np.testing.assert_allclose(found[0, ..., number], np.maximum(plain, 0), rtol=1e-4, atol=1e-2)


def test_an_operation_that_the_converter_does_not_know_is_named(tmp_path):
    file, document = graph_model(tmp_path)
    document["modelTopology"]["node"].append(node("end", "NoSuchOperation", ["relu"]))
    write(tmp_path, document)
    with pytest.raises(ConfigError, match=r"converting .*model\.json to ONNX failed: .*NoSuchOperation"):
        open_tfjs(str(file))


def test_completing_a_document_gives_fused_convolutions_their_types_and_one_group_of_weights(tmp_path):
    _, document = graph_model(tmp_path)
    completed = completed_document(document, tmp_path)
    [convolution] = [one for one in completed["modelTopology"]["node"] if one["op"] == "_FusedConv2D"]
    assert convolution["attr"]["TArgs"] == {"list": {"type": ["DT_FLOAT"]}}
    [group] = completed["weightsManifest"]
    assert group["paths"] == [str(tmp_path / "kernels.bin"), str(tmp_path / "bias.bin")]
    assert [weight["name"] for weight in group["weights"]] == ["kernels", "bias"]


@pytest.mark.parametrize("path", ["../secret.bin", "/etc/passwd", "a/../../b.bin", "..\\secret.bin"])
def test_weights_outside_the_folder_of_the_model_are_not_read(tmp_path, path):
    _, document = graph_model(tmp_path)
    document["weightsManifest"][0]["paths"] = [path]
    with pytest.raises(ConfigError, match="expected files beside it"):
        open_tfjs(str(write(tmp_path, document)))


def test_missing_weights_are_named(tmp_path):
    file, _ = graph_model(tmp_path)
    (tmp_path / "bias.bin").unlink()
    with pytest.raises(WeightsError, match=r"its weights in bias\.bin, which is not beside it\. Copy all its files"):
        open_tfjs(str(file))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "is not a TensorFlow.js model"),
        ({"size": 224}, "is not a TensorFlow.js model"),
        (
            {"modelTopology": {"model_config": {}}, "weightsManifest": []},
            "is a TensorFlow.js layers model.*tensorflowjs_converter",
        ),
        ({"modelTopology": {}, "weightsManifest": []}, "its topology has no nodes"),
        ({"modelTopology": {"node": []}, "weightsManifest": []}, "does not list its weights"),
        ({"modelTopology": {"node": []}, "weightsManifest": [{}]}, "does not list its weights"),
        ({"modelTopology": {"node": []}, "weightsManifest": [3]}, "does not list its weights"),
    ],
)
def test_other_documents_are_refused_with_the_reason(tmp_path, document, reason):
    with pytest.raises(ConfigError, match=reason):
        open_tfjs(str(write(tmp_path, document)))


def test_text_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ConfigError, match=r"model\.json is not a TensorFlow\.js model"):
        open_tfjs(str(tmp_path / "model.json"))


def test_a_missing_converter_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    file, _ = graph_model(tmp_path)
    monkeypatch.setattr(_converted_files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r'pip install "autotl\[convert,cpu\]"'):
        open_tfjs(str(file))


def test_the_format_keeps_its_promises():
    [offered] = register_encoder_formats()
    check_encoder_format(offered)
