import json
import os
import shutil

import numpy as np
import onnx
import onnx_networks as networks
import onnxruntime
import pytest
from onnx import TensorProto, helper

from autotl.errors import ConfigError
from autotl.graphs.network_trial import examined
from autotl.runtime.child_process import Isolated
from autotl_plugins.encoders import _examined_files
from autotl_plugins.encoders.onnx_files import open_file

IMAGENET = {"mean": np.array([0.485, 0.456, 0.406]), "std": np.array([0.229, 0.224, 0.225])}
RELATIVE = 1e-5


class InThisProcess:
    """In place of a child process, which takes a second to start; one test below has a real one."""

    def __init__(self, module, function, *, crash, seconds):
        pass

    def __call__(self, file):
        return examined(file)

    def close(self):
        pass


@pytest.fixture(autouse=True)
def no_child_process(request, monkeypatch):
    if "child" not in request.node.name:
        monkeypatch.setattr(_examined_files, "Isolated", InThisProcess)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache that holds nothing of other tests, whose networks have the same content."""
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def images(size, n=4, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (n, *size, 3), np.uint8)


def features(encoder, batch):
    model = encoder.graph(*batch.shape[1:3])
    onnx.checker.check_model(model)
    assert [value.name for value in model.graph.input] == ["images"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    found = dict(zip(names, session.run(names, {"images": batch}), strict=True))
    assert all(array.dtype == np.float32 and len(array) == len(batch) for array in found.values())
    return found


def bare(model, tensors, x, *, one_by_one=False, others=None):
    """Tensors of a network as it is in the file, computed by ONNX Runtime alone."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    have = {value.name for value in copy.graph.output}
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors if name not in have)
    session = onnxruntime.InferenceSession(copy.SerializeToString(), providers=["CPUExecutionProvider"])
    source = model.graph.input[0].name
    batches = [x[i : i + 1] for i in range(len(x))] if one_by_one else [x]
    runs = [session.run(tensors, {source: batch, **(others or {})}) for batch in batches]
    return {name: np.concatenate([run[i] for run in runs]) for i, name in enumerate(tensors)}


def imagenet(batch):
    return ((batch / 255 - IMAGENET["mean"]) / IMAGENET["std"]).astype(np.float32).transpose(0, 3, 1, 2)


def same(found, expected, relative=RELATIVE):
    """Maps as the network has them, channels first, or vectors."""
    expected = np.asarray(expected, np.float32)
    if found.ndim == 4 and expected.ndim == 4:
        expected = expected.transpose(0, 2, 3, 1)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= relative * np.abs(expected).max()


CONVOLUTIONAL = {
    "alexnet": (networks.alexnet, {"stage1": "norm1", "stage2": "norm2", "stage3": "relu5", "vector1": "fc6",
                                   "vector2": "fc7", "logits": "fc8"}),
    "googlenet": (networks.googlenet, {"stage1": "stem", "stage2": "a2", "stage3": "b1", "vector1": "aux",
                                       "logits": "logits"}),
    "squeezenet": (networks.squeezenet, {"stage1": "conv1", "stage2": "fire2", "stage3": "fire3", "stage4": "conv10"}),
    "PReLU-net": (lambda: networks.squeezenet(prelu=True), {"stage1": "conv1", "stage2": "fire2", "stage3": "fire3",
                                                            "stage4": "conv10"}),
    "resnet": (networks.resnet, {"stage1": "stem", "stage2": "layer1", "stage3": "layer2", "logits": "logits"}),
    "resnet of one image": (lambda: networks.resnet(fixed=1), {"stage1": "stem", "stage2": "layer1",
                                                                   "stage3": "layer2", "logits": "logits"}),
    "segmenter": (networks.u_net, {"stage1": "one", "stage2": "two", "stage3": "three", "stage4": "mask_logits"}),
}  # fmt: skip


@pytest.mark.parametrize("family", CONVOLUTIONAL)
def test_a_convolutional_network_is_read_before_each_reduction_and_at_its_end(family, tmp_path):
    make, stages = CONVOLUTIONAL[family]
    model = make()
    file = networks.save(model, tmp_path / "net.onnx")
    encoder = open_file(str(file))
    batch = images(encoder.sizes[0])
    found = features(encoder, batch)
    fixed = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    expected = bare(model, list(stages.values()), imagenet(batch), one_by_one=fixed)
    assert list(found) == list(stages)
    for stage, tensor in stages.items():
        same(found[stage], expected[tensor])


@pytest.mark.parametrize("opset", range(7, 24))
def test_every_operator_set_from_7_to_23_gives_the_features_of_the_file_and_joins_a_head(opset, tmp_path):
    from autotl.graphs.blocks import affine
    from autotl.graphs.surgery import join, prune

    model = networks.resnet(opset)
    encoder = open_file(str(networks.save(model, tmp_path / "net.onnx")))
    batch = images((48, 48))
    found = features(encoder, batch)
    expected = bare(model, ["stem", "layer1", "layer2", "logits"], imagenet(batch))
    for stage, tensor in zip(found, expected, strict=True):
        same(found[stage], expected[tensor])
    head = affine(np.ones((10, 2)), np.zeros(2), "features", "probabilities", softmax=True)
    joined = join(prune(encoder.graph(48, 48), ["logits"]), head, {"logits": "features"})
    session = onnxruntime.InferenceSession(joined.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(["probabilities"], {"images": batch})[0], 0.5)


def test_a_grey_network_gets_pillows_grey_levels(tmp_path):
    from PIL import Image

    model = networks.lenet()
    encoder = open_file(str(networks.save(model, tmp_path / "lenet.onnx")))
    batch = images((32, 32))
    grey = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in batch])[:, None]
    tensors = {"stage1": "c1", "stage2": "c3", "stage3": "s4", "vector1": "f5", "vector2": "f6", "logits": "f7"}
    expected = bare(model, list(tensors.values()), (grey / 255).astype(np.float32))
    found = features(encoder, batch)
    assert list(found) == list(tensors)
    for stage, tensor in tensors.items():
        same(found[stage], expected[tensor])
    assert "assumed" in encoder.source


def test_a_map_is_read_before_it_is_padded_and_pixels_are_no_map(tmp_path):
    net = networks.Net()
    x = net.op("Div", net.op("Sub", "input", net.const(123.0)), net.const(58.0))
    x = net.relu(net.conv(x, 3, 8, 3, 2), to="first")
    x = net.op("Pad", x, net.const(np.array([0, 0, 1, 1, 0, 0, 1, 1])), to="padded")
    model = net.model(["n", 3, 32, 32], [net.relu(net.conv(x, 8, 12, 3, 2, 0), to="second")])
    encoder = open_file(str(networks.save(model, tmp_path / "net.onnx")))
    batch = images((32, 32))
    found = features(encoder, batch)
    expected = bare(model, ["first", "second"], batch.astype(np.float32).transpose(0, 3, 1, 2))
    assert list(found) == ["stage1", "stage2"]
    same(found["stage1"], expected["first"])
    same(found["stage2"], expected["second"])


def test_a_batch_that_is_fixed_at_several_images_is_made_free(tmp_path):
    model = networks.resnet(fixed=4)
    encoder = open_file(str(networks.save(model, tmp_path / "net.onnx")))
    batch = images((48, 48))
    expected = bare(model, ["layer1", "logits"], imagenet(batch))
    same(features(encoder, batch)["logits"], expected["logits"])
    same(features(encoder, batch[:3])["stage2"], expected["layer1"][:3])


def test_a_network_that_mixes_the_images_of_a_batch_gets_one_image_at_a_time(tmp_path):
    net = networks.Net()
    x = net.conv("input", 3, 8, 3, 2)
    x = net.relu(net.op("Sub", x, net.op("ReduceMean", x, axes=[0, 2, 3])), to="centred")
    model = net.model([1, 3, 32, 32], ["centred"])
    encoder = open_file(str(networks.save(model, tmp_path / "net.onnx")))
    batch = images((32, 32))
    same(features(encoder, batch)["stage1"], bare(model, ["centred"], imagenet(batch), one_by_one=True)["centred"])
    assert "one image at a time" in encoder.source


def test_a_hubs_size_of_images_does_not_overrule_that_of_the_graph(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5] * 3, "size": {"shortest_edge": 72}})
    )
    encoder = open_file(str(networks.save(networks.squeezenet(), tmp_path / "net.onnx")))
    assert encoder.sizes == ((64, 64),)


def test_half_precision_stays_inside_and_features_are_single(tmp_path):
    model = networks.squeezenet(half=True)
    encoder = open_file(str(networks.save(model, tmp_path / "half.onnx")))
    batch = images((64, 64))
    # ONNX Runtime rounds to half precision where a tensor is an output, so the same ones are read.
    expected = bare(model, ["conv1", "fire2", "fire3", "conv10"], imagenet(batch).astype(np.float16))
    found = features(encoder, batch)
    for stage, tensor in zip(found, expected, strict=True):
        same(found[stage], expected[tensor])


VITS = {
    "ViT": {},
    "ViT of one image": {"batch": 1},
    "DINO with registers": {"registers": 4},
    "ViT that leaves its size free, but has positions for one": {"size": "height"},
}


@pytest.mark.parametrize("kind", VITS)
def test_tokens_are_read_as_maps_beside_the_class_token_and_the_pooled_output(kind, tmp_path):
    model = networks.vit(**VITS[kind])
    file = networks.save(model, tmp_path / "vit.onnx")
    encoder = open_file(str(file))
    assert encoder.sizes == ((32, 32),)
    batch = images((32, 32))
    found = features(encoder, batch)
    fixed = VITS[kind].get("batch") == 1
    expected = bare(model, ["last_hidden_state", "pooler_output", "block3"], imagenet(batch), one_by_one=fixed)
    tokens = expected["last_hidden_state"]
    prefix = 1 + VITS[kind].get("registers", 0)
    assert list(found) == ["stage1", "stage2", "stage3", "stage4", "class_token", "embedding"]
    same(found["stage4"].reshape(4, 16, 12), tokens[:, prefix:])
    same(found["stage3"].reshape(4, 16, 12), expected["block3"][:, prefix:])
    same(found["stage4"].mean((1, 2)), tokens[:, prefix:].mean(1))
    same(found["class_token"], tokens[:, 0])
    same(found["embedding"], expected["pooler_output"])
    assert ("one image at a time" in encoder.source) == fixed


def test_the_place_of_a_token_in_a_map_is_that_of_its_patch(tmp_path):
    encoder = open_file(str(networks.save(networks.vit(), tmp_path / "vit.onnx")))
    batch = np.repeat(images((32, 32), 1), 2, axis=0)
    batch[1, 8:16, 24:32] = 255 - batch[1, 8:16, 24:32]
    first = features(encoder, batch)["stage1"]
    assert np.argwhere(np.abs(first[0] - first[1]).sum(-1) == np.abs(first[0] - first[1]).sum(-1).max()).tolist() == [
        [1, 3]
    ]


@pytest.mark.parametrize("batch_axis", ["n", 1])
def test_a_clip_tower_gives_its_projected_embedding(batch_axis, tmp_path):
    model = networks.vit(batch=batch_axis, time_first=True, projected=True)
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28], "size": 32, "crop_size": 32})
    )
    encoder = open_file(str(networks.save(model, tmp_path / "visual.onnx")))
    batch = images((32, 32))
    x = ((batch / 255 - [0.48, 0.46, 0.41]) / [0.27, 0.26, 0.28]).astype(np.float32).transpose(0, 3, 1, 2)
    expected = bare(model, ["image_embeds", "post"], x, one_by_one=batch_axis == 1)
    found = features(encoder, batch)
    same(found["embedding"], expected["image_embeds"])
    same(found["vector1"], expected["post"])
    assert found["stage1"].shape == (4, 4, 4, 12)
    assert "preprocessor_config.json" in encoder.source


def test_only_the_image_tower_is_taken_from_a_file_that_holds_a_text_tower_too(tmp_path):
    model = networks.two_towers()
    encoder = open_file(str(networks.save(model, tmp_path / "clip.onnx")))
    batch = images((32, 32))
    text = {"input_ids": np.zeros((1, 3), np.int64)}
    expected = bare(model, ["stem", "second", "image_embeds"], imagenet(batch), others=text)
    found = features(encoder, batch)
    assert list(found) == ["stage1", "stage2", "embedding"]
    for stage, tensor in zip(found, expected, strict=True):
        same(found[stage], expected[tensor])


def test_normalisation_inside_a_face_embedder_is_seen_and_its_licence_said(tmp_path):
    model = networks.face_embedder()
    encoder = open_file(str(networks.save(model, tmp_path / "face.onnx")))
    batch = images((112, 112))
    expected = bare(model, ["first", "second", "fc1"], batch.astype(np.float32).transpose(0, 3, 1, 2))
    found = features(encoder, batch)
    assert list(found) == ["stage1", "stage2", "embedding"]
    for stage, tensor in zip(found, expected, strict=True):
        same(found[stage], expected[tensor])
    assert "0 to 255" in encoder.source
    assert "A. Lab" in encoder.source
    assert "assumed" not in encoder.source
    assert encoder.licence == "non-commercial research"
    assert not encoder.commercial


@pytest.mark.parametrize("element", [TensorProto.FLOAT, TensorProto.UINT8])
def test_channels_last_and_bytes_are_given_as_the_network_takes_them(element, tmp_path):
    model = networks.channels_last(element)
    encoder = open_file(str(networks.save(model, tmp_path / "tf.onnx")))
    assert encoder.sizes == ((40, 48),)
    batch = images((40, 48))
    x = batch if element == TensorProto.UINT8 else batch.astype(np.float32)
    expected = bare(model, ["first", "turned"], x)
    found = features(encoder, batch)
    same(found["stage1"], expected["first"])
    same(found["stage2"], expected["turned"].transpose(0, 3, 1, 2))


def test_a_network_with_free_axes_takes_several_sizes_with_the_usual_one_first(tmp_path):
    model = networks.mobilenet()
    encoder = open_file(str(networks.save(model, tmp_path / "mobile.onnx")))
    assert encoder.sizes == ((224, 224), (128, 128), (320, 320), (448, 448))
    for size in encoder.sizes[:2]:
        batch = images(size, 2)
        found = features(encoder, batch)
        expected = bare(model, ["b2", "head", "logits"], imagenet(batch))
        for stage, tensor in zip(("stage2", "stage3", "logits"), expected, strict=True):
            same(found[stage], expected[tensor])
    with pytest.raises(ConfigError, match="does not take images of 100x100; it takes 224x224"):
        encoder.graph(100, 100)


def test_a_keras_network_written_by_us_is_read_as_keras_computes_it(tmp_path):
    import keras

    from autotl.graphs.keras_to_onnx import to_onnx

    keras.utils.set_random_seed(0)
    network = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, include_top=False, weights=None)
    inputs = keras.Input((96, 96, 3))
    model = keras.Model(inputs, network(keras.layers.Rescaling(1 / 127.5, -1)(inputs)))
    file = networks.save(to_onnx(model), tmp_path / "keras.onnx")
    encoder = open_file(str(file))
    assert "0 to 255" in encoder.source
    batch = images((96, 96), 3)
    found = features(encoder, batch)
    [last] = list(found.values())[-1:]
    expected = model.predict(batch.astype(np.float32), verbose=0)
    assert np.abs(last - expected).max() <= 1e-4 * np.abs(expected).max()
    assert len({array.shape[1] for array in found.values()}) >= 4


def test_a_file_beside_it_says_how_pixels_are_normalised_and_what_is_read(tmp_path):
    model = networks.squeezenet(size="height")
    file = networks.save(model, tmp_path / "net.onnx")
    said = {"size": [64, 96], "mean": [104, 117, 123], "channels": "BGR", "outputs": ["fire2", "scores"],
            "source": "a lab", "licence": "CC-BY-NC-4.0", "commercial": False}  # fmt: skip
    (tmp_path / "net.json").write_text(json.dumps(said))
    encoder = open_file(str(file))
    assert encoder.sizes == ((64, 96),)
    assert (encoder.licence, encoder.commercial) == ("CC-BY-NC-4.0", False)
    assert "a lab" in encoder.source
    assert "net.json" in encoder.source
    batch = images((64, 96))
    x = (batch[..., ::-1] - np.array([104.0, 117, 123])).astype(np.float32).transpose(0, 3, 1, 2)
    expected = bare(model, ["fire2", "scores"], x)
    found = features(encoder, batch)
    assert list(found) == ["1_fire2", "2_scores"]
    same(found["1_fire2"], expected["fire2"])
    same(found["2_scores"], expected["scores"])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"sizes": 3}, r"net\.json has the key 'sizes'; expected some of size, scale"),
        ({"size": 0}, r"net\.json has 0 under 'size'; expected a whole number of pixels"),
        ({"mean": [1, 2]}, r"net\.json has \[1, 2\] under 'mean'; expected a number, or one per channel"),
        ({"std": 0}, "under 'std'; expected a number above 0"),
        ({"channels": "XYZ"}, "expected one of RGB, BGR, grey"),
        ({"channels": "grey"}, "has 'grey' under 'channels'; the input 'input' has 3"),
        ({"layout": "CHW"}, "expected one of NCHW, NHWC"),
        ({"commercial": "no"}, "expected true or false"),
        ({"outputs": ["fire9"]}, r"has 'fire9' under 'outputs'; expected names of tensors .*fire3"),
        ({"size": 65}, "has the size 65x65; the input 'input' is of 64x64"),
        ({"mean": float("nan")}, "has NaN under 'mean'; expected a number"),
        ({"std": 1e-45}, "under 'std'; expected a number above 0"),
        ({"source": "x" * 2_000_000}, r"net\.json has 2.0 MB; expected an object such as"),
        ([1], r"holds \[1\]; expected an object"),
    ],
)
def test_a_slip_in_that_file_is_named(said, message, tmp_path):
    file = networks.save(networks.squeezenet(), tmp_path / "net.onnx")
    (tmp_path / "net.json").write_text(json.dumps(said))
    with pytest.raises(ConfigError, match=message):
        open_file(str(file))


def test_a_file_that_an_editor_began_with_a_mark_is_read_and_its_texts_become_one_line(tmp_path):
    file = networks.save(networks.squeezenet(), tmp_path / "net.onnx")
    said = {"licence": "MIT\n\n# and more\x1b[31m", "source": "a lab " * 1000}
    (tmp_path / "net.json").write_text(json.dumps(said), encoding="utf-8-sig")
    encoder = open_file(str(file))
    assert encoder.licence == "MIT # and more [31m"
    assert len(encoder.source) < 1000


@pytest.mark.parametrize("licence", ["cc-by-nc-4.0", "apple-amlr", "academic only"])
def test_every_kind_of_file_knows_the_licences_that_forbid_commercial_use(licence, tmp_path):
    file = networks.save(networks.squeezenet(), tmp_path / "net.onnx")
    (tmp_path / "net.json").write_text(json.dumps({"licence": licence}))
    assert not open_file(str(file)).commercial
    (tmp_path / "net.json").write_text(json.dumps({"licence": licence, "commercial": True}))
    assert open_file(str(file)).commercial


def test_settings_as_editors_on_windows_write_them_are_read_and_their_texts_become_one_line(tmp_path):
    file = networks.save(networks.squeezenet(), tmp_path / "net.onnx")
    text = json.dumps({"source": "a lab\n\n# of ours", "licence": " MIT\n"})
    (tmp_path / "net.json").write_text(text, encoding="utf-8-sig")
    encoder = open_file(str(file))
    assert "from a lab # of ours;" in encoder.source
    assert encoder.licence == "MIT"


@pytest.mark.parametrize("content", ["[1, 2]", "no JSON", '{"batch_size": 3}', '{"pretrained_cfg": 1}'])
def test_a_configuration_of_another_program_is_passed_over(content, tmp_path):
    (tmp_path / "config.json").write_text(content)
    assert open_file(str(networks.save(networks.squeezenet(), tmp_path / "net.onnx"))).sizes == ((64, 64),)


def test_timms_configuration_is_understood(tmp_path):
    file = networks.save(networks.squeezenet(), tmp_path / "model.onnx")
    about = {"input_size": [3, 64, 64], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "license": "apache-2.0"}
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "x", "pretrained_cfg": about}))
    encoder = open_file(str(file))
    assert encoder.licence == "apache-2.0"
    batch = images((64, 64))
    x = (batch / 127.5 - 1).astype(np.float32).transpose(0, 3, 1, 2)
    same(features(encoder, batch)["stage1"], bare(networks.squeezenet(), ["conv1"], x)["conv1"])


@pytest.mark.parametrize(("order", "channels"), [((0.485, 0.456, 0.406), "RGB"), ((0.406, 0.456, 0.485), "BGR")])
def test_the_order_of_channels_is_seen_in_means_inside_the_graph(order, channels, tmp_path):
    net = networks.Net()
    x = net.op("Div", net.op("Sub", "input", net.const(np.reshape(order, (1, 3, 1, 1)))), net.const(0.225))
    model = net.model(["n", 3, 32, 32], [net.relu(net.conv(x, 3, 8, 3, 2), to="first")])
    encoder = open_file(str(networks.save(model, tmp_path / "net.onnx")))
    batch = images((32, 32))
    given = batch if channels == "RGB" else batch[..., ::-1]
    expected = bare(model, ["first"], (given / 255).astype(np.float32).transpose(0, 3, 1, 2))
    same(features(encoder, batch)["stage1"], expected["first"])
    assert "0 to 1" in encoder.source


def test_weights_in_a_file_of_their_own_are_read_and_a_missing_one_is_named(tmp_path):
    model = networks.resnet()
    stored = onnx.ModelProto()
    stored.CopyFrom(model)
    onnx.save(stored, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    batch = images((48, 48))
    encoder = open_file(str(tmp_path / "net.onnx"))
    same(features(encoder, batch)["logits"], bare(model, ["logits"], imagenet(batch))["logits"])
    shutil.copy(tmp_path / "net.onnx", tmp_path / "alone.onnx")
    (tmp_path / "net.data").unlink()
    with pytest.raises(ConfigError, match=r"its weights are in the file 'net\.data', which is not in the same folder"):
        open_file(str(tmp_path / "alone.onnx"))


def test_functions_are_written_out_and_operators_of_onnx_runtime_are_used_and_said(tmp_path):
    net = networks.Net()
    x = net.conv("input", 3, 8, 3, 2)
    net.nodes.append(helper.make_node("Twice", [x], ["twice"], domain="local"))
    net.nodes.append(helper.make_node("QuickGelu", ["twice"], ["gelu"], domain="com.microsoft", alpha=1.7))
    model = net.model(["n", 3, 32, 32], ["gelu"], domains=["local", "com.microsoft"])
    body = [helper.make_node("Add", ["a", "a"], ["b"])]
    model.functions.append(helper.make_function("local", "Twice", ["a"], ["b"], body, [helper.make_opsetid("", 17)]))
    encoder = open_file(str(networks.save(model, tmp_path / "net.onnx")))
    batch = images((32, 32))
    same(features(encoder, batch)["stage1"], bare(model, ["gelu"], imagenet(batch))["gelu"])
    assert "com.microsoft" in encoder.source


def test_names_that_a_head_uses_too_do_not_collide(tmp_path):
    from autotl.graphs.blocks import affine
    from autotl.graphs.surgery import join

    net = networks.Net()
    x = net.relu(net.conv("images", 3, 8, 3, 2), to="probabilities")
    x = net.linear(net.op("Flatten", net.op("GlobalAveragePool", x), axis=1, to="features"), 8, 4, to="stage1")
    model = net.model(["n", 3, 32, 32], ["stage1"], source="images")
    encoder = open_file(str(networks.save(model, tmp_path / "net.onnx")))
    batch = images((32, 32))
    expected = bare(model, ["probabilities", "stage1"], imagenet(batch))
    found = features(encoder, batch)
    same(found["stage1"], expected["probabilities"])
    same(found["embedding"], expected["stage1"])
    head = affine(np.eye(4), np.zeros(4), "features", "probabilities")
    joined = join(encoder.graph(32, 32), head, {"embedding": "features"})
    assert "probabilities" in [value.name for value in joined.graph.output]


def test_a_name_without_the_suffix_is_not_ours():
    assert open_file("mobilenetv2") is None
    assert open_file("timm:resnet18") is None


def test_a_missing_file_a_folder_and_a_file_that_is_no_network_are_refused(tmp_path):
    networks.save(networks.squeezenet(), tmp_path / "squeezenet.onnx")
    with pytest.raises(ConfigError, match=r"there is no file .*; did you mean 'squeezenet\.onnx'"):
        open_file(str(tmp_path / "squeezenett.onnx"))
    with pytest.raises(ConfigError, match="there is no such folder"):
        open_file(str(tmp_path / "elsewhere" / "net.onnx"))
    (tmp_path / "link.onnx").symlink_to("gone.onnx")
    with pytest.raises(ConfigError, match=r"link\.onnx is a link to gone\.onnx, which is not there"):
        open_file(str(tmp_path / "link.onnx"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.onnx")
        with pytest.raises(ConfigError, match=r"pipe\.onnx is a pipe or a device; expected a file"):
            open_file(str(tmp_path / "pipe.onnx"))
    with (tmp_path / "large.onnx").open("wb") as large:
        large.truncate(50 * 2**30)
    with pytest.raises(ConfigError, match=r"large\.onnx cannot be used .* more than 2 GB"):
        open_file(str(tmp_path / "large.onnx"))
    (tmp_path / "folder.ONNX").mkdir()
    with pytest.raises(ConfigError, match="is a folder; expected an ONNX file"):
        open_file(str(tmp_path / "folder.ONNX"))
    for content, message in (
        (b"", "empty"),
        (b"not ONNX at all", "not an ONNX file"),
        (b"\x08\x07", "its graph has no nodes"),
    ):
        (tmp_path / "bad.onnx").write_bytes(content)
        with pytest.raises(ConfigError, match=f"bad.onnx cannot be used as a backbone: .*{message}"):
            open_file(str(tmp_path / "bad.onnx"))


def test_what_is_no_network_of_images_is_refused_with_what_it_takes(tmp_path):
    net = networks.Net()
    model = net.model(["n", 20], [net.linear("input", 20, 4)])
    with pytest.raises(ConfigError, match=r"none of its inputs takes images: 'input' float \(n, 20\)"):
        open_file(str(networks.save(model, tmp_path / "table.onnx")))
    net = networks.Net()
    x = net.op("Mul", net.conv("input", 3, 4), "strength")
    model = net.model(["n", 3, 32, 32], [x], others=[("strength", TensorProto.FLOAT, [1])])
    with pytest.raises(ConfigError, match="it needs 'strength' as well as the images 'input'"):
        open_file(str(networks.save(model, tmp_path / "two.onnx")))
    net = networks.Net()
    model = net.model(["n", 4, 32, 32], [net.conv("input", 4, 4)])
    with pytest.raises(ConfigError, match="with 3 channels or 1"):
        open_file(str(networks.save(model, tmp_path / "four.onnx")))


def test_what_onnx_runtime_refuses_is_refused_with_its_reason(tmp_path):
    net = networks.Net()
    net.nodes.append(helper.make_node("Unheard", ["input"], ["out"], domain="nobody.example"))
    model = net.model(["n", 3, 32, 32], ["out"], domains=["nobody.example"])
    with pytest.raises(ConfigError, match=r"ONNX Runtime cannot run it .*nobody\.example"):
        open_file(str(networks.save(model, tmp_path / "net.onnx")))


def test_a_file_is_examined_once_on_a_machine_until_its_content_changes(own_cache, tmp_path, monkeypatch):
    file = networks.save(networks.squeezenet(), tmp_path / "net.onnx")
    first = open_file(str(file))
    monkeypatch.setattr(_examined_files, "Isolated", None)
    _examined_files._examined.cache_clear()  # as in another process
    os.utime(file, ns=(1, 1))
    again = open_file(str(file))
    assert (again.sizes, again.source) == (first.sizes, first.source)
    networks.save(networks.alexnet(), file)
    with pytest.raises(TypeError):
        open_file(str(file))


def test_settings_that_change_or_bear_another_name_are_examined_again(own_cache, tmp_path):
    for name in ("net", "other"):
        file = networks.save(networks.squeezenet(), tmp_path / f"{name}.onnx")
        for scale in (1, 0.5):
            (tmp_path / f"{name}.json").write_text(json.dumps({"scale": scale, "mean": 0, "std": 1}))
            batch = images((64, 64))
            x = (batch * np.float32(scale)).astype(np.float32).transpose(0, 3, 1, 2)
            encoder = open_file(str(file))
            assert f"as {name}.json says" in encoder.source
            same(features(encoder, batch)["stage1"], bare(networks.squeezenet(), ["conv1"], x)["conv1"])


@pytest.mark.parametrize("content", [b"", b"[]", b'{"reading": {}, "metadata": {}}', None])
def test_what_is_kept_is_found_out_again_where_it_is_damaged(content, own_cache, tmp_path):
    file = networks.save(networks.squeezenet(), tmp_path / "net.onnx")
    first = open_file(str(file))
    [facts] = own_cache.glob("networks/*/facts.json")
    facts.unlink() if content is None else facts.write_bytes(content)
    _examined_files._examined.cache_clear()
    assert open_file(str(file)).source == first.source
    assert facts.stat().st_size > 100


def test_a_refusal_is_not_kept(own_cache, tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"")
    with pytest.raises(ConfigError, match="empty"):
        open_file(str(tmp_path / "net.onnx"))
    assert list((own_cache / "networks").iterdir()) == []


def test_a_change_of_the_weights_beside_a_file_is_noticed(own_cache, tmp_path):
    file, beside = tmp_path / "net.onnx", tmp_path / "net.data"
    onnx.save(networks.resnet(), file, save_as_external_data=True, location=beside.name, size_threshold=0)
    assert open_file(str(file)).sizes == ((48, 48),)
    beside.write_bytes(b"\xff" * beside.stat().st_size)
    with pytest.raises(ConfigError, match="is not finite"):
        open_file(str(file))
    beside.unlink()
    with pytest.raises(ConfigError, match=r"its weights are in the file 'net\.data', which is not in the same folder"):
        open_file(str(file))


def test_the_same_file_gives_the_same_graph(tmp_path):
    file = networks.save(networks.vit(batch=1), tmp_path / "net.onnx")
    first, second = (open_file(str(file)).graph(32, 32).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_the_file_is_run_in_a_child_process_and_a_crash_there_is_a_reason(own_cache, tmp_path, monkeypatch):
    file = networks.save(networks.squeezenet(), tmp_path / "net.onnx")
    assert open_file(str(file)).sizes == ((64, 64),)
    ended = Isolated("graphs.no_such_module", "examined", crash=_examined_files.CRASH)
    monkeypatch.setattr(_examined_files, "Isolated", lambda *_names, **_crash: ended)
    networks.save(networks.alexnet(), file)
    with pytest.raises(ConfigError, match="it crashes ONNX Runtime"):
        open_file(str(file))
