"""The middle of each image, as for microscopes and lenses that are dark at the edge: `--crops none,middle`."""

from pathlib import Path

import autotl
from autotl.interfaces import Crop


@autotl.hookimpl
def register_crops():
    yield Crop(
        "middle",
        Path(__file__).with_name("autotl_middle_find.py"),
        files=lambda: {"share.txt": b"0.7"},
        purpose="the middle of each image",
    )
