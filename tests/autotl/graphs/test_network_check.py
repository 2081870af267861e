"""An encoder's graph that computes something else than the file it was built from is refused."""

import numpy as np
import onnx_networks as networks
import pytest
from onnx import numpy_helper

from autotl.errors import ConfigError
from autotl.graphs.network_check import verify
from autotl.graphs.network_files import load_network
from autotl.graphs.network_settings import NetworkSettings
from autotl.graphs.network_trial import examine


@pytest.mark.parametrize("factor", [1.1, np.nan])
def test_a_file_that_computes_something_else_is_noticed(factor, tmp_path):
    file = networks.save(networks.resnet(11), tmp_path / "net.onnx")
    model = load_network(file)
    reading = examine(model, NetworkSettings(), file)
    other = networks.resnet(11)
    for tensor in other.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array((array * factor).astype(np.float32), tensor.name))
    networks.save(other, file)
    with pytest.raises(ConfigError, match="differs from the original after conversion"):
        verify(file, model, reading)
