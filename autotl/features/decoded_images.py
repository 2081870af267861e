"""Images decoded at one size: read one by one, or kept as one array on disk."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from autotl.cache.disk_allowance import allowed_bytes
from autotl.data.dataset import Dataset
from autotl.errors import OutOfTimeError
from autotl.features.crops import KeptCrop, corners_of
from autotl.features.item_files import read_item
from autotl.images.cropping import decode_cropped
from autotl.images.decoder import decode
from autotl.interfaces import Size
from autotl.trial import format_size

_DECODED_TOGETHER = 8
Pixels = Callable[[np.ndarray], np.ndarray]
"""Positions among the development items, int (n,) -> their images, uint8 (n, height, width, 3)."""


def read_pixels(dataset: Dataset, item: int, size: Size, crop: KeptCrop | None = None) -> np.ndarray:
    """The pixels of an item, uint8 (height, width, 3); DatasetError if its file has changed since the scan.

    crop: finds the part of the image that is read; None for all of it.
    """
    contents = read_item(dataset, item)
    if crop is None:
        return decode(contents, *size)
    digest = str(dataset.items["sha256"].iloc[item]).encode()
    return decode_cropped(contents, *size, corners_of(crop).of(digest, contents))


class DecodedImages:
    """The development images of a run at one size: decoded once where the disk has room for them, else every time.

    Decoded when first read: where all activations are cached already, nothing is.
    """

    def __init__(
        self, dataset: Dataset, items: np.ndarray, size: Size, folder: Path, *, seconds_left: Callable[[], float],
        crop: KeptCrop | None = None,
    ) -> None:  # fmt: skip
        self._dataset, self._items, self._size, self._seconds_left = dataset, items, size, seconds_left
        self._crop = crop
        if crop:
            corners_of(crop).look_up(dataset.digests()[items])
        self._file = folder / f"{format_size(size)}{f'-{crop.key}' if crop else ''}.npy"
        self._decoding = threading.Lock()
        self._decoded: np.ndarray | None = None
        n_bytes = len(items) * size[0] * size[1] * 3
        self._keep = self._file.exists() or n_bytes <= allowed_bytes(folder)

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """Images, uint8 (n, height, width, 3), by their positions among the items; as `Pixels`."""
        if self._keep:
            return np.asarray(self.decoded()[places])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.stack(list(pool.map(self._read, self._items[places])))

    def decoded(self) -> np.ndarray:
        """All images, uint8 (n, height, width, 3), memory-mapped; OutOfTimeError if the time runs out before."""
        with self._decoding:
            if self._decoded is None:
                if not self._file.exists():
                    self._decode()
                self._decoded = np.load(self._file, mmap_mode="r")
        return self._decoded

    def _read(self, item: int) -> np.ndarray:
        return read_pixels(self._dataset, item, self._size, self._crop)

    def _decode(self) -> None:
        self._file.parent.mkdir(exist_ok=True)
        # Of its own: two workers may come here at once.
        partial = self._file.with_name(f".{self._file.name}.{uuid.uuid4().hex}")
        try:
            shape = (len(self._items), *self._size, 3)
            pixels = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                for start in range(0, len(self._items), _DECODED_TOGETHER):
                    if self._seconds_left() <= 0:
                        raise OutOfTimeError("the time ran out while the images were decoded for fine-tuning")
                    part = self._items[start : start + _DECODED_TOGETHER]
                    for i, image in enumerate(pool.map(self._read, part), start):
                        pixels[i] = image
            pixels.flush()
            partial.replace(self._file)
        finally:
            partial.unlink(missing_ok=True)
