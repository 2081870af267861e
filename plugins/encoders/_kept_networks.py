"""Networks in ONNX that were made of other files, and what was found out about networks, in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autotl.cache.content_folders import folder_name, new_folder
from autotl.errors import ConfigError

NETWORK, FACTS = "network.onnx", "facts.json"
_VERSION = 1
"""Part of what a folder is named by: raise it when something else is written into it than before."""


def kept_network(name: str, identity: Any, make: Callable[[Path], None]) -> Path:
    """The folder of a network, in the cache beside the networks of backbones; `make(folder)` fills it once.

    name: what the folder's name begins with. identity: what the network depends on, as JSON. Raises ConfigError where
    the cache cannot be written, and what `make` raises.
    """
    from autotl.settings import settings

    cache = settings().cache
    digest = hashlib.sha256(json.dumps([_VERSION, identity], sort_keys=True).encode()).hexdigest()
    folder = cache / "networks" / f"{folder_name(name)}-{digest[:16]}"
    try:
        if not folder.is_dir():
            _make(folder, make)
        for file in folder.iterdir():  # in use: see `autotl.cache.eviction`
            os.utime(file)
    except OSError as error:
        raise ConfigError(
            f"{name} cannot be kept in {cache}: {error}. Make room, or choose another cache folder (AUTOTL_CACHE)."
        ) from None
    return folder


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    try:
        with new_folder(folder) as fresh:
            make(fresh)
    except OSError:
        if not folder.is_dir():  # else another process was faster
            raise


def file_digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
