"""A run's images as an autoencoder reads them: small, decoded once for all runs, and kept by content."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from autotl.cache.record_store import RecordStore
from autotl.data.dataset import Dataset
from autotl.features.decoded_images import read_pixels
from autotl.features.features import reading_version
from autotl.runtime.progress import OnProgress

_TOGETHER = 256


def small_images(dataset: Dataset, items: np.ndarray, edge: int, *, cache: Path, progress: OnProgress) -> np.ndarray:
    """The pixels of items, uint8 (n, edge, edge, 3); ItemLostError where a file has changed since the scan."""
    folder = cache / "small-images" / f"{edge}-{reading_version('image')}"
    store = RecordStore(folder, np.dtype(np.uint8), (edge, edge, 3))
    digests = dataset.digests()[items]
    pixels, known = store.read(digests)
    missing = np.flatnonzero(~known)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(missing), _TOGETHER):
            progress(start, len(missing))
            part = missing[start : start + _TOGETHER]
            pixels[part] = list(pool.map(lambda item: read_pixels(dataset, int(item), (edge, edge)), items[part]))
            store.append(digests[part], pixels[part])
    if len(missing):
        progress(len(missing), len(missing))
    return pixels
