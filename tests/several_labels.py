"""A table of shapes with two targets: what is drawn, and whether the image is light or dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from PIL import Image

N_OF_EACH = 20
UNKNOWN = {"shape": 3, "tone": 5}
"""So many rows have no label for a target, each target others."""


def write_shapes(root: Path, make_folder: Callable[..., Path], *, given_split: bool = False) -> Path:
    """Write images and labels.csv with the columns path, shape and tone; returns the table."""
    make_folder(root / "images", circle=N_OF_EACH, square=N_OF_EACH, stripes=N_OF_EACH, edge=32)
    rows = []
    for number, file in enumerate(sorted((root / "images").rglob("*.png"))):
        tone = ("dark", "light")[number % 2]
        image = Image.open(file).point(lambda v, tone=tone: v // 3 if tone == "dark" else 170 + v // 3)
        image.save(file)
        rows.append({"path": file.relative_to(root).as_posix(), "shape": file.parent.name, "tone": tone})
    table = pd.DataFrame(rows)
    table.loc[table.index[: UNKNOWN["shape"]], "shape"] = ""
    table.loc[table.index[-UNKNOWN["tone"] :], "tone"] = ""
    if given_split:
        table["split"] = ["test" if number % 5 < 2 else "train" for number in range(len(table))]
    table.to_csv(root / "labels.csv", index=False)
    return root / "labels.csv"
