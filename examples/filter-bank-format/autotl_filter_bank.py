"""Filters learned elsewhere, such as by k-means, as an encoder: `--backbones FILE.npy`, an array (n, h, w, 3)."""

from pathlib import Path

import autotl
from autotl.errors import ConfigError
from autotl.interfaces import Encoder, EncoderFormat

GRAPH = """<ir_version: 8, opset_import: ["": 17]>
filter_bank (uint8[n, HEIGHT, WIDTH, 3] images) => (float[n, h, w, k] responses) <float white = {255}>
{
    pixels = Cast <to = 1> (images)
    shares = Div (pixels, white)
    channels_first = Transpose <perm = [0, 3, 1, 2]> (shares)
    filtered = Conv (channels_first, filters)
    rectified = Relu (filtered)
    responses = Transpose <perm = [0, 2, 3, 1]> (rectified)
}"""


def open_filters(name):
    import numpy as np
    import onnx

    if not name.endswith(".npy"):
        return None  # another format's
    try:
        filters = np.load(Path(name).expanduser(), allow_pickle=False).astype("float32")
        n, height, width, colours = filters.shape
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name} holds no filters ({error}). Save an array (n, height, width, 3) there.") from error
    if colours != 3 or max(height, width) > 96:
        raise ConfigError(f"{name} holds an array {filters.shape}. Expected (n, height, width, 3), up to 96 pixels.")

    def graph(height, width):
        model = onnx.parser.parse_model(GRAPH.replace("HEIGHT", str(height)).replace("WIDTH", str(width)))
        model.graph.initializer.append(onnx.numpy_helper.from_array(filters.transpose(0, 3, 1, 2), "filters"))
        return model

    return Encoder(name, graph, sizes=((96, 96), (192, 192)), source=f"{n} filters of {Path(name).name}")


@autotl.hookimpl
def register_encoder_formats():
    yield EncoderFormat("filter-bank", open_filters, example="FILE.npy")
