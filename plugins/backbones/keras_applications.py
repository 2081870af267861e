"""The 40 networks of Keras Applications as backbones; their ImageNet weights are downloaded or brought along."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from autotl.errors import WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Size

if TYPE_CHECKING:
    import keras

MAX_STAGES = 6
DOWNLOAD_TIMEOUT_SECONDS = 10
STORAGE = "https://storage.googleapis.com"


@dataclass(frozen=True)
class _Family:
    """What networks of one kind have in common.

    preprocessing: what they expect, see `_SCALING`; "inside" where they bring it along.
    folder, file: where Keras downloads the weights without classifier; {name} stands for the backbone's name,
        {variant} for what follows its last hyphen.
    cached: the name in Keras' cache, where it is another one.
    """

    preprocessing: Literal["tf", "torch", "caffe", "unit", "inside"]
    folder: str
    file: str
    cached: str = ""


@dataclass(frozen=True)
class _Application:
    """One network: its function in `keras.applications`, and where Keras gets its weights.

    size: height and width of the images it was made for (pixels).
    digest: MD5 or SHA-256 of the weights file, None where Keras does not check it.
    """

    function: str
    size: int
    preprocessing: str
    url: str
    file: str
    digest: str | None

    @property
    def sizes(self) -> tuple[Size, ...]:
        native = (self.size, self.size)
        if self.size >= 380:
            return (native,)  # a larger one takes minutes per thousand images on a CPU
        larger = 32 * round(1.4 * self.size / 32)
        return (native, (larger, larger))


_FAMILIES: dict[_Family, dict[str, tuple[str, int, str | None]]] = {
    _Family("tf", "tensorflow/keras-applications/mobilenet", "mobilenet_1_0_224_tf_no_top.h5"): {
        "mobilenet": ("MobileNet", 224, None),
    },
    _Family(
        "tf",
        "tensorflow/keras-applications/mobilenet_v2",
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
    ): {
        "mobilenetv2": ("MobileNetV2", 224, None),
    },
    _Family(
        "tf", "tensorflow/keras-applications/mobilenet_v3", "weights_mobilenet_v3_{variant}_224_1.0_float_no_top_v2.h5"
    ): {
        "mobilenetv3-small": ("MobileNetV3Small", 224, "d3e8ec802a04aa4fc771ee12a9a9b836"),
        "mobilenetv3-large": ("MobileNetV3Large", 224, "07fb09a5933dd0c8eaafa16978110389"),
    },
    _Family("tf", "tensorflow/keras-applications/nasnet", "NASNet-{variant}-no-top.h5", "nasnet_{variant}_no_top.h5"): {
        "nasnet-mobile": ("NASNetMobile", 224, "1ed92395b5b598bdda52abe5c0dbfd63"),
        "nasnet-large": ("NASNetLarge", 331, "d81d89dc07e6e56530c4e77faddd61b5"),
    },
    _Family("inside", "keras-applications", "efficientnet{variant}_notop.h5"): {
        "efficientnet-b0": ("EfficientNetB0", 224, "50bc09e76180e00e4465e1a485ddc09d"),
        "efficientnet-b1": ("EfficientNetB1", 240, "74c4e6b3e1f6a1eea24c589628592432"),
        "efficientnet-b2": ("EfficientNetB2", 260, "111f8e2ac8aa800a7a99e3239f7bfb39"),
        "efficientnet-b3": ("EfficientNetB3", 300, "af6d107764bb5b1abb91932881670226"),
        "efficientnet-b4": ("EfficientNetB4", 380, "ebc24e6d6c33eaebbd558eafbeedf1ba"),
        "efficientnet-b5": ("EfficientNetB5", 456, "38879255a25d3c92d5e44e04ae6cec6f"),
        "efficientnet-b6": ("EfficientNetB6", 528, "9ecce42647a20130c1f39a5d4cb75743"),
        "efficientnet-b7": ("EfficientNetB7", 600, "cbcfe4450ddf6f3ad90b1b398090fe4a"),
    },
    _Family("torch", "tensorflow/keras-applications/efficientnet_v2", "{name}_notop.h5"): {
        "efficientnetv2-b0": ("EfficientNetV2B0", 224, "893217f2bb855e2983157299931e43ff"),
        "efficientnetv2-b1": ("EfficientNetV2B1", 240, "0e80663031ca32d657f9caa404b6ec37"),
        "efficientnetv2-b2": ("EfficientNetV2B2", 260, "1dfe2e7a5d45b6632553a8961ea609eb"),
        "efficientnetv2-b3": ("EfficientNetV2B3", 300, "f6abf7b5849ac99a89b50dd3fd532856"),
    },
    _Family("unit", "tensorflow/keras-applications/efficientnet_v2", "{name}_notop.h5"): {
        "efficientnetv2-s": ("EfficientNetV2S", 384, "af0682fb74e8c54910f2d4393339c070"),
        "efficientnetv2-m": ("EfficientNetV2M", 480, "1b8dc055df72dde80d614482840fe342"),
        "efficientnetv2-l": ("EfficientNetV2L", 480, "b0b66b5c863aef5b46e8608fe1711615"),
    },
    _Family("torch", "tensorflow/keras-applications/densenet", "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"): {
        "densenet121": ("DenseNet121", 224, "30ee3e1110167f948a6b9946edeeb738"),
        "densenet169": ("DenseNet169", 224, "b8c4d4c20dd625c148057b9ff1c1176b"),
        "densenet201": ("DenseNet201", 224, "c13680b51ded0fb44dff2d8f86ac8bb1"),
    },
    _Family("caffe", "tensorflow/keras-applications/resnet", "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"): {
        "resnet101": ("ResNet101", 224, "88cf7a10940856eca736dc7b7e228a21"),
        "resnet152": ("ResNet152", 224, "ee4c566cf9a93f14d82f913c2dc6dd0c"),
        "resnet50": ("ResNet50", 224, "4d473c1dd8becc155b73f8504c6f6626"),
    },
    _Family("tf", "tensorflow/keras-applications/resnet", "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"): {
        "resnet101v2": ("ResNet101V2", 224, "c0ed64b8031c3730f411d2eb4eea35b5"),
        "resnet152v2": ("ResNet152V2", 224, "ed17cf2e0169df9d443503ef94b23b33"),
        "resnet50v2": ("ResNet50V2", 224, "fac2f116257151a9d068a22e544a4917"),
    },
    _Family("tf", "tensorflow/keras-applications/xception", "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"): {
        "xception": ("Xception", 299, "b0042744bf5b25fce3cb969f33bebb97"),
    },
    _Family(
        "tf", "tensorflow/keras-applications/inception_v3", "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
    ): {
        "inceptionv3": ("InceptionV3", 299, "bcbd6486424b2319ff4ef7d526e38f63"),
    },
    _Family(
        "tf",
        "tensorflow/keras-applications/inception_resnet_v2",
        "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ): {
        "inception-resnet-v2": ("InceptionResNetV2", 299, "d19885ff4a710c122648d3b5c3b684e4"),
    },
    _Family("torch", "tensorflow/keras-applications/convnext", "convnext_{variant}_notop.h5"): {
        "convnext-tiny": ("ConvNeXtTiny", 224, "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"),
        "convnext-small": ("ConvNeXtSmall", 224, "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab"),
        "convnext-base": ("ConvNeXtBase", 224, "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45"),
        "convnext-large": ("ConvNeXtLarge", 224, "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd"),
        "convnext-xlarge": ("ConvNeXtXLarge", 224, "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05"),
    },
    _Family("caffe", "tensorflow/keras-applications/{name}", "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"): {
        "vgg16": ("VGG16", 224, "6d6bbae143d832006294945121d1f1fc"),
        "vgg19": ("VGG19", 224, "253f8cb515780f3b799900260a226db6"),
    },
}


def _applications() -> Iterator[tuple[str, _Application]]:
    for family, members in _FAMILIES.items():
        for name, (function, size, digest) in members.items():
            terms = {"name": name, "variant": name.rpartition("-")[2]}
            remote, cached = family.file.format(**terms), (family.cached or family.file).format(**terms)
            url = f"{STORAGE}/{family.folder.format(**terms)}/{remote}"
            yield name, _Application(function, size, family.preprocessing, url, cached, digest)


_APPLICATIONS = dict(_applications())

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Preprocessing of 0..255 RGB as (scale, offset) of a Rescaling layer. "caffe" works on BGR: `_network` turns the
# input channels of the first convolution round instead of the image, so that zero padding stays where it was.
_SCALING: dict[str, tuple[Any, Any]] = {
    "tf": (1 / 127.5, -1.0),
    "unit": (1 / 128, -1.0),
    "torch": (
        [1 / (255 * deviation) for deviation in _DEVIATION],
        [-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)],
    ),
    "caffe": (1.0, [-123.68, -116.779, -103.939]),
}
_HAS_SWITCH = ("ConvNeXt", "EfficientNetV2", "MobileNetV3")  # families with `include_preprocessing`


@hookimpl
def register_backbones() -> Iterator[Backbone]:
    """Offer every network of `keras.applications`."""
    for name, application in _APPLICATIONS.items():
        yield Backbone(name, partial(_build, name), partial(_weights, name), application.sizes)


def _build(name: str, height: int, width: int) -> keras.Model:
    return _network(name, height, width, weights=_weights(name, True))


def _network(name: str, height: int, width: int, weights: Path | None = None) -> keras.Model:
    """The backbone's model; weights None (for tests) leaves it random."""
    import keras

    application = _APPLICATIONS[name]
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
    stages = _stages(network)
    _name_stages(stages)
    return keras.Model(images, [stage.tensor for stage in stages], name=name)


def _load(network: keras.Model, name: str, weights: Path) -> None:
    import keras

    application = _APPLICATIONS[name]
    try:
        network.load_weights(str(weights))
    except (OSError, ValueError, KeyError) as reason:
        raise WeightsError(
            f"{weights} does not hold the weights of {name} without its classifier: "
            f"{_first_line(reason)} Expected {application.file} from {application.url}; replace the file, or "
            "remove it so that it can be downloaded again."
        ) from None
    if application.function.startswith("EfficientNetB"):
        # Keras divides by the roots of the deviations once more, as the original did, but only where it loads the
        # file itself (weights="imagenet"). The variances can carry that: the layer divides by their roots.
        layer = next(layer for layer in network.layers if isinstance(layer, keras.layers.Normalization))
        mean, variance, count = layer.get_weights()
        layer.set_weights([mean, variance * _DEVIATION, count])
        layer.finalize_state()


# --- stages ------------------------------------------------------------------------------------------------


class _Cut(NamedTuple):
    """A tensor that every path from the images to the end goes through, and the operation that makes it."""

    tensor: Any
    operation: Any

    @property
    def height(self) -> int:
        return int(self.tensor.shape[1])

    @property
    def kind(self) -> str:
        return type(self.operation).__name__


def _stages(network: Any) -> list[_Cut]:
    """The deepest block end at each resolution, and the end of the network; shallow to deep."""
    cuts = [cut for cut in _cuts(network) if cut.kind not in _BEFORE_THE_NETWORK]
    levels: list[list[_Cut]] = []
    for cut in cuts:
        # Convolutions without padding shave off a few pixels; only a stride begins a new level.
        if not levels or cut.height < 0.7 * levels[-1][0].height:
            levels.append([])
        levels[-1].append(cut)
    stages = [_block_end(level) for level in levels]
    if stages[-1] is not cuts[-1]:
        stages.append(cuts[-1])
    if len(stages) > MAX_STAGES:
        full = network.inputs[0].shape[1]
        stages = [stage for stage in stages if round(full / stage.height) > 2]
    return stages[-MAX_STAGES:]


_BEFORE_THE_NETWORK = ("InputLayer", "Normalization", "Rescaling", "ZeroPadding2D")
_SAME_BLOCK = ("Activation", "BatchNormalization", "LayerNormalization", "Multiply", "ReLU")
_DEPTHWISE = ("DepthwiseConv2D", "SeparableConv2D")


def _cuts(network: Any) -> Iterator[_Cut]:
    depths = network._nodes_by_depth  # the graph as Keras runs it: depth counts from the outputs
    nodes = [node for depth in sorted(depths, reverse=True) for node in depths[depth]]
    waiting = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    waiting.update(id(tensor) for tensor in network.outputs)
    alive: set[int] = set()
    for node in nodes:
        for tensor in node.input_tensors:
            waiting[id(tensor)] -= 1
            if not waiting[id(tensor)]:
                alive.discard(id(tensor))
        alive.update(id(tensor) for tensor in node.outputs)
        if len(alive) == 1:
            yield _Cut(node.outputs[0], node.operation)


def _block_end(level: Sequence[_Cut]) -> _Cut:
    """The last cut of a level, or the one before a 1x1 convolution that only prepares the next block.

    Such a convolution multiplies the channels (MobileNetV2: 96 to 576) or mixes them for the way down (DenseNet):
    the narrow end of the block says the same in fewer numbers. After a depthwise one it is the block itself.
    """
    for index in range(len(level) - 1, 0, -1):
        if level[index].kind == "Conv2D" and level[index].operation.kernel_size == (1, 1):
            before = (cut.kind for cut in reversed(level[:index]))
            block = next((kind for kind in before if kind not in _SAME_BLOCK), "")
            return level[-1] if block in _DEPTHWISE else level[index - 1]
        if level[index].kind not in _SAME_BLOCK:
            break
    return level[-1]


def _name_stages(stages: Sequence[_Cut]) -> None:
    """Give stages without a name of their own one that does not depend on what was built before."""
    for number, stage in enumerate(stages, start=1):
        automatic = re.sub(r"_\d+$", "", stage.operation.name).replace("_", "") == stage.kind.lower()
        if automatic:
            stage.operation.name = f"stage{number}"


# --- weights -----------------------------------------------------------------------------------------------


def _weights(name: str, download: bool) -> Path:
    """The local file; looks in the folder of the settings, then in Keras' cache, then downloads."""
    from autotl.settings import settings

    application = _APPLICATIONS[name]
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    folders = [folder for folder in (settings().weights, cache / "models") if folder]
    for folder in folders:
        for file in (application.file, application.url.rpartition("/")[2]):
            if (folder / file).is_file():
                return folder / file
    failure = ""
    if download:
        try:
            return _download(application, cache)
        except Exception as reason:  # get_file raises a bare Exception when the network fails
            failure = f" The download failed: {_first_line(reason)}"
    raise WeightsError(
        f"The pretrained weights of {name} are not on this machine.{failure} Expected the file {application.file} "
        f"({application.url}) in {' or '.join(str(folder) for folder in folders)}. Download it where "
        "there is a network and put it there, or set AUTOTL_WEIGHTS to the folder that holds it. The backbones "
        "efficientnet-lite0, efficientnet-lite1 and efficientnet-lite2 need no download and are available now."
    )


def _download(application: _Application, cache: Path) -> Path:
    import keras

    usual = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)  # get_file has no time-out: behind a firewall it would hang
    try:
        # Its progress bar goes to standard output, which belongs to the caller's results.
        with contextlib.redirect_stdout(sys.stderr):
            return Path(
                keras.utils.get_file(
                    application.file,
                    application.url,
                    cache_subdir="models",
                    cache_dir=str(cache),
                    file_hash=application.digest,
                )
            )
    finally:
        socket.setdefaulttimeout(usual)


def _first_line(reason: BaseException) -> str:
    text = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
    return text if text.endswith(".") else f"{text}."
