"""What a deployable of images says, needs and shows as its example."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from autotl.images.decoder import DECODER_VERSION
from autotl.images.file_info import thumbnail
from autotl.modality import Deployed


def deployed(size: tuple[int, int], _files: Mapping[str, Path]) -> Deployed:
    """How a deployable for images of a size is written."""
    return Deployed(
        facts={"task": "image-classification", "height": size[0], "width": size[1], "decoder": DECODER_VERSION},
        packages=("onnxruntime", "pillow", "numpy"),
        columns={"image": "binary"},
        # Small, whatever the size of the original; base64 is how MLflow writes a binary column.
        example=lambda data, _name: {"image": base64.b64encode(thumbnail(data, max(size))).decode()},
    )
