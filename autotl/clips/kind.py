"""What clips and their files are called."""

from __future__ import annotations

from autotl.item_kind import ItemKind

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".3gp", ".ogv"}
)  # fmt: skip
ANIMATED_SUFFIXES = frozenset({".gif", ".webp"})
"""Of files that may be an image or a clip."""
FRAMES_SUFFIX = ".frames"
"""Of the files that AutoTL writes for folders of frames."""
CLIPS = ItemKind("clip", "clips", VIDEO_SUFFIXES | ANIMATED_SUFFIXES | {FRAMES_SUFFIX})
"""Clips as a kind of item."""
