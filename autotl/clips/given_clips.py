"""The clips given to a model: one or many, in any container, each with its name.

An exported model carries a copy of this file, with those that it imports.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from autotl.runtime.given_items import each_given, is_missing

EXPECTED_CLIP = "the path of a video, of an animated GIF or WebP or of a folder of frames, or the bytes of such a file"


class GivenClip(NamedTuple):  # a dataclass cannot be created in the module of an exported model
    """A clip to classify.

    name: of the item in the results. clip: a path, or a file's bytes. problem: why there is no clip; otherwise empty.
    """

    name: str
    clip: Path | bytes = b""
    problem: str = ""


def given_clips(items: object) -> list[GivenClip]:
    """One entry per clip, in the order in which a loop meets them; a single clip is a list of one.

    A path is its own name; bytes are called "item 0", "item 1", ... by their place. A missing value (None, NaN or an
    empty path) has a problem in place of a clip. Raises TypeError if something is not a clip.
    """
    return each_given(items, _given_clip, plural="clips", column="clip", expected=EXPECTED_CLIP)


def _given_clip(thing: Any, place: int) -> GivenClip:
    name = f"item {place}"
    if isinstance(thing, str | os.PathLike):
        path = os.fsdecode(thing)
        if not path:
            return GivenClip(name, problem="its path is empty")
        return GivenClip(path, Path(os.path.expanduser(path)))  # noqa: PTH111, Path's own refuses an unknown user's home
    if isinstance(thing, bytes | bytearray | memoryview):
        return GivenClip(name, bytes(thing))
    if is_missing(thing):
        return GivenClip(name, problem="it is missing")
    raise TypeError(f"items[{place}] is a {type(thing).__name__}; expected {EXPECTED_CLIP}")
