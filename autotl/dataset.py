"""The data set: which images there are, what they are labelled, and which cannot be read."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from autotl.errors import DatasetError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
MIN_IMAGES_PER_CLASS = 4
"""One to test on, and three in cross-validation so that every fold still trains on two."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True)
class Dataset:
    """Labelled images, frozen at the moment of the scan.

    table: one row per image file: path (relative to root, posix), label, sha256, phash (64-bit perceptual hash,
        hexadecimal), width, height (pixels), group (empty: none), quarantine (the reason why the file cannot be
        used, empty: it can), then one column `attribute.NAME` per attribute.
    ignored: number of files that are no images (hidden files, side files, files outside a class folder).
    """

    root: Path
    table: pd.DataFrame
    ignored: int = 0

    @cached_property
    def items(self) -> pd.DataFrame:
        """The usable rows, numbered from 0; features, splits and predictions count in these numbers."""
        return self.table[self.table["quarantine"] == ""].reset_index(drop=True)

    @cached_property
    def quarantined(self) -> pd.DataFrame:
        """The rows that cannot be used, with the reason in the column `quarantine`."""
        return self.table[self.table["quarantine"] != ""].reset_index(drop=True)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class names in sorted order; a label's index is its place here."""
        return tuple(sorted(self.items["label"].unique()))

    @cached_property
    def labels(self) -> np.ndarray:
        """Class indices, int (n_items,)."""
        return np.searchsorted(np.array(self.classes), self.items["label"].to_numpy(dtype=str))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the contents and labels of all images, whatever their names or order."""
        lines = sorted(self.table["sha256"] + " " + self.table["label"])
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def path(self, item: int) -> Path:
        """The file of an item."""
        return self.root / str(self.items["path"].iloc[item])

    def digests(self) -> np.ndarray:
        """SHA-256 of each item's bytes, fixed-width bytes (n_items,)."""
        return self.items["sha256"].to_numpy(dtype="S64")


def scan(
    folder: Path,
    *,
    groups: str | None = None,
    attributes: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read a folder that holds one sub-folder per class; nested folders belong to the class above them.

    groups: a CSV with the columns `path` and `group`, or a regular expression with one capturing group that is
        searched in each relative path; items of one group stay on one side of every split.
    attributes: a CSV with the column `path`; every other column is kept as an attribute.
    Raises DatasetError where there is nothing to learn from.
    """
    folder = Path(folder)
    if not folder.exists():
        raise DatasetError(f"{folder} does not exist. Give a folder that holds one sub-folder of images per class.")
    if not folder.is_dir():
        raise DatasetError(f"{folder} is a file; a folder that holds one sub-folder of images per class is needed.")
    root = folder.resolve()
    paths, ignored = _list_images(root)
    if not paths:
        raise DatasetError(
            f"{folder} has no images in class folders ({ignored} other files). "
            f"Put the images of each class into a sub-folder named after the class; "
            f"understood are {', '.join(sorted(IMAGE_SUFFIXES))}."
        )
    table = pd.DataFrame(_examine_all(root, paths, progress))
    table["group"] = _read_groups(groups, table["path"]) if groups else ""
    if attributes:
        table = _join_attributes(table, attributes)
    return Dataset(root=root, table=table, ignored=ignored)


def require_learnable(dataset: Dataset, folder: Path) -> None:
    """Raise DatasetError unless there are at least two classes, each with enough readable images."""
    counts = dataset.items["label"].value_counts()
    missing = sorted(set(dataset.table["label"]) - set(counts.index))
    if len(counts) + len(missing) < 2:
        only = dataset.table["label"].iloc[0]
        raise DatasetError(
            f"{folder} has 1 class folder with images ({only}); classification needs at least 2. "
            "Put one sub-folder per class."
        )
    short = {label: int(counts.get(label, 0)) for label in dataset.table["label"].unique()}
    short = {label: n for label, n in sorted(short.items()) if n < MIN_IMAGES_PER_CLASS}
    if short:
        found = ", ".join(f"{label}: {n}" for label, n in short.items())
        bad = dataset.quarantined
        hint = f" {len(bad)} unreadable files were set aside, the first: {bad['path'].iloc[0]}." if len(bad) else ""
        raise DatasetError(
            f"{folder} has too few readable images in {len(short)} of its classes ({found}); each class needs at "
            f"least {MIN_IMAGES_PER_CLASS}.{hint} Add images, merge the class into another, or take its folder away."
        )


def _list_images(root: Path) -> tuple[list[str], int]:
    """Relative paths of the images that lie in a class folder, sorted, and the number of other files."""
    found: list[str] = []
    ignored = 0
    for path in _walk(root):
        relative = path.relative_to(root)
        _require_text(path)
        hidden = any(part.startswith(".") for part in relative.parts)
        if hidden or len(relative.parts) < 2 or path.suffix.lower() not in IMAGE_SUFFIXES:
            ignored += 1
        else:
            found.append(relative.as_posix())
    return sorted(found), ignored


def _walk(root: Path) -> Iterator[Path]:
    """Every file, links followed; a link to a folder that it lies in would never end and is left out."""

    def refuse(error: OSError) -> NoReturn:
        raise DatasetError(f"the folder {error.filename} cannot be read ({error.strerror}). Allow it, or move it away.")

    for folder, folders, names in os.walk(root, followlinks=True, onerror=refuse):
        here = Path(folder).resolve()
        folders[:] = [name for name in folders if not here.is_relative_to((Path(folder) / name).resolve())]
        for name in names:
            yield Path(folder) / name


def _require_text(path: Path) -> None:
    """Raise DatasetError where a name is no valid text, which happens to archives from another system."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise DatasetError(
            f"the name of {os.fsencode(path)!r} is not valid text in this system's encoding (UTF-8). Rename it."
        ) from None


def _examine_all(root: Path, paths: list[str], progress: Progress | None) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row in pool.map(lambda path: _examine(root, path), paths):
            rows.append(row)
            if progress:
                progress(len(rows), len(paths))
    return rows


def _examine(root: Path, path: str) -> dict[str, object]:
    import imagehash

    from autotl.images import UnreadableImage, decode, image_size

    row: dict[str, object] = {"path": path, "label": path.split("/", 1)[0]}
    try:
        if not stat.S_ISREG((root / path).stat().st_mode):  # a pipe would block for ever
            return row | _quarantined("it is not a file", b"")
        data = (root / path).read_bytes()
    except OSError as error:
        return row | _quarantined(f"cannot be read: {error.strerror or error}", b"")
    try:
        width, height = image_size(data)
        # 64 pixels are enough for the 32-pixel transform behind the hash, and JPEGs decode at reduced scale.
        from PIL import Image

        phash = str(imagehash.phash(Image.fromarray(decode(data, 64, 64))))
    except UnreadableImage as error:
        return row | _quarantined(str(error), data)
    return row | {
        "sha256": hashlib.sha256(data).hexdigest(),
        "phash": phash,
        "width": width,
        "height": height,
        "quarantine": "",
    }


def _quarantined(reason: str, data: bytes) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    return {"sha256": digest, "phash": "", "width": 0, "height": 0, "quarantine": reason}


def _read_groups(groups: str, paths: pd.Series) -> pd.Series:
    if Path(groups).suffix.lower() == ".csv":
        table = _read_csv(Path(groups), "group", paths)
        return paths.map(table.set_index("path")["group"]).fillna("")
    try:
        pattern = re.compile(groups)
    except re.error as error:
        raise DatasetError(
            f"--groups {groups!r} is neither a CSV file nor a regular expression ({error}). "
            "Give a CSV with the columns path and group, or an expression such as '(patient\\d+)'."
        ) from None
    if pattern.groups != 1:
        raise DatasetError(
            f"--groups {groups!r} has {pattern.groups} capturing groups; exactly 1 is needed: "
            "the part of the path that names the group, such as '(patient\\d+)'."
        )
    found = paths.str.extract(pattern, expand=False).fillna("")
    if (found == "").all():
        raise DatasetError(f"--groups {groups!r} matches none of the {len(paths)} paths, such as {paths.iloc[0]!r}.")
    return found


def _join_attributes(table: pd.DataFrame, attributes: Path) -> pd.DataFrame:
    extra = _read_csv(attributes, None, table["path"]).set_index("path").add_prefix("attribute.")
    return table.join(extra, on="path")


def _read_csv(path: Path, column: str | None, images: pd.Series) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read as a CSV file: {error}") from None
    wanted = ["path"] + ([column] if column else [])
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise DatasetError(
            f"{path} has the columns {', '.join(table.columns)}; the column {missing[0]!r} is missing. "
            "`path` is the image's path relative to the data folder."
        )
    if table["path"].duplicated().any():
        twice = table["path"][table["path"].duplicated()].iloc[0]
        raise DatasetError(f"{path} names {twice!r} more than once; each image may have one row.")
    if not table["path"].isin(images).any():
        first = table["path"].iloc[0] if len(table) else "nothing at all"
        raise DatasetError(
            f"{path} names none of the {len(images)} images: it has {first!r}, they are called {images.iloc[0]!r}. "
            "`path` is the image's path relative to the data folder."
        )
    return table
