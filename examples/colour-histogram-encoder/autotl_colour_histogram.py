"""A joint colour histogram (Swain and Ballard 1991) and the strength of vertical and horizontal edges (Sobel)."""

import autotl
from autotl.interfaces import Encoder

# Outputs are the stages, shallow to deep: `edges` is a map, which AutoTL pools; `colours` is a vector.
GRAPH = """<ir_version: 8, opset_import: ["": 17]>
histogram (uint8[n, HEIGHT, WIDTH, 3] images) => (float[n, h, w, 2] edges, float[n, 64] colours)
<float[3,1] luma = {0.299, 0.587, 0.114},
 float[2,1,3,3] sobel = {-1, 0, 1, -2, 0, 2, -1, 0, 1, -1, -2, -1, 0, 0, 0, 1, 2, 1},
 float bin_width = {64}, float[3,1] places = {16, 4, 1}, int64 n_bins = {64}, float[2] off_on = {0, 1}>
{
    pixels = Cast <to = 1> (images)
    grey = MatMul (pixels, luma)
    grey_first = Transpose <perm = [0, 3, 1, 2]> (grey)
    gradients = Conv (grey_first, sobel)
    strengths = Abs (gradients)
    edges = Transpose <perm = [0, 2, 3, 1]> (strengths)
    levels = Div (pixels, bin_width)
    digits = Floor (levels)
    bins = MatMul (digits, places)
    flat = Flatten <axis = 1> (bins)
    numbers = Cast <to = 7> (flat)
    hits = OneHot <axis = -1> (numbers, n_bins, off_on)
    colours = ReduceMean <axes = [1], keepdims = 0> (hits)
}"""


def graph(height, width):
    import onnx

    return onnx.parser.parse_model(GRAPH.replace("HEIGHT", str(height)).replace("WIDTH", str(width)))


@autotl.hookimpl
def register_encoders():
    yield Encoder("colour-histogram", graph, sizes=((96, 96), (128, 128)), source="this package", licence="Apache-2.0")
