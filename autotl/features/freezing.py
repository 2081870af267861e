"""The graph of any source of features: of images and texts, or of clips, whose frames a source of images reads."""

from __future__ import annotations

from pathlib import Path

from autotl.features.clip_network import freeze_clips
from autotl.features.frozen_network import FrozenNetwork
from autotl.features.frozen_network import freeze as freeze_plain
from autotl.interfaces import Backbone, ClipEncoder, Encoder, Size


def freeze(source: Backbone | Encoder, size: Size, *, cache: Path, version: str = "") -> FrozenNetwork:
    """Write the graph of a source at one size, or take it from the cache; version: that of the source's plugin."""
    if not isinstance(source, ClipEncoder):
        return freeze_plain(source, size, cache=cache, version=version)
    images = freeze_plain(source.frames, size, cache=cache, version=version)
    return freeze_clips(source, images, size, cache=cache)
