import numpy as np
import onnx_networks as networks
import pytest
from onnx import TensorProto

from autotl.errors import ConfigError
from autotl.graphs.image_inputs import find_image_input, find_pixels
from autotl.graphs.network_settings import NetworkSettings


def network(axes, *, channels=3, element=0):
    net = networks.Net()
    return net.model(axes, [net.conv("input", channels, 4)], element=element)


@pytest.mark.parametrize(
    ("axes", "channels", "expected"),
    [
        (["n", 3, 32, 48], 3, (3, True, None, 32, 48)),
        ([1, 1, 28, 28], 1, (1, True, 1, 28, 28)),
        ([-1, 3, -1, -1], 3, (3, True, None, None, None)),
        (["batch_size", "num_channels", "height", "width"], 3, (3, True, None, None, None)),
        (["batch_size", "num_channels", "height", "width"], 1, (1, True, None, None, None)),
    ],
)
def test_channels_layout_and_what_is_free_are_found(axes, channels, expected):
    found = find_image_input(network(axes, channels=channels), NetworkSettings())
    assert (found.channels, found.channels_first, found.batch, found.height, found.width) == expected


def test_channels_last_are_found_by_their_number_and_by_the_turn_before_the_first_convolution():
    assert not find_image_input(networks.channels_last(), NetworkSettings()).channels_first
    model = networks.channels_last()
    for axis, name in zip(model.graph.input[0].type.tensor_type.shape.dim, "nhwc", strict=True):
        axis.dim_param = name
    found = find_image_input(model, NetworkSettings())
    assert (found.channels, found.channels_first) == (3, False)


def test_a_network_of_four_channels_is_refused_though_its_axes_are_free():
    with pytest.raises(ConfigError, match="with 3 channels or 1"):
        find_image_input(network(["n", "c", "h", "w"], channels=4), NetworkSettings())


def test_two_inputs_for_images_are_refused():
    net = networks.Net()
    x = net.op("Add", "left", "input")
    model = net.model(["n", 3, 8, 8], [net.conv(x, 3, 4)], others=[("left", TensorProto.FLOAT, ["n", 3, 8, 8])])
    with pytest.raises(ConfigError, match="more than one of its inputs takes images: 'input' float"):
        find_image_input(model, NetworkSettings())


@pytest.mark.parametrize(
    ("scale", "offset", "said"),
    [
        (1 / 255, 0, "0 to 255"),
        (1 / 127.5, -1, "0 to 255"),
        (1, -110, "0 to 255"),
        (2, -1, "0 to 1"),
        (1, 0.1, "assumed"),
        (0.01, -0.001, "0 to 255"),
    ],
)
def test_the_range_of_pixels_is_read_off_the_arithmetic_at_the_beginning(scale, offset, said):
    net = networks.Net()
    x = net.op("Add", net.op("Mul", "input", net.const(scale)), net.const(offset))
    model = net.model(["n", 3, 8, 8], [net.conv(x, 3, 4)])
    images = find_image_input(model, NetworkSettings())
    found = find_pixels(model, images, NetworkSettings())
    assert said in found.said
    assert found.assumed == (said == "assumed")


def test_a_batch_normalization_at_the_beginning_counts_as_arithmetic():
    net = networks.Net()
    ones = np.ones(3)
    x = net.op("BatchNormalization", "input", *map(net.const, (ones, 0 * ones, 110 * ones, 60.0**2 * ones)))
    model = net.model(["n", 3, 8, 8], [net.conv(x, 3, 4)])
    assert "0 to 255" in find_pixels(model, find_image_input(model, NetworkSettings()), NetworkSettings()).said


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"mean": (104.0, 117.0, 123.0)}, 1.0),
        ({"mean": (0.5,)}, 1 / 255),
        ({"std": (255.0,)}, 1.0),
        ({"scale": 0.5}, 0.5),
    ],
)
def test_without_a_scale_the_means_tell_which_pixels_they_are_of(settings, scale):
    model = network(["n", 3, 8, 8])
    said = NetworkSettings(**settings)
    assert find_pixels(model, find_image_input(model, said), said).scale == scale
