"""The conformance check of autoencoders: ours pass it, and each breach of the contract is named."""

from __future__ import annotations

import pytest
from made_plugins import plugin

from autotl.interfaces import Autoencoder
from autotl.testing import autoencoders, check_autoencoder, check_plugin


@pytest.fixture(autouse=True)
def one_edge(monkeypatch):
    monkeypatch.setattr(autoencoders, "EDGES", (16,))


def dense(edge, n_latents, *, outputs=1, last="sigmoid", before=None, seed=None):
    import keras

    pixels = keras.Input((edge, edge, 3))
    values = keras.layers.Flatten()(pixels)
    values = before()(values) if before else values
    values = keras.layers.Dense(64, activation="relu")(values)
    found = [keras.layers.Dense(n_latents)(values) for _ in range(outputs)]
    encoder = keras.Model(pixels, found if outputs > 1 else found[0])
    latents = keras.Input((n_latents,))
    values = keras.layers.Dense(edge * edge * 3, activation=last)(latents)
    return encoder, keras.Model(latents, keras.layers.Reshape((edge, edge, 3))(values))


def doubling():
    import keras

    return keras.layers.Lambda(lambda values: values * 2)


def stuck(edge, n_latents):
    import keras

    encoder, decoder = dense(edge, n_latents)
    latents = keras.Input((n_latents,))
    return encoder, keras.Model(latents, keras.layers.Rescaling(0.0, offset=0.5)(decoder(latents)))


def changing(edge, n_latents, *, calls=[]):  # noqa: B006, it counts them
    import numpy as np

    calls.append(edge)
    rng = np.random.default_rng(len(calls))
    encoder, decoder = dense(edge, n_latents)
    encoder.set_weights([rng.normal(0, 0.05, weight.shape) for weight in encoder.get_weights()])
    return encoder, decoder


@pytest.mark.heavy
def test_a_plugin_with_one_is_checked_by_its_hook():
    check_plugin(plugin(register_autoencoders=lambda: [Autoencoder("mine", dense)]))


SHAPES = {
    "expected a pair of keras models": lambda edge, n: dense(edge, n)[0],
    r"encoder goes from \[\(16, 16, 3\)\] to \[\(8,\), \(8,\)\]": lambda edge, n: dense(edge, n, outputs=2),
}
BREACHES = {
    "end the decoder with a sigmoid": lambda edge, n: dense(edge, n, last=None),
    "no Lambda": lambda edge, n: dense(edge, n, before=doubling),
    "it does not learn": stuck,
    "two trainings with one seed": changing,
}


@pytest.mark.parametrize("said", SHAPES)
def test_other_shapes_are_named(said):
    with pytest.raises(AssertionError, match=said):
        check_autoencoder(Autoencoder("mine", SHAPES[said]))


@pytest.mark.heavy
@pytest.mark.parametrize("said", BREACHES)
def test_a_breach_is_named(said):
    with pytest.raises(AssertionError, match=said):
        check_autoencoder(Autoencoder("mine", BREACHES[said]))


def test_a_variational_one_has_two_outputs():
    with pytest.raises(AssertionError, match=r"expected .* to \[\(8,\), \(8,\)\]"):
        check_autoencoder(Autoencoder("mine", dense, variational=True))
