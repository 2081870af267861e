"""Scanning with the cache of the tests, and images of noise to scan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from autotl.data import scan as module
from autotl.data.dataset import Dataset
from autotl.data.source import Source
from autotl.settings import settings


def scan(data: Path, **options: Any) -> Dataset:
    """As `autotl.data.scan.scan`; the cache may be left out."""
    return module.scan(data, cache=options.pop("cache", None) or settings().cache, **options)


def write_noise(path: Path, seed: int = 0) -> Path:
    """Write a small image that differs by seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)).save(path)
    return path


def write_pets(root: Path) -> Path:
    """Two classes of four images each."""
    for i in range(4):
        write_noise(root / "cat" / f"{i}.png", i)
        write_noise(root / "dog" / f"{i}.png", 100 + i)
    return root


def labelled_source(root: Path) -> Source:
    """Seven rows of a table: three classes, two without a label, and one whose file is gone."""
    rows = [("a", "cat"), ("b", "cat"), ("c", "dog"), ("d", "wolf"), ("e", ""), ("f", ""), ("gone", "cat")]
    table = pd.DataFrame(rows, columns=["path", "label"]).assign(given_split="", missing="")
    table.loc[table["path"] == "gone", "missing"] = "there is no such file"
    return Source(root, table, {}, "", "")
