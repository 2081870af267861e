from contextlib import closing

import numpy as np
import onnx
import onnx_networks as networks
import pytest

from autotl.errors import ConfigError
from autotl.graphs.image_networks import encoder_graph
from autotl.graphs.network_files import load_network
from autotl.runtime.child_process import Isolated
from autotl_plugins.encoders._examined_files import CRASH, understood

LENGTHS = (0, -1, 1, 2, 3, 7, 1000, 2**31 - 1, 2**31, 2**40, -(2**63))


def damaged_bytes(content, random):
    """A file cut short, with bytes overwritten, bits flipped near its beginning, or one part written over another."""
    data = bytearray(content)
    match random.integers(4):
        case 0:
            return bytes(data[: random.integers(1, len(data))])
        case 1:
            for place in random.integers(0, len(data), random.integers(1, 20)):
                data[place] = random.integers(256)
        case 2:
            for place in random.integers(0, 3000, random.integers(1, 6)):
                data[place] ^= 1 << random.integers(8)
        case _:
            source, target, n = random.integers(len(data)), random.integers(len(data)), random.integers(1, 200)
            data[target : target + n] = data[source : source + n]
    return bytes(data)


def damaged_graph(model, random):
    """A file that is still ONNX, but whose graph is not what it was."""
    model, length = onnx.ModelProto.FromString(model.SerializeToString()), LENGTHS[random.integers(len(LENGTHS))]
    graph = model.graph
    node, other = (graph.node[random.integers(len(graph.node))] for _ in range(2))
    weights = graph.initializer[random.integers(len(graph.initializer))]
    kind = graph.input[0].type.tensor_type
    match random.integers(8):
        case 0 if weights.dims:
            weights.dims[random.integers(len(weights.dims))] = length
        case 1:
            for attribute in node.attribute:
                attribute.ints[:] = [length for _ in attribute.ints]
        case 2 if node.input and other.input:
            node.input[0] = other.input[-1]
        case 3:
            graph.node.remove(node)
        case 4:
            kind.elem_type = int(random.integers(23))
        case 5:
            node.op_type = other.op_type
        case 6:
            kind.shape.dim[random.integers(4)].dim_value = length
        case _:
            weights.data_type = int(random.integers(25))
    return model.SerializeToString()


@pytest.mark.parametrize("n_files", [30, pytest.param(300, marks=pytest.mark.heavy)])
def test_a_damaged_file_is_refused_with_a_reason_or_read_and_nothing_else_happens(n_files, tmp_path):
    random = np.random.default_rng(0)
    sound = [networks.squeezenet(), networks.vit(), networks.alexnet(), networks.vit(batch=1), networks.channels_last()]
    file, refused = tmp_path / "net.onnx", 0
    with closing(Isolated("graphs.network_trial", "examined", crash=CRASH)) as examined:
        for number in range(n_files):
            model = sound[number % len(sound)]
            damage = number // len(sound) % 2
            file.write_bytes(
                damaged_graph(model, random) if damage else damaged_bytes(model.SerializeToString(), random)
            )
            try:
                reading, _ = understood(file, examined(file))
            except ConfigError as error:
                refused += 1
                assert str(error).startswith(f"{file} cannot be used as a backbone: ")
            else:
                onnx.checker.check_model(encoder_graph(load_network(file), reading, *reading.sizes[0]))
    assert n_files / 2 < refused < n_files
