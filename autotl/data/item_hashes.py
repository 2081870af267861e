"""Hashes of the contents of items, which may be composed of several files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.data.hashing import find_copies, hash_files
from autotl.data.modalities import modality_named
from autotl.modality import Modality
from autotl.runtime.progress import OnProgress


def hash_items(
    root: Path, paths: Sequence[str], modality: str, *, progress: OnProgress | None = None
) -> pd.DataFrame:  # fmt: skip
    """Hash items; see `hash_files`. The hash of a composed item is one of the contents of its parts, wherever they are.

    modality: the kind of the items, by its name. Of composed items the columns `PART.sha256` have the hashes of the
    parts.
    """
    kind = modality_named(modality)
    if not kind.parts:
        return hash_files(root, paths, progress=progress)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(partial(_parts, kind), [root / path for path in paths]))
    files = dict.fromkeys(file for parts in found if not isinstance(parts, str) for file in parts)
    hashed = hash_files(Path(), list(files), progress=progress)
    rows = dict(zip(files, hashed.itertuples(index=False), strict=True))
    return pd.DataFrame(
        [_joined(kind, parts if isinstance(parts, str) else [rows[file] for file in parts]) for parts in found],
        columns=["sha256", "n_bytes", "quarantine", *(f"{part}.sha256" for part in kind.parts)],
    )


def digests_of(table: pd.DataFrame, modality: str) -> np.ndarray:
    """The hashes of items as their examiner takes them, from a table with the columns of `hash_items`."""
    parts = modality_named(modality).parts
    columns = table[[f"{part}.sha256" for part in parts]] if parts else table["sha256"]
    return columns.to_numpy(dtype=str).astype("S64")


def copies_of(root: Path, paths: Sequence[str], modality: str) -> frozenset[str]:
    """Those of the items whose content is also at another of the paths; see `find_copies`."""
    if not modality_named(modality).parts:
        return find_copies(root, paths)
    found = hash_items(root, paths, modality)
    copied = found["sha256"].duplicated(keep=False) & (found["quarantine"] == "")
    return frozenset(pd.Series([*paths], dtype=str)[copied.to_numpy(dtype=bool)])


def content_hash(digests: Sequence[str]) -> str:
    """The hash of a composed item from those of its parts, hexadecimal, in the order of its kind's parts."""
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _parts(kind: Modality, path: Path) -> tuple[str, ...] | str:
    """The files of an item's parts, or why they are not known."""
    try:
        return tuple(map(str, kind.files(path)))
    except ValueError as error:
        return str(error)


def _joined(kind: Modality, parts: Sequence[tuple[str, int, str]] | str) -> tuple[str | int, ...]:
    """The hash, size and problem of an item, and the hashes of its parts.

    parts: hash, size and problem of each of them, or why they are not known.
    """
    if isinstance(parts, str):
        return content_hash(()), 0, parts, *("" for _ in kind.parts)
    problems = [f"its {part}: {problem}" for part, (_, _, problem) in zip(kind.parts, parts, strict=True) if problem]
    hashes = [digest for digest, _, _ in parts]
    return content_hash(hashes), sum(n for _, n, _ in parts), "; ".join(problems), *hashes
