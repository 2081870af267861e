"""The kinds of items that a dataset may hold, by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from autotl.clips.modality import CLIPS
from autotl.images.modality import IMAGES
from autotl.modality import Modality
from autotl.pairs.modality import PAIRS
from autotl.texts.modality import TEXTS

MODALITIES = {one.name: one for one in (IMAGES, TEXTS, PAIRS, CLIPS)}
"""Every kind of item."""
_LARGE = 4096
"""Room for all of a text, in pixels."""


def modality_named(name: str) -> Modality:
    """The kind of item of this name."""
    return MODALITIES[name]


def kinds_read(name: str) -> tuple[str, ...]:
    """The kinds of item that sources of features may read from such items: of their parts, if they are composed."""
    return modality_named(name).parts or (name,)


def source_kinds(name: str) -> tuple[str, ...]:
    """The kinds of item whose sources of features may read such items; of clips also those of images, for frames."""
    return (CLIPS.name, IMAGES.name) if name == CLIPS.name else kinds_read(name)


def composed_of(parts: Sequence[str]) -> str:
    """The kind of item that consists of these parts, in this order; empty if there is none."""
    return next((one.name for one in MODALITIES.values() if one.parts == tuple(parts)), "")


def common_kind(names: Collection[str]) -> str:
    """The kind of item that has all of these as its name or as its parts; empty if there is none."""
    wanted = set(names)
    if len(wanted) == 1:
        return next(iter(wanted))
    return next((one.name for one in MODALITIES.values() if wanted <= {one.name, *one.parts}), "")


def columns_to_read(name: str, files: Sequence[Path], *, paths: bool = True) -> dict[str, list[str]]:
    """What people who label items need beside their names, by column: the text, and the path of an image with a text.

    paths: whether the paths are needed. Empty if the items have no text; cells of unreadable items are empty.
    """
    modality = modality_named(name)
    has_text = TEXTS.name in (name, *modality.parts)
    columns = {TEXTS.name: [_whole(modality, file) for file in files]} if has_text else {}
    seen = [part for part in modality.parts if modality_named(part).has_pixels] if paths else []
    return {part: [_path_of(modality, part, file) for file in files] for part in seen} | columns


def file_to_look_at(name: str, file: Path) -> Path:
    """The file that people open to look at an item of this kind: of a composed item, the one of its image."""
    modality = modality_named(name)
    seen = [place for place, part in enumerate(modality.parts) if modality_named(part).has_pixels]
    return modality.files(file)[seen[0]] if seen else file


def caption_name(name: str, file: Path, path: str) -> str:
    """The name of an item of this kind in a caption: its path; if composed, the name of its image with the path behind.

    file: where it is; path: as the dataset lists it.
    """
    try:
        seen = file_to_look_at(name, file)
    except (ValueError, OSError):
        return path
    return path if seen.stem == file.stem else f"{seen.name} ({path})"


def _path_of(modality: Modality, part: str, file: Path) -> str:
    try:
        return str(modality.files(file)[modality.parts.index(part)])
    except (ValueError, OSError):
        return ""


def _whole(modality: Modality, file: Path) -> str:
    try:
        return modality.show(file, _LARGE).text
    except ValueError:
        return ""
