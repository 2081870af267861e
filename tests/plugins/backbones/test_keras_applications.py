"""The networks of Keras Applications as backbones."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import replace

import h5py
import keras
import numpy as np
import onnxruntime
import pytest
from keras.src.legacy.saving import legacy_h5_format

from autotl.errors import WeightsError
from autotl.graphs import keras_to_onnx
from autotl_plugins.backbones import _keras_weights
from autotl_plugins.backbones import keras_applications as plugin
from autotl_plugins.backbones._keras_networks import APPLICATIONS
from autotl_plugins.backbones._keras_weights import DOWNLOAD_TIMEOUT_SECONDS

# Keras 3.15 hands NumPy 2 a variable of its own, whose __array__ has no `copy` yet (keras/src/backend/tensorflow).
pytestmark = pytest.mark.heavy

# The smallest of every family, and a size its layers still have something to do at.
FAMILIES = {
    "convnext-tiny": 64,
    "densenet121": 64,
    "efficientnet-b0": 64,
    "efficientnetv2-b0": 64,
    "inception-resnet-v2": 96,
    "inceptionv3": 96,
    "mobilenet": 64,
    "mobilenetv2": 64,
    "mobilenetv3-small": 64,
    "nasnet-mobile": 64,
    "resnet50": 64,
    "resnet50v2": 64,
    "vgg16": 64,
    "xception": 96,
}
# Every kind of preprocessing, and every way in which Keras loads a file.
LOADED = (
    "convnext-tiny",
    "efficientnet-b0",
    "efficientnetv2-b0",
    "efficientnetv2-s",
    "mobilenetv2",
    "mobilenetv3-small",
    "resnet50",
)
BACKBONES = {backbone.name: backbone for backbone in plugin.register_backbones()}


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Neither the weights of this machine nor its network."""
    for variable, folder in (("AUTOTL_WEIGHTS", "brought"), ("KERAS_HOME", "keras")):
        (tmp_path / folder).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / folder))
    monkeypatch.setattr(keras.utils, "get_file", refuse)


@pytest.fixture(autouse=True)
def seeded():
    """The kernels too are the same every time: some draws amplify rounding beyond any fixed bound."""
    keras.utils.set_random_seed(0)


def refuse(*args, **kwargs):
    raise Exception("URL fetch failure on https://storage: None -- [Errno -2] Name or service not known")


def randomise(model, seed=0):
    """Statistics, scales and offsets of a trained network: at their initial values they would hide errors."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if any(word in variable.path for word in ("variance", "gamma")):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif any(word in variable.path for word in ("mean", "beta", "bias")):
            variable.assign(rng.normal(0, 0.2, variable.shape))
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return model


def pixels(size):
    return np.random.default_rng(1).integers(0, 256, (1, size, size, 3)).astype(np.float32)


def arrays(model, x):
    return [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(model(x, training=False))]


def difference(a, b):
    assert a.shape == b.shape
    return np.abs(a - b).max() / np.abs(b).max()


def save_as_keras_does(model, file):
    with h5py.File(file, "w") as opened:
        legacy_h5_format.save_weights_to_hdf5_group(opened, model)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_stage_of_every_family_computes_the_same_in_onnx(name):
    model = randomise(plugin._network(name, FAMILIES[name], FAMILIES[name]))
    written = keras_to_onnx.to_onnx(model, input_dtype="uint8")
    x = pixels(FAMILIES[name])
    session = onnxruntime.InferenceSession(written.SerializeToString())
    got = session.run(model.output_names, {"images": x.astype(np.uint8)})
    assert max(difference(a, b) for a, b in zip(got, arrays(model, x), strict=True)) < 1e-4


@pytest.mark.parametrize("name", LOADED)
def test_a_backbone_computes_what_keras_computes_with_its_own_preprocessing_and_weights(name, tmp_path, monkeypatch):
    application = APPLICATIONS[name]
    function = getattr(keras.applications, application.function)
    file = tmp_path / "brought" / application.file
    trained = randomise(function(include_top=False, weights=None))
    save_as_keras_does(trained, file)
    del trained

    def fetch(fname, origin, cache_subdir, file_hash=None):
        assert (fname, origin, file_hash) == (application.file, application.url, application.digest)
        return str(file)

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fetch)
    size = 224 if name.startswith("mobilenet") else 96  # at other sizes Keras wants other files of theirs
    reference = function(include_top=False, weights="imagenet", input_shape=(size, size, 3))
    preprocess = getattr(keras.applications, function.__module__.rpartition(".")[2]).preprocess_input
    x = pixels(size)
    expected = arrays(reference, preprocess(x.copy()))[0]
    assert difference(arrays(BACKBONES[name].build(size, size), x)[-1], expected) < 1e-4


def test_each_network_says_whose_weights_it_has_and_their_licence():
    licences = {name: BACKBONES[name].licence for name in FAMILIES}
    assert licences["vgg16"] == "CC-BY-4.0"
    assert licences["densenet121"] == licences["resnet50v2"] == "BSD-3-Clause"
    assert {name for name, licence in licences.items() if licence == "MIT"} == {"convnext-tiny", "resnet50", "xception"}
    assert all(backbone.licence and backbone.commercial for backbone in BACKBONES.values())
    assert BACKBONES["resnet50"].source == "Keras Applications, converted from those of Kaiming He and others"
    assert BACKBONES["xception"].source == "Keras Applications"


def test_all_forty_networks_are_offered_with_a_default_size():
    assert len(BACKBONES) == 40
    offered = {application.function for application in APPLICATIONS.values()}
    assert offered == {name for name in dir(keras.applications) if name[0].isupper()}
    assert BACKBONES["efficientnet-b1"].sizes == ((240, 240), (320, 320))
    assert BACKBONES["efficientnet-b7"].sizes == ((600, 600),)
    assert not any(backbone.embedded for backbone in BACKBONES.values())


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        (
            "mobilenetv2",
            "expanded_conv_project_BN:32x16 block_2_add:16x24 block_5_add:8x32 block_12_add:4x96 "
            "block_16_project_BN:2x320 out_relu:2x1280",
        ),
        (
            "mobilenet",
            "conv_pw_1_relu:32x64 conv_pw_3_relu:16x128 conv_pw_5_relu:8x256 conv_pw_11_relu:4x512 "
            "conv_pw_13_relu:2x1024",
        ),
        (
            "vgg16",
            "block1_conv2:64x64 block2_conv2:32x128 block3_conv3:16x256 block4_conv3:8x512 block5_conv3:4x512 "
            "block5_pool:2x512",
        ),
    ],
)
def test_stages_are_the_narrow_ends_of_the_blocks_before_the_resolution_drops(name, stages):
    model = plugin._network(name, 64, 64)
    found = [
        f"{stage}:{tensor.shape[1]}x{tensor.shape[3]}"
        for stage, tensor in zip(model.output_names, model.outputs, strict=True)
    ]
    assert found == stages.split()


def test_stage_names_depend_neither_on_the_size_nor_on_what_was_built_before():
    names = [tuple(plugin._network("mobilenetv3-small", size, size).output_names) for size in (64, 96)]
    assert names[0] == names[1]
    assert names[0][0] == "stage1"
    assert names[0][-1] == "stage6"


def test_a_network_with_renamed_stages_can_be_saved_and_loaded(tmp_path):
    model = randomise(plugin._network("mobilenetv3-small", 64, 64))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.output_names == model.output_names
    x = pixels(64)
    assert difference(arrays(loaded, x)[-1], arrays(model, x)[-1]) == 0


def test_missing_weights_are_explained_in_one_message_and_never_replaced(tmp_path):
    for attempt in (lambda: BACKBONES["resnet50"].weights(False), lambda: BACKBONES["resnet50"].build(64, 64)):
        with pytest.raises(WeightsError) as caught:
            attempt()
        message = str(caught.value)
        application = APPLICATIONS["resnet50"]
        for part in ("resnet50", application.file, application.url, "efficientnet-lite0", "AUTOTL_WEIGHTS"):
            assert part in message
        assert str(tmp_path / "brought") in message
        assert str(tmp_path / "keras" / "models") in message
        assert "\n" not in message
        assert caught.value.__context__ is None
    assert "Name or service not known" in message


def test_nothing_is_downloaded_unless_asked_for(monkeypatch):
    monkeypatch.setattr(_keras_weights, "_download", lambda *_: pytest.fail("went to the network"))
    with pytest.raises(WeightsError):
        BACKBONES["vgg16"].weights(False)


def test_a_download_is_short_of_patience_and_silent_on_standard_output(monkeypatch, tmp_path, capsys):
    asked = {}

    def get_file(fname, origin, **options):
        asked.update(options, fname=fname, origin=origin, timeout=socket.getdefaulttimeout())
        print("Downloading data")
        return str(tmp_path / fname)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    assert BACKBONES["nasnet-mobile"].weights(True) == tmp_path / "nasnet_mobile_no_top.h5"
    assert asked["origin"].endswith("/nasnet/NASNet-mobile-no-top.h5")
    assert asked["file_hash"] == "1ed92395b5b598bdda52abe5c0dbfd63"
    assert asked["cache_dir"] == str(tmp_path / "keras")
    assert asked["timeout"] == DOWNLOAD_TIMEOUT_SECONDS
    assert socket.getdefaulttimeout() is None
    assert capsys.readouterr().out == ""


def test_the_folder_of_the_settings_comes_before_the_cache_of_keras(tmp_path):
    file = APPLICATIONS["vgg16"].file
    (tmp_path / "keras" / "models").mkdir()
    for folder in ("keras/models", "brought"):
        (tmp_path / folder / file).touch()
        assert BACKBONES["vgg16"].weights(False) == tmp_path / folder / file


def test_a_file_that_kept_the_name_of_its_address_is_found(tmp_path):
    (tmp_path / "brought" / "NASNet-mobile-no-top.h5").touch()
    assert BACKBONES["nasnet-mobile"].weights(False).name == "NASNet-mobile-no-top.h5"


def saved(tmp_path, name, *, file="", like="", **changes):
    """A file as Keras 3 saves it, of the network called `like` or of `name` itself, with random numbers."""
    function = getattr(keras.applications, APPLICATIONS[like or name].function)
    options = {"include_top": False, "weights": None, "input_shape": (96, 96, 3)} | changes
    model = randomise(function(**options))
    made = tmp_path / "brought" / (file or f"{name}.weights.h5")
    temporary = tmp_path / "made.weights.h5"
    model.save_weights(temporary)
    return temporary.rename(made), model


# A network with nested layers and preprocessing of its own, and one whose channels are turned round.
@pytest.mark.parametrize("name", ["convnext-tiny", "vgg16"])
def test_what_keras_3_saves_is_taken_and_every_number_of_it_is_used(name, tmp_path):
    _, trained = saved(tmp_path, name)
    assert BACKBONES[name].weights(False).name == f"{name}.weights.h5"
    function = getattr(keras.applications, APPLICATIONS[name].function)
    preprocess = getattr(keras.applications, function.__module__.rpartition(".")[2]).preprocess_input
    x = pixels(96)
    got = arrays(BACKBONES[name].build(96, 96), x)[-1]
    if name == "convnext-tiny":  # its own preprocessing was randomised too
        assert np.isfinite(got).all()
    else:
        assert difference(got, arrays(trained, preprocess(x.copy()))[0]) < 1e-4


@pytest.mark.parametrize("file", ["MobileNetV2.weights.h5", APPLICATIONS["mobilenetv2"].file])
def test_the_format_is_told_by_the_content_and_not_by_the_name(file, tmp_path):
    new, model = saved(tmp_path, "mobilenetv2", file=file)
    x = pixels(96)
    expected = arrays(model, x / 127.5 - 1)[0]
    assert difference(arrays(BACKBONES["mobilenetv2"].build(96, 96), x)[-1], expected) < 1e-4
    new.unlink()
    save_as_keras_does(model, tmp_path / "brought" / file)
    assert difference(arrays(BACKBONES["mobilenetv2"].build(96, 96), x)[-1], expected) < 1e-4


def test_a_file_of_keras_3_with_the_classifier_is_taken_where_that_is_a_dense_layer(tmp_path):
    _, trained = saved(tmp_path, "mobilenetv2", include_top=True)
    x = pixels(96)
    without = keras.Model(trained.input, trained.get_layer("out_relu").output)
    expected = arrays(without, x / 127.5 - 1)[0]
    assert difference(arrays(BACKBONES["mobilenetv2"].build(96, 96), x)[-1], expected) < 1e-4


@pytest.mark.parametrize(
    ("like", "changes", "told"),
    [
        ("vgg19", {}, r"layers conv2d_13.* have no place"),
        ("mobilenet", {}, r"Layer 'block1_conv1'|'block1_conv1'|have no place"),
        ("vgg16", {"input_shape": (96, 96, 1)}, r"\(3, 3, 3, 64\).*\(3, 3, 1, 64\)"),
    ],
)
def test_a_file_of_keras_3_that_is_of_another_network_is_refused_with_the_layer(like, changes, told, tmp_path):
    file, _ = saved(tmp_path, "vgg16", like=like, **changes)
    with pytest.raises(WeightsError, match=told) as caught:
        BACKBONES["vgg16"].build(96, 96)
    message = str(caught.value)
    assert str(file) in message
    assert "vgg16.weights.h5 as keras.applications.VGG16(include_top=False).save_weights writes it" in message
    assert "\n" not in message
    assert len(message) < 900


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read as an HDF5 file"),
        (b"<html>404</html>", "cannot be read as an HDF5 file"),
        (b"PK\x03\x04", "cannot be read as an HDF5 file"),
    ],
)
@pytest.mark.parametrize("file", [APPLICATIONS["vgg16"].file, "vgg16.weights.h5"])
def test_a_file_that_is_none_of_weights_is_refused(file, content, told, tmp_path):
    (tmp_path / "brought" / file).write_bytes(content)
    with pytest.raises(WeightsError, match=rf"does not hold the weights of vgg16 .*{told}"):
        BACKBONES["vgg16"].build(64, 64)


def test_a_damaged_file_and_one_of_something_else_are_refused(tmp_path):
    file, _ = saved(tmp_path, "vgg16")
    file.write_bytes(file.read_bytes()[:1_000_000])
    with pytest.raises(WeightsError, match="cannot be read as an HDF5 file"):
        BACKBONES["vgg16"].build(64, 64)
    with h5py.File(file, "w") as opened:
        opened["temperatures"] = np.ones(3)
    with pytest.raises(WeightsError, match="not of the weights of a Keras network: it holds temperatures"):
        BACKBONES["vgg16"].build(64, 64)


def test_a_missing_file_is_told_with_the_files_that_are_there(tmp_path):
    (tmp_path / "brought" / "my_resnet.weights.h5").touch()
    with pytest.raises(WeightsError, match=r"or resnet50\.weights\.h5 as Keras 3 .*holds my_resnet\.weights\.h5\."):
        BACKBONES["resnet50"].weights(False)


def test_only_the_published_file_counts_as_trained_on_imagenet(tmp_path, monkeypatch):
    file = tmp_path / "brought" / APPLICATIONS["vgg16"].file
    for digest in ("0" * 32, hashlib.md5(b"published").hexdigest(), hashlib.sha256(b"published").hexdigest()):
        file.write_bytes(b"published")
        monkeypatch.setitem(APPLICATIONS, "vgg16", replace(APPLICATIONS["vgg16"], digest=digest))
        assert BACKBONES["vgg16"].trained_on() == ("" if digest == "0" * 32 else "ImageNet")
        file.write_bytes(b"trained by somebody")
        assert BACKBONES["vgg16"].trained_on() == ""


def test_of_a_network_whose_published_file_has_no_digest_nothing_is_claimed(tmp_path):
    (tmp_path / "brought" / APPLICATIONS["mobilenetv2"].file).touch()
    assert BACKBONES["mobilenetv2"].trained_on() == ""


def test_a_file_with_other_content_is_refused(tmp_path):
    file = tmp_path / "brought" / APPLICATIONS["mobilenetv3-small"].file
    file.write_bytes(b"<html>404</html>")
    with pytest.raises(WeightsError, match=r"does not hold the weights of mobilenetv3-small"):
        BACKBONES["mobilenetv3-small"].build(64, 64)
    save_as_keras_does(plugin._network("vgg16", 64, 64), file)
    with pytest.raises(
        WeightsError, match=r"its layer 1, 'block1_conv1', has weights of shapes \(3, 3, 3, 64\), .*takes"
    ):
        BACKBONES["mobilenetv3-small"].build(64, 64)
