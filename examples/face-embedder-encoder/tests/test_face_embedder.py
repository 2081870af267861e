import autotl_face_embedder
import onnx
import pytest

from autotl.errors import WeightsError
from autotl.testing import check_plugin

# A stand-in that has the inputs and outputs of the network, and takes a moment.
STAND_IN = """<ir_version: 8, opset_import: ["": 17]>
faceres (float[n, 224, 224, 3] input) => (float[n, 1] gender_pred, float[n, 3] global_pooling)
<float white = {255}, float[3,1] weights = {1, 2, -3}>
{
    shares = Div (input, white)
    means = ReduceMean <axes = [1, 2], keepdims = 0> (shares)
    global_pooling = Relu (means)
    gender_pred = MatMul (global_pooling, weights)
}"""


def test_everything_it_offers_keeps_the_contract(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match=r"faceres\.onnx in "):
        autotl_face_embedder.graph(224, 224)
    onnx.save(onnx.parser.parse_model(STAND_IN), tmp_path / "faceres.onnx")
    check_plugin(autotl_face_embedder)
    outputs = autotl_face_embedder.graph(224, 224).graph.output
    assert [output.name for output in outputs] == ["face"]
