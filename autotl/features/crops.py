"""What a crop finds in each image: its files in the cache, and the corners by content, found once."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from autotl.cache.record_store import RecordStore
from autotl.errors import AutoTLError, PluginError
from autotl.images.cropping import (
    CROP_DOCUMENT,
    CROP_MODULE,
    CROPPING_VERSION,
    Find,
    find_corners,
    open_crop,
)
from autotl.images.decoder import DECODER_VERSION, UnreadableImage
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.known_code import remember

if TYPE_CHECKING:
    from autotl.interfaces import Crop

_KEPT_TOGETHER = 512
_PREFIX = "crop-"
"""Of the files that a crop reads, so that they never take the place of a deployable's own."""


@dataclass(frozen=True)
class KeptCrop:
    """A crop whose files are in the cache. key: changes whenever the same image would be cropped otherwise."""

    name: str
    key: str
    folder: Path
    corners_folder: Path

    @property
    def files(self) -> dict[str, Path]:
        """What a deployable carries, by name."""
        return {file.name: file for file in sorted(self.folder.iterdir()) if not file.name.startswith(".")}


def keep_crop(crop: Crop, cache: Path) -> KeptCrop:
    """Put the files of a crop into the cache, or find them there; raises PluginError, and WeightsError of its files."""
    who = f"crop {crop.name!r}"
    try:
        module, files = crop.module.read_bytes(), dict(crop.files())
    except AutoTLError:
        raise
    except Exception as error:
        raise PluginError(f"{who} cannot be read: {type(error).__name__}: {error}") from error
    remember(crop.module)
    digest = hashlib.sha256(f"{crop.name} {CROPPING_VERSION} {DECODER_VERSION}\n".encode() + module)
    for name, contents in sorted(files.items()):
        digest.update(f"\n{name} {hashlib.sha256(contents).hexdigest()}".encode())
    key = f"{crop.name}-{digest.hexdigest()[:12]}"
    folder = cache / "networks" / f"{_PREFIX}{key}"
    document = folder / CROP_DOCUMENT
    with suppress(OSError):  # says that it is in use, see `eviction`
        os.utime(document)
    if not document.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / CROP_MODULE, module)
        for name, contents in files.items():
            write_atomically(folder / f"{_PREFIX}{name}", contents)
        facts = {
            "name": crop.name, "key": key, "source": crop.source, "licence": crop.licence,
            "files": {name: f"{_PREFIX}{name}" for name in files},
        }  # fmt: skip
        write_atomically(document, json.dumps(facts, indent=2).encode())
    return KeptCrop(crop.name, key, folder, cache / "facts" / f"{_PREFIX}{key}")


def crop_key(network_key: str, crop: KeptCrop) -> str:
    """The key of a network that reads what a crop finds."""
    return f"{network_key}@{crop.key}"


class Corners:
    """The corners of what a crop finds in images, by content: those in the cache, and what is found from now on."""

    def __init__(self, crop: KeptCrop, find: Find) -> None:
        self._crop, self._find = crop, find
        self._store = RecordStore(crop.corners_folder, np.dtype(np.float32), (8,))
        self._known: dict[bytes, np.ndarray | None] = {}
        self._new: dict[bytes, np.ndarray] = {}
        self._writing = threading.Lock()

    def look_up(self, digests: np.ndarray) -> None:
        """Take from the cache what is there of some images; digests: bytes (n,)."""
        unknown = np.array([key not in self._known for key in digests.tolist()], bool)
        found, known = self._store.read(digests[unknown])
        for key, row in zip(digests[unknown][known].tolist(), found[known], strict=True):
            self._known[key] = None if np.isnan(row[0]) else row.reshape(4, 2)

    def of(self, digest: bytes, contents: bytes) -> np.ndarray | None:
        """The corners in an image, see `find_corners`; None if the crop found nothing."""
        if digest in self._known:
            return self._known[digest]
        self._known[digest] = corners = self._find_in(contents)
        record = np.full(8, np.nan, np.float32) if corners is None else corners.ravel()
        with self._writing:
            self._new[digest] = record
            enough = len(self._new) >= _KEPT_TOGETHER
        if enough:
            self.keep()
        return corners

    def try_out(self) -> None:
        """Look at an image without anything in it; raises PluginError if that fails."""
        image = io.BytesIO()
        Image.new("RGB", (64, 48), "white").save(image, "PNG")
        self._find_in(image.getvalue())

    def keep(self) -> None:
        """Write what was found to the cache."""
        with self._writing:
            new, self._new = self._new, {}
        if new:
            with suppress(OSError):  # found again where they cannot be kept
                self._store.append(np.array(list(new)), np.stack(list(new.values())))

    def _find_in(self, contents: bytes) -> np.ndarray | None:
        try:
            return find_corners(contents, self._find)
        except (UnreadableImage, AutoTLError):
            raise
        except Exception as error:
            raise PluginError(f"the crop {self._crop.name!r} failed: {type(error).__name__}: {error}") from error

    def kept(self, digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which images were looked at, bool (n,), and the corners, float32 (n, 4, 2), NaN where nothing was found.

        digests: bytes (n,).
        """
        self.look_up(digests)
        looked_at = np.array([key in self._known for key in digests.tolist()], bool)
        corners = np.full((len(digests), 4, 2), np.nan, np.float32)
        for place in np.flatnonzero(looked_at):
            found = self._known[digests[place]]
            if found is not None:
                corners[place] = found
        return looked_at, corners

    def n_whole(self, digests: np.ndarray) -> tuple[int, int]:
        """In how many images nothing was found, and how many were looked at; digests: bytes (n,)."""
        looked_at, corners = self.kept(digests)
        return int(np.isnan(corners[looked_at, 0, 0]).sum()), int(looked_at.sum())


@lru_cache(maxsize=8)
def corners_of(crop: KeptCrop) -> Corners:
    """The corners of a crop, which all readers in this process share; PluginError if its module cannot be opened."""
    try:
        return Corners(crop, open_crop(crop.folder))
    except Exception as error:
        raise PluginError(f"the crop {crop.name!r} cannot be opened: {type(error).__name__}: {error}") from error
