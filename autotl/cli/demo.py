"""The command `demo`, and the handwritten digits it learns, which come with scikit-learn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotl.cli.fit import search
from autotl.cli.options import Json, NewRun
from autotl.runtime.user_paths import expand_home

if TYPE_CHECKING:
    import numpy as np


def demo(
    out: Annotated[Path, typer.Option(parser=expand_home, metavar="FOLDER", help="Where to put the images.")] = Path(
        "autotl-demo"
    ),
    run: NewRun = None,
    budget: Annotated[str, typer.Option(help="Wall-clock time for everything.")] = "2m",
    as_json: Json = False,
) -> None:
    """Learn 1,797 handwritten digits: from nothing to a registered model."""
    from autotl.runs.config import Config
    from autotl.runs.run import default_run_folder
    from autotl.runtime.durations import parse_duration

    data = write_digits(out / "digits")
    run = run or default_run_folder(data, time.localtime())
    search(Config(data=data, run=run, budget_seconds=parse_duration(budget), register="digits"), as_json=as_json)


def write_digits(folder: Path) -> Path:
    """Write the digits into one sub-folder per class, unless they are there already; returns the folder."""
    from PIL import Image

    for label, name, pixels in digits():
        path = folder / label / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return folder


def digits() -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield 1,797 images of 8x8 pixels as (class, file name, uint8 pixels); the source has values 0..16."""
    import numpy as np
    from sklearn.datasets import load_digits

    data = load_digits()
    for i, (image, label) in enumerate(zip(data.images, data.target, strict=True)):
        yield str(label), f"{i:04d}.png", (image * 255 / 16).round().astype(np.uint8)
