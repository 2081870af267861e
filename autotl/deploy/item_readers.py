"""What reads the items given to a model, by the kind of its items."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotl.data.modalities import modality_named
from autotl.errors import RunError
from autotl.images.cropping import CROP_MODULE
from autotl.plugins import GROUP
from autotl.runtime.known_code import is_known


def open_reader(folder: Path, metadata: Mapping[str, Any]) -> Any:
    """The `ItemReader` of the model in a folder. metadata: its metadata.json.

    Raises RunError if the model crops images by code that is part of no plugin here: that of a stranger is not run.
    """
    if "crop" in metadata and not is_known(folder / CROP_MODULE, GROUP):
        raise RunError(
            f"The model in {folder} crops images by code of its own ({CROP_MODULE}), which is part of no plugin that is"
            f" installed here, so it is not run. Install the plugin of the crop in the version that the model was made "
            f"with; or, if you trust the model, run its own program: python {folder / 'predictor.py'} FILE"
        )
    return modality_named(metadata.get("modality", "image")).serving().open_reader(folder, metadata)
