"""Folders that hold clips: videos and animated images, or folders of frames, each of which is a clip.

Videos are recognised by their names in a folder without images. Animated GIF and WebP files are images unless there are
videos beside them, and folders of frames look as folders of images do: both have to be asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from autotl.cache.content_folders import new_folder
from autotl.clips.frame_files import frames_file, in_frame_order
from autotl.clips.kind import ANIMATED_SUFFIXES, FRAMES_SUFFIX, VIDEO_SUFFIXES
from autotl.data.file_lookup import Folder
from autotl.data.item_kinds import CLIPS, IMAGES
from autotl.data.listing import Files, list_files
from autotl.data.note import Note
from autotl.data.tables import column_names
from autotl.errors import DatasetError

CLIP_FILES, FRAME_FOLDERS = "clips", "frames"
"""What `image` is where the files are clips, and where each folder of images is one."""


def n_videos(ignored: Mapping[str, int]) -> int:
    """How many of the other files beside images are videos. ignored: their number by kind."""
    return sum(n for kind, n in ignored.items() if kind.removeprefix("*") in VIDEO_SUFFIXES)


def holds_clips(files: Files) -> bool:
    """Whether a folder holds videos, and no image but such that may be animated."""
    return holds_animations_only(files.items) and n_videos(files.ignored) > 0


def holds_animations_only(paths: Sequence[str]) -> bool:
    """Whether all images are of a kind that may be animated."""
    return all(path.lower().endswith(tuple(ANIMATED_SUFFIXES)) for path in paths)


def folder_of_clips(folder: Folder, image: str | None, cache: Path) -> Folder | None:
    """The folder with the clips in it, if it is about clips; None if it is not.

    image: what was asked for; a column of a table that has this name comes before what is meant here.
    Raises DatasetError if clips were asked for, and there is none.
    """
    if image is None:
        return folder.holding(CLIPS) if holds_clips(folder.files) else None
    tables = [folder.root / name for name in folder.files.tables if "/" not in name]
    if image not in (CLIP_FILES, FRAME_FOLDERS) or any(image in column_names(table) for table in tables):
        return None
    if image == FRAME_FOLDERS:
        return with_frame_files(folder, cache)
    found = folder.holding(CLIPS)
    if not found.files.items:
        raise DatasetError(
            f"{folder.root} has no clip, and --image {CLIP_FILES} asks for clips: "
            f"{', '.join(sorted(CLIPS.suffixes))}. Leave it out to learn from what there is."
        )
    return found


def about_unread_clips(ignored: Mapping[str, int]) -> list[Note]:
    """Videos that are not read, because there are images, too."""
    n = n_videos(ignored)
    if not n:
        return []
    found = f"{n} video{'s' * (n != 1)} {'is' if n == 1 else 'are'} not read, because there are images, too"
    return [Note(found, f"To learn from the videos, add --image {CLIP_FILES}.", "info")]


def folders_of_frames(folder: Path) -> list[str]:
    """The folders of images in a folder that has no video, relative to it; "." where the images are in itself."""
    files = list_files(folder, IMAGES, lenient=True)
    if n_videos(files.ignored) or holds_animations_only(files.items):
        return []
    return sorted({path.rpartition("/")[0] or "." for path in files.items})


def what_holds_clips(data: Path) -> str | None:
    """What `image` is where it is known that data are clips; None for a table or an archive."""
    if not data.is_dir():
        return None
    return FRAME_FOLDERS if folders_of_frames(data) else CLIP_FILES


def why_no_class(data: Path, paths: Sequence[str]) -> str:
    """What is wrong where no clip has a class because each folder of images is one; empty for other clips."""
    if not paths or not all(path.endswith(FRAMES_SUFFIX) for path in paths):
        return ""
    found = f"{len(paths)} folders" if len(paths) > 1 else "a folder"
    return (
        f"{data} has {found} of images, such as {paths[0].removesuffix(FRAMES_SUFFIX)}, and --image {FRAME_FOLDERS} "
        "takes each of them for one clip, which leaves none with a class. Put the frames of each clip into a folder of "
        f"its own, in the folder of its class; leave out --image {FRAME_FOLDERS} if each image is an item."
    )


def with_frame_files(folder: Folder, cache: Path) -> Folder:
    """The folder with a file for each folder of images in it, which holds the frames that are read of them.

    They are written below the cache, once for the names, sizes and dates of the images; tables at the top are copied.
    Raises DatasetError if there is no image, or if a frame cannot be read.
    """
    clips = _frames_by_folder(folder.files.items)
    if not clips:
        raise DatasetError(
            f"{folder.root} has no folder of images, and --image {FRAME_FOLDERS} takes each folder of images for a "
            f"clip. Put the frames of each clip into a folder of its own, in the folder of its class; without the "
            "option each image is an item."
        )
    tables = [name for name in folder.files.tables if "/" not in name]
    target = cache / "frames" / _digest(folder.root, [*folder.files.items, *tables])
    if not target.is_dir():
        import filelock

        target.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{target}.lock"):
            if not target.is_dir():
                with new_folder(target) as temporary:
                    _write(folder.root, clips, tables, temporary)
    return Folder(target.resolve(), folder.sealed, holds=CLIPS)


def _frames_by_folder(paths: Sequence[str]) -> dict[str, list[str]]:
    """The images directly in each folder, in the order of their names; those at the top are in none."""
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if folder:
            found.setdefault(folder, []).append(name)
    return {name: in_frame_order(frames) for name, frames in found.items()}


def _digest(root: Path, paths: Sequence[str]) -> str:
    facts = [(path, *_size_and_date(root / path)) for path in paths]
    return hashlib.sha256(json.dumps([str(root), facts]).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _size_and_date(path: Path) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116, a path object for each takes longer
    return found.st_size, found.st_mtime_ns


def _write(root: Path, clips: Mapping[str, Sequence[str]], tables: Sequence[str], out: Path) -> None:
    for folder, names in clips.items():
        file = out / f"{folder}{FRAMES_SUFFIX}"
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            file.write_bytes(frames_file([root / folder / name for name in names]))
        except OSError as error:
            raise DatasetError(
                f"the frames in {root / folder} cannot be kept as a clip: {error.strerror or error}. Check that they "
                "can be read, and that there is room in the cache (AUTOTL_CACHE)."
            ) from error
    for name in tables:
        shutil.copyfile(root / name, out / name)
