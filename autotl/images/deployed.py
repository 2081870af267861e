"""What a deployable of images says, needs and shows as its example."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from autotl.images.cropping import CROP_DOCUMENT
from autotl.images.decoder import DECODER_VERSION
from autotl.images.file_info import thumbnail
from autotl.modality import Deployed


def deployed(size: tuple[int, int], files: Mapping[str, Path]) -> Deployed:
    """How a deployable for images of a size is written. files: with those of a crop, if it looks at a part of each."""
    facts = {"task": "image-classification", "height": size[0], "width": size[1], "decoder": DECODER_VERSION}
    crop = files.get(CROP_DOCUMENT)
    return Deployed(
        facts={**facts, "crop": json.loads(crop.read_text(encoding="utf-8"))} if crop else facts,
        packages=("onnxruntime", "pillow", "numpy"),
        columns={"image": "binary"},
        # Small, whatever the size of the original; base64 is how MLflow writes a binary column.
        example=lambda data, _name: {"image": base64.b64encode(thumbnail(data, max(size))).decode()},
    )
