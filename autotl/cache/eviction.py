"""Keeping the cache below its limit: the least recently used records and networks are deleted first."""

from __future__ import annotations

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from autotl.runtime.atomic_files import remove_leftovers

_STORES = ("features", "facts", "small-images")
_NETWORKS = "networks"
_STALE_SECONDS = 24 * 3600


def evict(cache: Path, *, limit_bytes: float, used_since: float) -> int:
    """Delete shards of records and networks until the rest is within the limit; returns the bytes that were freed.

    used_since: seconds since the epoch; what was used later is kept, even where it alone exceeds the limit. Another
    process that needs what was deleted computes it again. What a killed process left half written goes after a day.
    """
    remove_leftovers(cache, before=time.time() - _STALE_SECONDS)
    units = [(max(used for _, _, used in files), files) for files in _units(cache)]
    surplus = sum(size for _, files in units for _, size, _ in files) - limit_bytes
    freed = 0
    for used, files in sorted(units, key=lambda unit: unit[0]):
        if freed >= surplus or used >= used_since:
            break
        for path, size, _ in files:
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                freed += size
            except OSError:  # open elsewhere on Windows, or gone already
                continue
    return freed


def _units(cache: Path) -> Iterator[list[tuple[Path, int, float]]]:
    """Files that can only be deleted together: (path, bytes, last use), in the order of deletion."""
    for store in (folder for kind in _STORES for folder in _entries(cache / kind)):
        shards: defaultdict[str, list[tuple[Path, int, float]]] = defaultdict(list)
        for file in _entries(store.path):
            shards[file.name.lstrip(".").partition(".")[0]] += _sizes(file)
        for shard in shards.values():
            # Keys first: records without keys are never looked up.
            yield sorted(shard, key=lambda part: ".keys." not in part[0].name)
    for network in _entries(cache / _NETWORKS):
        inside = [part for file in _entries(network.path) for part in _sizes(file)]
        if inside:
            yield [(Path(network.path), sum(size for _, size, _ in inside), max(used for _, _, used in inside))]


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _sizes(file: os.DirEntry[str]) -> list[tuple[Path, int, float]]:
    try:
        found = file.stat()
    except OSError:  # deleted by another process
        return []
    return [(Path(file.path), found.st_size, found.st_mtime)]
