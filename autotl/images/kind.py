"""What images and their files are called."""

from __future__ import annotations

from autotl.item_kind import ItemKind

IMAGES = ItemKind(
    "image",
    "images",
    frozenset(
        {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif",
         ".ppm", ".pgm", ".pbm", ".pnm"}
    ),
)  # fmt: skip
