"""What is said of models of timm and torchvision before PyTorch is asked; a stand-in answers for the child process."""

import json

import onnx
import pytest
from onnx import TensorProto, helper

from autotl.errors import ConfigError, WeightsError
from autotl.testing.encoders import check_encoder_format
from autotl_plugins.encoders import _torch_formats, timm_models, torchvision_models
from autotl_plugins.encoders._torch_formats import Library, open_model

INSTALLED = ("onnx", "numpy")  # stand for packages that this machine need not have


def read(file, height, width):
    model = onnx.load(file)
    model.doc_string = f"{height}x{width}"
    return model


LIBRARY = Library("timm", INSTALLED, read)


@pytest.fixture
def exports(tmp_path, monkeypatch):
    """The requests that reached the child; it writes a graph and the facts."""
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "cache"))
    requests = []

    def answer(module, request, *, what):
        requests.append(request)
        folder = _torch_formats.Path(request["folder"])
        facts = {"sizes": [[224, 224], [320, 320]], "source": "timm net", "licence": "MIT", "commercial": True}
        (folder / "facts.json").write_text(json.dumps(facts))
        images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 8, 8, 3])
        graph = helper.make_graph([], "net", [images], [])
        onnx.save(helper.make_model(graph), folder / "network.onnx")

    monkeypatch.setattr(_torch_formats, "ask_child", answer)
    return requests


@pytest.mark.parametrize("name", ["resnet18", "torchvision:resnet18", "net.onnx", "timm", "/a/timm:b.onnx"])
def test_other_names_are_not_of_this_format(name, exports):
    assert open_model(LIBRARY, name) is None
    assert exports == []


@pytest.mark.parametrize(
    ("formats", "package"), [(timm_models, "timm"), (torchvision_models, "torchvision")], ids=["timm", "torchvision"]
)
def test_missing_packages_are_named_with_the_command_that_installs_them(formats, package, monkeypatch):
    monkeypatch.setattr(_torch_formats.importlib.util, "find_spec", lambda name: None)
    [offered] = formats.register_encoder_formats()
    with pytest.raises(WeightsError) as error:
        offered.open(f"{package}:resnet18")
    assert package in str(error.value)
    assert 'pip install "autotl[torch]"' in str(error.value)
    check_encoder_format(offered)


def test_a_prefix_without_a_model_is_refused(exports):
    with pytest.raises(ConfigError, match="does not name a model of timm"):
        open_model(LIBRARY, "timm:")


def test_a_model_is_exported_once_for_each_size_as_it_is_needed(exports):
    encoder = open_model(LIBRARY, "timm:net")
    assert (encoder.name, encoder.sizes) == ("timm:net", ((224, 224), (320, 320)))
    assert (encoder.source, encoder.licence, encoder.commercial) == ("timm net", "MIT", True)
    assert encoder.graph(224, 224).doc_string == "224x224"
    assert [request["size"] for request in exports] == [None]
    assert encoder.graph(320, 320).doc_string == "320x320"
    open_model(LIBRARY, "timm:net").graph(320, 320)
    assert [request["size"] for request in exports] == [None, (320, 320)]


def test_a_size_that_the_model_does_not_take_is_refused_with_those_that_it_takes(exports):
    with pytest.raises(ConfigError, match="does not take images of 64x64; it takes 224x224, 320x320"):
        open_model(LIBRARY, "timm:net").graph(64, 64)


def test_weights_with_the_name_of_the_model_in_the_folder_of_the_settings_are_used(exports, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_WEIGHTS", str(tmp_path))
    open_model(LIBRARY, "timm:net")
    (tmp_path / "net.pth").write_bytes(b"weights")
    open_model(LIBRARY, "timm:net")
    (tmp_path / "net.safetensors").write_bytes(b"better ones")
    open_model(LIBRARY, "timm:net")
    assert [request["weights"] for request in exports] == [
        "", str(tmp_path / "net.pth"), str(tmp_path / "net.safetensors"),
    ]  # fmt: skip


def test_changed_weights_are_exported_again(exports, tmp_path):
    file = tmp_path / "mine.pth"
    for content in (b"weights", b"weights", b"others"):
        file.write_bytes(content)
        open_model(LIBRARY, f"timm:net:checkpoint={file}")
    assert [(request["model"], request["given"]) for request in exports] == [("net", True)] * 2


def test_a_missing_checkpoint_is_named(exports, tmp_path):
    with pytest.raises(WeightsError, match=r"there is no file .*gone\.pth; expected the weights of net"):
        open_model(LIBRARY, f"timm:net:checkpoint={tmp_path / 'gone.pth'}")
    (tmp_path / "weights.zip").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"is not a weights file; expected one that ends in \.safetensors"):
        open_model(LIBRARY, f"timm:net:checkpoint={tmp_path / 'weights.zip'}")
    assert exports == []
