"""The clips given to a model: one or many, in any container, each with its name.

An exported model carries a copy of this file, with those that it imports.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

EXPECTED_CLIP = "the path of a video, of an animated GIF or WebP or of a folder of frames, or the bytes of such a file"


class GivenClip(NamedTuple):  # a dataclass cannot be created in the module of an exported model
    """A clip to classify.

    name: what its answer is called. clip: a path, or a file's bytes. problem: why there is no clip; otherwise empty.
    """

    name: str
    clip: Path | bytes = b""
    problem: str = ""


def given_clips(items: object) -> list[GivenClip]:
    """One entry per clip, in the order in which a loop meets them; a single clip is a list of one.

    A path is its own name; bytes are called "item 0", "item 1", ... by their place. A missing value (None, NaN or an
    empty path) has a problem in place of a clip. Raises TypeError if something is not a clip.
    """
    if hasattr(items, "columns"):
        raise TypeError("items is a table; give its column of clips, such as table['clip']")
    if isinstance(items, Mapping):
        raise TypeError(f"items is a {type(items).__name__}; give its values, such as list(clips.values())")
    if isinstance(items, str | bytes | bytearray | memoryview | os.PathLike):
        return [_given_clip(items, 0)]
    if not isinstance(items, Iterable):
        raise TypeError(f"items is a {type(items).__name__}; expected {EXPECTED_CLIP}, or an iterable of them")
    return [_given_clip(thing, place) for place, thing in enumerate(items)]


def _given_clip(thing: Any, place: int) -> GivenClip:
    name = f"item {place}"
    if isinstance(thing, str | os.PathLike):
        path = os.fsdecode(thing)
        if not path:
            return GivenClip(name, problem="its path is empty")
        return GivenClip(path, Path(os.path.expanduser(path)))  # noqa: PTH111, Path's own refuses an unknown user's home
    if isinstance(thing, bytes | bytearray | memoryview):
        return GivenClip(name, bytes(thing))
    if thing is None or type(thing).__name__ in ("NAType", "NaTType") or (isinstance(thing, float) and thing != thing):
        return GivenClip(name, problem="it is missing")
    raise TypeError(f"items[{place}] is a {type(thing).__name__}; expected {EXPECTED_CLIP}")
