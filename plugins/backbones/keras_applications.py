"""The 40 networks of Keras Applications as backbones; their weights are downloaded or brought along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.errors import WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone
from autotl_plugins.backbones._keras_networks import APPLICATIONS
from autotl_plugins.backbones._keras_weights import find_weights, trained_on
from autotl_plugins.backbones._scaling import CENTRED, DEVIATION, IMAGENET, SYMMETRIC, Scaling
from autotl_plugins.backbones._stages import find_stages, name_stages
from autotl_plugins.backbones._weights_files import SUFFIX, load_file

if TYPE_CHECKING:
    import keras

_SCALING: Mapping[str, Scaling] = {"tf": SYMMETRIC, "unit": (1 / 128, -1.0), "torch": IMAGENET, "caffe": CENTRED}
_HAS_SWITCH = ("ConvNeXt", "EfficientNetV2", "MobileNetV3")  # families with `include_preprocessing`


@hookimpl
def register_backbones() -> Iterator[Backbone]:
    """Offer every network of `keras.applications`."""
    for name, application in APPLICATIONS.items():
        yield Backbone(
            name,
            build=partial(_build, name),
            weights=partial(find_weights, name),
            sizes=application.sizes,
            trained_on=partial(trained_on, name),
            source=application.source,
            licence=application.licence,
        )


def _build(name: str, height: int, width: int) -> keras.Model:
    return _network(name, height, width, weights=find_weights(name, True))


def _network(name: str, height: int, width: int, weights: Path | None = None) -> keras.Model:
    """The backbone's model; weights None (for tests) leaves it random."""
    import keras

    application = APPLICATIONS[name]
    images = x = keras.Input((height, width, 3), name="images")
    if application.preprocessing != "inside":
        scale, offset = _SCALING[application.preprocessing]
        x = keras.layers.Rescaling(scale, offset, name="preprocessing")(x)
    switch = {"include_preprocessing": False} if application.function.startswith(_HAS_SWITCH) else {}
    network = getattr(keras.applications, application.function)(
        include_top=False, weights=None, input_tensor=x, input_shape=(height, width, 3), **switch
    )
    if weights is not None:
        _load(network, name, weights)
    if application.preprocessing == "caffe":
        first = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
        kernel, *rest = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], *rest])
    stages = find_stages(network)
    name_stages(stages)
    return keras.Model(images, [stage.tensor for stage in stages], name=name)


def _load(network: keras.Model, name: str, weights: Path) -> None:
    import keras

    application = APPLICATIONS[name]
    try:
        load_file(network, weights)
    except WeightsError as reason:
        raise WeightsError(
            f"{weights} does not hold the weights of {name} without its classifier: {reason} "
            f"Expected {application.file} from {application.url}, or {name}{SUFFIX} as "
            f"keras.applications.{application.function}(include_top=False).save_weights writes it; replace the file, "
            "or remove it so that it can be downloaded again."
        ) from None
    if application.function.startswith("EfficientNetB"):
        # Keras divides by the roots of the deviations once more, as the original did, but only where it loads the
        # file itself (weights="imagenet"). The variances can carry that: the layer divides by their roots.
        layer = next(layer for layer in network.layers if isinstance(layer, keras.layers.Normalization))
        mean, variance, count = layer.get_weights()
        if np.any(mean):  # it was left as it is made in a network that never saw the weights of Keras
            layer.set_weights([mean, variance * DEVIATION, count])
        layer.finalize_state()
