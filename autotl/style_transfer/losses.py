"""The loss of style transfer: how far an image is from the content of one image and from the style of another.

Gatys, Ecker and Bethge 2016, "Image style transfer using convolutional neural networks". In place of their constants,
which suit VGG, each distance is relative to what it is measured from, so that one weight suits every backbone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autotl.style_transfer.stages import StyleStages


def gram_matrix(activations: Any) -> Any:
    """The products of all pairs of channels, averaged over the positions.

    activations: a tensor (1, h, w, channels). Returns one of shape (channels, channels).
    """
    from keras import ops

    flat = ops.reshape(activations, (-1, activations.shape[-1]))
    return ops.matmul(ops.transpose(flat), flat) / flat.shape[0]


def loss_terms(
    read: Callable[[Any], Mapping[str, Any]], stages: StyleStages, *, content: Any, style: Mapping[str, Any],
    style_weight: float,
) -> Callable[[Any], Any]:  # fmt: skip
    """The terms of the loss as a function of an image: of the content, with a weight of 1, then of each style stage.

    read: from pixels 0 to 255, (1, h, w, 3), to the activations of each stage. content: the activations of the content
    image at its stage; style: the Gram matrices of the style image by stage. style_weight: of all style stages
    together. The function takes pixels from 0 to 1.
    """
    from keras import ops

    content_scale = _inverse(ops.mean(ops.var(content, axis=(0, 1, 2))))
    share = style_weight / sum(stages.style.values())
    style_scales = {
        name: share * weight * _inverse(ops.mean(ops.square(style[name]))) for name, weight in stages.style.items()
    }  # fmt: skip

    def terms(image: Any) -> Any:
        found = read(image * 255.0)
        return ops.stack(
            [
                content_scale * ops.mean(ops.square(found[stages.content] - content)),
                *(s * ops.mean(ops.square(gram_matrix(found[n]) - style[n])) for n, s in style_scales.items()),
            ]
        )

    return terms


def _inverse(scale: Any) -> Any:
    """Finite also where an image of one colour has no scale."""
    import keras

    return 1 / keras.ops.maximum(scale, keras.config.epsilon())
