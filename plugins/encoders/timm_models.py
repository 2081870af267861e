"""The pretrained models of timm as encoders: `--backbones timm:resnet18`, exported by PyTorch as they are first used.

The stages are timm's own feature maps, the last one of each resolution, and the vector before the classifier. Needs the
extra `torch`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import EncoderFormat
from autotl_plugins.encoders._torch_formats import Library, open_model

if TYPE_CHECKING:
    import onnx


def _read(file: Path, height: int, width: int) -> onnx.ModelProto:
    import onnx

    return onnx.load(file)


TIMM = Library("timm", ("torch", "timm", "onnxscript"), _read)


@hookimpl
def register_encoder_formats() -> Iterable[EncoderFormat]:
    yield EncoderFormat("timm", partial(open_model, TIMM), "timm:NAME")
