import onnx
import onnx_networks as networks

from autotl.graphs.network_files import weights_files


def with_weights_in(location, file):
    """A network whose file says that its weights are in another one."""
    onnx.save(networks.resnet(), file, save_as_external_data=True, location="weights.data", size_threshold=0)
    model = onnx.load(file, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    return networks.save(model, file)


def test_the_files_of_weights_are_named_each_once(tmp_path):
    assert weights_files(with_weights_in("weights.data", tmp_path / "net.onnx")) == (tmp_path / "weights.data",)
    assert weights_files(networks.save(networks.resnet(), tmp_path / "whole.onnx")) == ()


def test_files_outside_the_folder_are_left_out(tmp_path):
    for location in ("/proc/kcore", "../weights.data", "a/../../weights.data"):
        assert weights_files(with_weights_in(location, tmp_path / "net.onnx")) == ()


def test_what_is_no_network_has_none(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"not ONNX at all")
    assert weights_files(tmp_path / "net.onnx") == ()
