"""The distance to the training domain: how it is computed, and which images are far."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import skimage.data
from PIL import Image

from autotl.checks.domain_shift import measure_shift
from autotl.interfaces import FAR, SHIFTED, Backbone, DomainShift

SIZE = (8, 8)
TRAINED = {"mean": 100.0, "deviation": 20.0}


def network(height, width, **options):
    """Batch normalisation of the pixels alone; on its training data every channel has the same mean and deviation."""
    import keras

    gamma, beta = options.pop("gamma", None), options.pop("beta", None)
    inputs = keras.Input((height, width, 3))
    layer = keras.layers.BatchNormalization(name="only", **options)
    model = keras.Model(inputs, [layer(inputs)])
    layer.moving_mean.assign([TRAINED["mean"]] * 3)
    layer.moving_variance.assign([TRAINED["deviation"] ** 2] * 3)
    for variable, values in ((layer.gamma, gamma), (layer.beta, beta)):
        if values is not None:
            variable.assign(values)
    return model


def backbone(build):
    return Backbone("small", build, lambda download: None, (SIZE,))


def stripes(low, high, n=4):
    """Images of which one half has one value and one half the other: mean and deviation are known."""
    images = np.full((n, *SIZE, 3), low, dtype=np.uint8)
    images[:, ::2] = high
    return images


@pytest.mark.parametrize(
    ("low", "high", "distance"),
    [
        (80, 120, 0.0),  # the training data's own mean and deviation
        (90, 130, 0.25),  # half a deviation brighter
        (60, 140, 1.0),  # twice the deviation
        (100, 180, 5.0),  # two deviations brighter and twice the deviation: 4 + 1
        (100, 100, 1.0),  # no contrast at all
    ],
)
def test_the_distance_counts_training_deviations_of_the_mean_and_of_the_deviation(low, high, distance):
    assert measure_shift(backbone(network), SIZE, stripes(low, high)).overall == pytest.approx(distance, abs=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"gamma": [0.3, -2.0, 5.0], "beta": [1.0, -7.0, 0.0]},
        {"epsilon": 50.0},
        {"scale": False},
        {"center": False},
    ],
)
def test_scale_and_offset_of_the_layer_do_not_count(options):
    shift = measure_shift(backbone(partial(network, **options)), SIZE, stripes(100, 180))
    assert shift.overall == pytest.approx(5.0, rel=1e-3)


def test_a_channel_switched_off_in_training_is_ignored():
    one_of_three = backbone(partial(network, gamma=[1.0, 0.0, 1.0], beta=[0.0, 3.0, 0.0]))
    assert measure_shift(one_of_three, SIZE, stripes(100, 180)).overall == pytest.approx(5.0, rel=1e-3)
    assert measure_shift(backbone(partial(network, gamma=[0.0] * 3)), SIZE, stripes(100, 180)) is None


def test_a_backbone_without_batch_normalisation_has_no_distance():
    import keras

    def build(height, width):
        inputs = keras.Input((height, width, 3))
        return keras.Model(inputs, [keras.layers.Conv2D(4, 3)(inputs)])

    assert measure_shift(backbone(build), SIZE, stripes(0, 255)) is None


def test_every_layer_is_read_on_every_image_and_depth_goes_from_shallow_to_deep(tiny):
    import keras

    images = np.random.default_rng(3).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)  # more than one batch
    model = tiny.build(32, 32)
    layers = [model.get_layer(f"{stage}.bn") for stage in ("shallow", "middle", "deep")]
    expected = []
    for layer, output in zip(
        layers, keras.Model(model.input, [x.output for x in layers])(images.astype("float32")), strict=True
    ):
        maps = keras.ops.convert_to_numpy(output).astype(np.float64)
        beta, variance = (keras.ops.convert_to_numpy(x) for x in (layer.beta, layer.moving_variance))
        deviation = np.sqrt(variance / (variance + layer.epsilon))
        offset, ratio = (maps.mean((0, 1, 2)) - beta) / deviation, maps.std((0, 1, 2)) / deviation
        expected.append(np.mean(offset**2 + (ratio - 1) ** 2))
    shift = measure_shift(tiny, (32, 32), images)
    assert shift.by_depth == pytest.approx(expected, rel=1e-3)
    assert shift.overall == pytest.approx(np.mean(expected), rel=1e-3)
    assert (shift.backbone, shift.size, shift.n_images) == ("tiny", (32, 32), 20)


@pytest.mark.parametrize(
    ("overall", "level"), [(0.0, "near"), (SHIFTED, "shifted"), (FAR - 1e-6, "shifted"), (FAR, "far"), (9.0, "far")]
)
def test_a_distance_has_a_level(overall, level):
    assert DomainShift("any", SIZE, overall, (overall,), 64).level == level


def photographs(rng, n, edge):
    """Crops of scikit-image's colour photographs."""
    for i in range(n):
        whole = Image.fromarray((skimage.data.astronaut, skimage.data.chelsea, skimage.data.coffee)[i % 3]())
        side = int(min(whole.size) * rng.uniform(0.5, 1))
        x, y = (int(rng.integers(0, length - side + 1)) for length in whole.size)
        yield np.asarray(whole.crop((x, y, x + side, y + side)).resize((edge, edge)))


def spectrograms(rng, n, edge):
    """Levels in decibels of a rising tone in noise, as a grey image."""
    from scipy.signal import chirp, spectrogram

    seconds = np.arange(2 * 16_000) / 16_000
    for _ in range(n):
        sound = chirp(seconds, rng.uniform(100, 2000), 2, rng.uniform(2000, 7900))
        power = spectrogram(sound + rng.normal(0, 0.1, len(sound)), 16_000, nperseg=512, noverlap=384)[2]
        level = np.log(power + 1e-10)
        grey = np.clip((level - level.min()) / (level.max() - level.min()), 0, 1) * 255
        yield np.asarray(Image.fromarray(grey.astype(np.uint8)).resize((edge, edge)).convert("RGB"))


def noise(rng, n, edge):
    yield from rng.integers(0, 256, (n, edge, edge, 3), dtype=np.uint8)


def test_photographs_are_near_the_embedded_backbone_and_spectrograms_and_noise_are_far():
    from autotl.plugins import load_plugins

    lite = load_plugins(disable=("mlflow", "keras-applications")).all(Backbone)["efficientnet-lite0"]
    shifts = [
        measure_shift(lite, (224, 224), np.stack(list(draw(np.random.default_rng(0), 16, 224))))
        for draw in (photographs, spectrograms, noise)
    ]
    assert [shift.level for shift in shifts] == ["near", "far", "far"]
    assert shifts[0].overall < shifts[1].overall < shifts[2].overall
    assert all(len(shift.by_depth) == 3 for shift in shifts)
