"""Our autoencoders keep the contract, for every edge that a run may ask for."""

from __future__ import annotations

import pytest

from autotl.testing import check_plugin
from autotl.workflows.autoencode_request import EDGES
from autotl_plugins.autoencoders import autoencoder, vae


@pytest.mark.heavy
@pytest.mark.parametrize("plugin", [autoencoder, vae], ids=["autoencoder", "vae"])
def test_it_conforms(plugin):
    check_plugin(plugin)


@pytest.mark.parametrize("edge", EDGES)
def test_an_image_is_halved_down_to_a_few_pixels_and_comes_back_at_its_size(edge):
    encoder, decoder = vae.build(edge, 8)
    assert [tuple(output.shape) for output in encoder.outputs] == [(None, 8), (None, 8)]
    assert tuple(decoder.output.shape) == (None, edge, edge, 3)
    assert decoder.count_params() < 1_000_000
