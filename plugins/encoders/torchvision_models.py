"""The classifiers of torchvision as encoders: `--backbones torchvision:resnet18`, exported as they are first used.

The stages are found in the exported graph, as in any ONNX file. Needs the extra `torch`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import EncoderFormat
from autotl_plugins.encoders._torch_formats import Library, open_model
from autotl_plugins.encoders.onnx_files import open_file

if TYPE_CHECKING:
    import onnx


def _read(file: Path, height: int, width: int) -> onnx.ModelProto:
    encoder = open_file(str(file))
    assert encoder is not None  # an ONNX file
    return encoder.graph(height, width)


TORCHVISION = Library("torchvision", ("torch", "torchvision", "onnxscript"), _read)


@hookimpl
def register_encoder_formats() -> Iterable[EncoderFormat]:
    yield EncoderFormat("torchvision", partial(open_model, TORCHVISION), "torchvision:NAME")
