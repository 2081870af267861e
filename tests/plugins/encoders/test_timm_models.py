"""With PyTorch and timm themselves; skipped where the extra `torch` is not installed."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from autotl.errors import ConfigError, WeightsError
from autotl.testing.encoders import check_encoder
from autotl_plugins.encoders._torch_formats import open_model
from autotl_plugins.encoders.timm_models import TIMM

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.heavy
MODEL = "mobilenetv3_small_050"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for the module: an export takes half a minute."""
    return tmp_path_factory.mktemp("timm")


@pytest.fixture(autouse=True)
def settings(folder, monkeypatch):
    monkeypatch.setenv("AUTOTL_CACHE", str(folder / "cache"))
    monkeypatch.setenv("AUTOTL_WEIGHTS", str(folder))
    monkeypatch.setenv("HF_HOME", str(folder / "hub"))


def saved(name, file, **options):
    torch.manual_seed(0)
    network = timm.create_model(name, **options).eval()
    torch.save(network.state_dict(), file)
    return network


def test_the_graph_computes_timms_own_maps_and_vector(folder):
    network = saved(MODEL, folder / f"{MODEL}.pth")
    encoder = open_model(TIMM, f"timm:{MODEL}")
    assert encoder.sizes == ((224, 224), (320, 320))
    assert (encoder.licence, encoder.commercial) == ("Apache-2.0", True)
    images = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)
    session = onnxruntime.InferenceSession(encoder.graph(224, 224).SerializeToString())
    found = dict(zip([one.name for one in session.get_outputs()], session.run(None, {"images": images}), strict=True))
    config = network.pretrained_cfg
    mean, std = (torch.tensor(config[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    pixels = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.no_grad():
        final, maps = network.forward_intermediates(pixels)
        vector = network.forward_head(final, pre_logits=True)
    assert list(found) == ["stage1", "stage2", "stage3", "stage4", "vector"]
    for stage, expected in zip(list(found)[:4], maps[1:], strict=True):
        np.testing.assert_allclose(found[stage], expected.permute(0, 2, 3, 1), atol=1e-5)
    np.testing.assert_allclose(found["vector"], vector, atol=1e-5)
    check_encoder(replace(encoder, name="model"))  # as a plugin would offer it


def test_a_transformer_is_read_at_four_depths_and_at_its_native_size_alone(folder):
    saved("vit_tiny_patch16_224", folder / "mine.pth", num_classes=5)
    encoder = open_model(TIMM, f"timm:vit_tiny_patch16_224:checkpoint={folder / 'mine.pth'}")
    assert encoder.sizes == ((224, 224),)
    assert (encoder.licence, encoder.source) == ("", "timm vit_tiny_patch16_224, weights of mine.pth")
    names = [value.name for value in encoder.graph(224, 224).graph.output]
    assert names == ["stage1", "stage2", "stage3", "stage4", "vector"]


def test_weights_of_another_network_are_refused(folder):
    saved("resnet18", folder / "other.pth")
    with pytest.raises(WeightsError, match=f"other.pth does not hold the weights of timm:{MODEL}"):
        open_model(TIMM, f"timm:{MODEL}:checkpoint={folder / 'other.pth'}")


def test_a_file_with_more_than_tensors_is_not_unpickled(folder):
    torch.save({"weights": object}, folder / "evil.pth")
    with pytest.raises(WeightsError, match="a file of tensors alone"):
        open_model(TIMM, f"timm:{MODEL}:checkpoint={folder / 'evil.pth'}")


def test_weights_that_are_not_on_the_machine_are_named_with_where_they_are_looked_for(folder):
    with pytest.raises(WeightsError) as error:
        open_model(TIMM, "timm:resnet10t")
    for part in ("resnet10t.safetensors in", str(folder), "resolve/main/model.safetensors", "checkpoint=FILE"):
        assert part in str(error.value)


def test_unknown_models_and_tags_are_answered_with_those_nearest():
    with pytest.raises(ConfigError, match="no model 'resnt18'; did you mean timm:resnet18"):
        open_model(TIMM, "timm:resnt18")
    with pytest.raises(ConfigError, match="timm:resnet18 has no weights 'best'; expected one of resnet18"):
        open_model(TIMM, "timm:resnet18.best")
