"""The largest object, as for products, specimens or drawings before a plain background."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autotl.hookspecs import hookimpl
from autotl.interfaces import Crop


@hookimpl
def register_crops() -> Iterable[Crop]:
    yield Crop(
        "largest-object",
        Path(__file__).with_name("_largest_object.py"),
        purpose="the largest object before a plain background",
    )
