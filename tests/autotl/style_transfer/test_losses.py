"""The loss: what it is made of, and what it does not depend on."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from autotl.style_transfer.losses import gram_matrix, loss_terms
from autotl.style_transfer.stages import StyleStages

STAGES = StyleStages("deep", {"shallow": 1.0, "deep": 3.0})


def read(pixels):
    """Two stages of a network: the colours, and their means by columns."""
    return {"shallow": pixels / 100, "deep": ops.mean(pixels, axis=1, keepdims=True) / 10}


def terms_of(image, content, style, *, style_weight=1.0):
    """The terms of an image against two others, all of pixels from 0 to 1."""
    grams = {name: gram_matrix(value) for name, value in read(style * 255).items()}
    wanted = read(content * 255)["deep"]
    terms = loss_terms(read, STAGES, content=wanted, style=grams, style_weight=style_weight)
    return ops.convert_to_numpy(terms(image))


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [rng.random((1, 6, 8, 3)).astype(np.float32) for _ in range(3)]


def test_the_gram_matrix_is_that_of_the_definition():
    activations = np.random.default_rng(0).random((1, 2, 3, 4)).astype(np.float32)
    expected = sum(np.outer(position, position) for position in activations.reshape(6, 4)) / 6
    np.testing.assert_allclose(ops.convert_to_numpy(gram_matrix(activations)), expected, rtol=1e-6)


def test_the_gram_matrix_does_not_depend_on_where_things_are():
    activations = np.random.default_rng(0).random((1, 2, 3, 4)).astype(np.float32)
    np.testing.assert_allclose(gram_matrix(activations[:, ::-1, ::-1]), gram_matrix(activations), rtol=1e-6)


def test_an_image_has_its_own_content_and_style(images):
    content, style, _ = images
    assert terms_of(content, content, style)[0] == 0
    np.testing.assert_allclose(terms_of(style, content, style)[1:], 0, atol=1e-6)


def test_the_style_weight_multiplies_the_style_alone(images):
    content, style, other = images
    once, thrice = terms_of(other, content, style), terms_of(other, content, style, style_weight=3.0)
    assert thrice[0] == once[0] > 0
    np.testing.assert_allclose(thrice[1:], 3 * once[1:], rtol=1e-5)


def test_style_stages_count_by_their_share_of_the_weights(images):
    content, style, other = images
    terms = terms_of(other, content, style)
    grams = {name: [gram_matrix(read(one * 255)[name]) for one in (other, style)] for name in STAGES.style}
    for term, (name, weight) in zip(terms[1:], STAGES.style.items(), strict=True):
        found, wanted = map(ops.convert_to_numpy, grams[name])
        assert term == pytest.approx(weight / 4 * ((found - wanted) ** 2).mean() / (wanted**2).mean(), rel=1e-4)


def test_a_backbone_with_larger_activations_has_the_same_loss(images, monkeypatch):
    content, style, other = images
    before = terms_of(other, content, style)
    small = read
    monkeypatch.setitem(globals(), "read", lambda pixels: {name: 50 * value for name, value in small(pixels).items()})
    np.testing.assert_allclose(terms_of(other, content, style), before, rtol=1e-4)
