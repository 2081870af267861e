"""What the cache holds of a source's features, by its name alone: nothing is built to find out."""

from __future__ import annotations

import glob
import json
from pathlib import Path

import numpy as np

from autotl.cache.content_folders import folder_name
from autotl.cache.record_store import RecordStore
from autotl.features.features import reading_version
from autotl.interfaces import CROPPED, MOTION, Size


def count_known(cache: Path, source: str, size: Size, digests: np.ndarray) -> int:
    """How many items have features of a source at a size in the cache, the most of any of its versions.

    digests: bytes (n,). It is an estimate: the features may be those of other weights under the same name.
    """
    source, _, crop = source.removesuffix(MOTION).partition(CROPPED)
    found = 0
    for name in {source, folder_name(source)}:
        for folder in (cache / "networks").glob(f"{glob.escape(name)}-{size[0]}x{size[1]}-*"):
            try:
                n_features = int(json.loads((folder / "columns.json").read_text(encoding="utf-8"))[-1]["stop"])
            except (OSError, ValueError, LookupError, TypeError):
                continue
            of_crop = f"{CROPPED}{glob.escape(crop)}-*" if crop else ""
            for modality in ("image", "text", "clip"):
                for kept in (cache / "features").glob(
                    f"{glob.escape(folder.name)}{of_crop}-{reading_version(modality)}"
                ):
                    store = RecordStore(kept, np.dtype(np.float32), (n_features,))
                    found = max(found, int(store.known(digests).sum()))
    return found
