"""The conformance check of backbones passes a sound one and fails on the defect planted in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_plugins import backbone, two_stages, unnamed

from autotl.errors import WeightsError
from autotl.testing.backbones import check_backbone

# Keras gives NumPy a variable whose __array__ is of the time before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def one_stage(layers, stages):
    return stages[-1]


@pytest.mark.parametrize("change", [lambda layers, stages: stages, one_stage])
def test_a_sound_backbone_passes(change):
    check_backbone(backbone(lambda height, width: two_stages(height, width, change=change)))


def test_a_backbone_whose_weights_cannot_be_had_is_not_called_sound():
    def missing(download):
        raise WeightsError("expected weights.h5 in the folder AUTOTL_WEIGHTS")

    with pytest.raises(AssertionError, match=r"cannot be checked without its weights: expected weights\.h5"):
        check_backbone(backbone(weights=missing))


def lazy(download):
    raise WeightsError


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (lambda download: Path("nowhere.h5"), "weights.False. returned nowhere.h5, which is not a file"),
        (lambda download: 1 / 0, "weights.False. raised ZeroDivisionError"),
        (lazy, "WeightsError must say which file"),
    ],
)
def test_a_backbone_with_unsound_weights_fails(weights, message):
    with pytest.raises(AssertionError, match=f"backbone 'toy': {message}"):
        check_backbone(backbone(weights=weights))


def test_a_backbone_without_sizes_fails():
    with pytest.raises(AssertionError, match=r"sizes are \(\); expected at least one"):
        check_backbone(backbone(sizes=()))


def noisy(layers, stages):
    import keras

    class Noise(layers.Layer):
        def call(self, x):
            return x + keras.random.normal(keras.ops.shape(x))

    return [Noise(name="noise")(stages[0]), stages[1]]


def infinite_stage(layers, stages):
    import keras

    class Inverse(layers.Layer):
        def call(self, x):
            return keras.ops.divide(1.0, x)

    return [stages[0], Inverse(name="inverse")(stages[1])]


def own_layer(layers, stages):
    class Own(layers.Layer):
        def call(self, x):
            return 2 * x

    return [stages[0], Own(name="own")(stages[1])]


def changed(change):
    return lambda height, width: two_stages(height, width, change=change)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda height, width: 3, "build returned a int, no keras.Model"),
        (lambda height, width: two_stages(width, height), r"at 96x128: inputs are .*; expected one of \(None, 96, 128"),
        (unnamed, "the stages are .* when built again; give the layers fixed names"),
        (changed(lambda layers, stages: [stages[0], stages[0]]), "stage names repeat"),
        (changed(lambda layers, stages: stages[::-1]), "stage 'shallow': .* order the stages shallow to deep"),
        (changed(lambda layers, stages: [layers.Flatten(name="flat")(stages[0])]), r"stage 'flat': output has shape"),
        (changed(infinite_stage), "stage 'inverse': not finite on pixels"),
        (changed(noisy), "stage 'noise': the same images gave other numbers the second time"),
        (changed(own_layer), "conversion to ONNX, which computes the features, raised ExportError"),
    ],
)
def test_a_backbone_with_a_defect_fails(build, message):
    with pytest.raises(AssertionError, match=f"(?s)backbone 'toy'.*{message}"):
        check_backbone(backbone(build))
