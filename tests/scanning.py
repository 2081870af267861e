"""Scanning with the cache of the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autotl.data import scan as module
from autotl.data.dataset import Dataset
from autotl.settings import settings


def scan(data: Path, **options: Any) -> Dataset:
    """As `autotl.data.scan.scan`; the cache may be left out."""
    return module.scan(data, cache=options.pop("cache", None) or settings().cache, **options)
