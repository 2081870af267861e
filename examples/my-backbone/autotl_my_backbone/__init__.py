"""A network of your own as a backbone: its weights are in a file beside this one."""

from pathlib import Path

import autotl
from autotl.errors import WeightsError
from autotl.interfaces import Backbone

WEIGHTS = Path(__file__).with_name("my_backbone.weights.h5")


def network(height, width):
    import keras
    from keras import layers

    inputs = keras.Input((height, width, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)  # pixels 0..255 in, so the preprocessing is inside
    stages = []
    for name, channels in (("shallow", 16), ("middle", 32), ("deep", 64)):
        x = layers.Conv2D(channels, 3, strides=2, padding="same", activation="relu", name=name)(x)
        stages.append(x)
    return keras.Model(inputs, stages)


def build(height, width):
    model = network(height, width)
    model.load_weights(weights(False))
    return model


def weights(download):
    if not WEIGHTS.exists():
        raise WeightsError(f"{WEIGHTS} does not exist; write it with network(96, 96).save_weights({WEIGHTS.name!r})")
    return WEIGHTS


@autotl.hookimpl
def register_backbones():
    yield Backbone("my-backbone", build, weights, sizes=((96, 96), (128, 128)))
