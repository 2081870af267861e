"""With PyTorch and torchvision themselves; skipped where the extra `torch` is not installed."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from autotl.errors import ConfigError, WeightsError
from autotl.testing.encoders import check_encoder
from autotl_plugins.encoders._torch_formats import open_model
from autotl_plugins.encoders.torchvision_models import TORCHVISION

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.heavy
MODEL = "mobilenet_v3_small"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for the module: an export takes half a minute."""
    return tmp_path_factory.mktemp("torchvision")


@pytest.fixture(autouse=True)
def settings(folder, monkeypatch):
    monkeypatch.setenv("AUTOTL_CACHE", str(folder / "cache"))
    monkeypatch.setenv("AUTOTL_WEIGHTS", str(folder))
    monkeypatch.setenv("TORCH_HOME", str(folder / "hub"))


def saved(name, file, **options):
    torch.manual_seed(0)
    network = torchvision.models.get_model(name, weights=None, **options).eval()
    torch.save(network.state_dict(), file)
    return network


def test_the_graph_computes_what_torchvision_computes_of_normalised_pixels(folder):
    network = saved(MODEL, folder / f"{MODEL}.pth")
    encoder = open_model(TORCHVISION, f"torchvision:{MODEL}")
    assert encoder.sizes == ((224, 224), (320, 320))
    assert (encoder.licence, encoder.commercial) == ("BSD-3-Clause", True)
    images = np.random.default_rng(0).integers(0, 256, (3, 320, 320, 3), np.uint8)
    session = onnxruntime.InferenceSession(encoder.graph(320, 320).SerializeToString())
    found = dict(zip([one.name for one in session.get_outputs()], session.run(None, {"images": images}), strict=True))
    transforms = torchvision.models.get_model_weights(MODEL).DEFAULT.transforms()
    mean, std = (torch.tensor(numbers).reshape(3, 1, 1) for numbers in (transforms.mean, transforms.std))
    with torch.no_grad():
        logits = network((torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std)
    np.testing.assert_allclose(found["logits"], logits, atol=1e-5)
    assert list(found)[:2] == ["stage1", "stage2"]
    check_encoder(replace(encoder, name="model"))  # as a plugin would offer it


def test_weights_for_other_classes_are_taken_and_weights_of_another_network_refused(folder):
    saved(MODEL, folder / "seven.pth", num_classes=7)
    encoder = open_model(TORCHVISION, f"torchvision:{MODEL}:checkpoint={folder / 'seven.pth'}")
    assert (encoder.licence, encoder.source) == ("", f"torchvision {MODEL}, weights of seven.pth")
    saved("squeezenet1_1", folder / "other.pth")
    with pytest.raises(WeightsError, match=r"other\.pth, for torchvision:mobilenet_v3_small, is of another network"):
        open_model(TORCHVISION, f"torchvision:{MODEL}:checkpoint={folder / 'other.pth'}")


def test_unknown_models_and_weights_are_answered_with_those_nearest():
    with pytest.raises(ConfigError, match="no classifier 'resnt18'; did you mean torchvision:resnet18"):
        open_model(TORCHVISION, "torchvision:resnt18")
    with pytest.raises(ConfigError, match="no weights 'best'; expected one of IMAGENET1K_V1"):
        open_model(TORCHVISION, "torchvision:resnet18.best")
