"""Which networks Keras Applications has, how they take their input, and where Keras gets their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from autotl.interfaces import Size

STORAGE = "https://storage.googleapis.com"


@dataclass(frozen=True)
class _Family:
    """What networks of one kind have in common.

    preprocessing: what they expect, see `_SCALING`; "inside" where they bring it along.
    folder, file: where Keras downloads the weights without classifier; {name} stands for the backbone's name,
        {variant} for what follows its last hyphen.
    cached: the name in Keras' cache, where it is another one.
    licence: of the weights, as the documentation of Keras or the repository of their authors states it.
    authors: who trained the weights, where the Keras team only converted them.
    """

    preprocessing: Literal["tf", "torch", "caffe", "unit", "inside"]
    folder: str
    file: str
    cached: str = ""
    licence: str = "Apache-2.0"
    authors: str = ""


@dataclass(frozen=True)
class Application:
    """One network: its function in `keras.applications`, and where Keras gets its weights.

    size: height and width of the images it was made for (pixels).
    digest: MD5 or SHA-256 of the weights file, None if Keras does not check it.
    licence, authors: those of the weights, see `_Family`.
    """

    function: str
    size: int
    preprocessing: str
    url: str
    file: str
    digest: str | None
    licence: str = ""
    authors: str = ""

    @property
    def source(self) -> str:
        """Where the weights come from, in words."""
        return f"Keras Applications{f', converted from those of {self.authors}' if self.authors else ''}"

    @property
    def sizes(self) -> tuple[Size, ...]:
        native = (self.size, self.size)
        if self.size >= 380:
            return (native,)  # a larger one takes minutes per thousand images on a CPU
        larger = 32 * round(1.4 * self.size / 32)
        return (native, (larger, larger))


_FAMILIES: dict[_Family, dict[str, tuple[str, int, str | None]]] = {
    _Family("tf", "tensorflow/keras-applications/mobilenet", "mobilenet_1_0_224_tf_no_top.h5", authors="Google"): {
        "mobilenet": ("MobileNet", 224, None),
    },
    _Family(
        "tf",
        "tensorflow/keras-applications/mobilenet_v2",
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        authors="Google",
    ): {
        "mobilenetv2": ("MobileNetV2", 224, None),
    },
    _Family(
        "tf",
        "tensorflow/keras-applications/mobilenet_v3",
        "weights_mobilenet_v3_{variant}_224_1.0_float_no_top_v2.h5",
        authors="Google",
    ): {
        "mobilenetv3-small": ("MobileNetV3Small", 224, "d3e8ec802a04aa4fc771ee12a9a9b836"),
        "mobilenetv3-large": ("MobileNetV3Large", 224, "07fb09a5933dd0c8eaafa16978110389"),
    },
    _Family(
        "tf",
        "tensorflow/keras-applications/nasnet",
        "NASNet-{variant}-no-top.h5",
        "nasnet_{variant}_no_top.h5",
        authors="Google",
    ): {
        "nasnet-mobile": ("NASNetMobile", 224, "1ed92395b5b598bdda52abe5c0dbfd63"),
        "nasnet-large": ("NASNetLarge", 331, "d81d89dc07e6e56530c4e77faddd61b5"),
    },
    _Family("inside", "keras-applications", "efficientnet{variant}_notop.h5", authors="Google"): {
        "efficientnet-b0": ("EfficientNetB0", 224, "50bc09e76180e00e4465e1a485ddc09d"),
        "efficientnet-b1": ("EfficientNetB1", 240, "74c4e6b3e1f6a1eea24c589628592432"),
        "efficientnet-b2": ("EfficientNetB2", 260, "111f8e2ac8aa800a7a99e3239f7bfb39"),
        "efficientnet-b3": ("EfficientNetB3", 300, "af6d107764bb5b1abb91932881670226"),
        "efficientnet-b4": ("EfficientNetB4", 380, "ebc24e6d6c33eaebbd558eafbeedf1ba"),
        "efficientnet-b5": ("EfficientNetB5", 456, "38879255a25d3c92d5e44e04ae6cec6f"),
        "efficientnet-b6": ("EfficientNetB6", 528, "9ecce42647a20130c1f39a5d4cb75743"),
        "efficientnet-b7": ("EfficientNetB7", 600, "cbcfe4450ddf6f3ad90b1b398090fe4a"),
    },
    _Family("torch", "tensorflow/keras-applications/efficientnet_v2", "{name}_notop.h5", authors="Google"): {
        "efficientnetv2-b0": ("EfficientNetV2B0", 224, "893217f2bb855e2983157299931e43ff"),
        "efficientnetv2-b1": ("EfficientNetV2B1", 240, "0e80663031ca32d657f9caa404b6ec37"),
        "efficientnetv2-b2": ("EfficientNetV2B2", 260, "1dfe2e7a5d45b6632553a8961ea609eb"),
        "efficientnetv2-b3": ("EfficientNetV2B3", 300, "f6abf7b5849ac99a89b50dd3fd532856"),
    },
    _Family("unit", "tensorflow/keras-applications/efficientnet_v2", "{name}_notop.h5", authors="Google"): {
        "efficientnetv2-s": ("EfficientNetV2S", 384, "af0682fb74e8c54910f2d4393339c070"),
        "efficientnetv2-m": ("EfficientNetV2M", 480, "1b8dc055df72dde80d614482840fe342"),
        "efficientnetv2-l": ("EfficientNetV2L", 480, "b0b66b5c863aef5b46e8608fe1711615"),
    },
    _Family(
        "torch",
        "tensorflow/keras-applications/densenet",
        "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        licence="BSD-3-Clause",
        authors="Gao Huang and others",
    ): {
        "densenet121": ("DenseNet121", 224, "30ee3e1110167f948a6b9946edeeb738"),
        "densenet169": ("DenseNet169", 224, "b8c4d4c20dd625c148057b9ff1c1176b"),
        "densenet201": ("DenseNet201", 224, "c13680b51ded0fb44dff2d8f86ac8bb1"),
    },
    _Family(
        "caffe",
        "tensorflow/keras-applications/resnet",
        "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        licence="MIT",
        authors="Kaiming He and others",
    ): {
        "resnet101": ("ResNet101", 224, "88cf7a10940856eca736dc7b7e228a21"),
        "resnet152": ("ResNet152", 224, "ee4c566cf9a93f14d82f913c2dc6dd0c"),
        "resnet50": ("ResNet50", 224, "4d473c1dd8becc155b73f8504c6f6626"),
    },
    _Family(
        "tf",
        "tensorflow/keras-applications/resnet",
        "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        licence="BSD-3-Clause",
        authors="Facebook",
    ): {
        "resnet101v2": ("ResNet101V2", 224, "c0ed64b8031c3730f411d2eb4eea35b5"),
        "resnet152v2": ("ResNet152V2", 224, "ed17cf2e0169df9d443503ef94b23b33"),
        "resnet50v2": ("ResNet50V2", 224, "fac2f116257151a9d068a22e544a4917"),
    },
    _Family(
        "tf",
        "tensorflow/keras-applications/xception",
        "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        licence="MIT",
    ): {
        "xception": ("Xception", 299, "b0042744bf5b25fce3cb969f33bebb97"),
    },
    _Family(
        "tf",
        "tensorflow/keras-applications/inception_v3",
        "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        authors="Google",
    ): {
        "inceptionv3": ("InceptionV3", 299, "bcbd6486424b2319ff4ef7d526e38f63"),
    },
    _Family(
        "tf",
        "tensorflow/keras-applications/inception_resnet_v2",
        "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        authors="Google",
    ): {
        "inception-resnet-v2": ("InceptionResNetV2", 299, "d19885ff4a710c122648d3b5c3b684e4"),
    },
    _Family(
        "torch",
        "tensorflow/keras-applications/convnext",
        "convnext_{variant}_notop.h5",
        licence="MIT",
        authors="Meta AI",
    ): {
        "convnext-tiny": ("ConvNeXtTiny", 224, "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"),
        "convnext-small": ("ConvNeXtSmall", 224, "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab"),
        "convnext-base": ("ConvNeXtBase", 224, "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45"),
        "convnext-large": ("ConvNeXtLarge", 224, "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd"),
        "convnext-xlarge": ("ConvNeXtXLarge", 224, "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05"),
    },
    _Family(
        "caffe",
        "tensorflow/keras-applications/{name}",
        "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        licence="CC-BY-4.0",
        authors="the Visual Geometry Group, Oxford",
    ): {
        "vgg16": ("VGG16", 224, "6d6bbae143d832006294945121d1f1fc"),
        "vgg19": ("VGG19", 224, "253f8cb515780f3b799900260a226db6"),
    },
}


def _applications() -> Iterator[tuple[str, Application]]:
    for family, members in _FAMILIES.items():
        for name, (function, size, digest) in members.items():
            terms = {"name": name, "variant": name.rpartition("-")[2]}
            remote, cached = family.file.format(**terms), (family.cached or family.file).format(**terms)
            url = f"{STORAGE}/{family.folder.format(**terms)}/{remote}"
            yield (
                name,
                Application(function, size, family.preprocessing, url, cached, digest, family.licence, family.authors),
            )


APPLICATIONS = dict(_applications())
