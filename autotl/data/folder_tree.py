"""The folders that hold images, as a tree: which are only wrapped around others, and which are pieces of one set."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from autotl.data.folder_names import is_part, is_piece, is_unlabelled


@dataclass
class Branch:
    """A folder with images in it or below it; or several of one name, read as one.

    paths: of the folders it stands for; "" is the root. n_images: directly in it. kids: the folders in it, by name.
    """

    name: str
    paths: list[str]
    n_images: int = 0
    kids: dict[str, Branch] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The number of images in it and below it."""
        return self.n_images + sum(kid.total for kid in self.kids.values())

    def all(self) -> Iterator[Branch]:
        """Itself and every folder below it."""
        yield self
        for kid in self.kids.values():
            yield from kid.all()


def grow(counts: Mapping[str, int]) -> Branch:
    """The tree of folders. counts: number of images directly in each folder, by its path.

    Folders whose names differ in nothing but how Unicode writes an accent are one.
    """
    root = Branch("", [""])
    for path in sorted(counts):
        here, inner = root, ""
        for name in path.split("/") if path else ():
            inner = name if here is root else f"{inner}/{name}"  # a table may name files by absolute paths
            plain = unicodedata.normalize("NFC", name)
            here = here.kids.setdefault(plain, Branch(plain, []))
            if inner not in here.paths:
                here.paths.append(inner)
        here.n_images += counts[path]
    return root


def unwrapped(folder: Branch) -> Branch:
    """The innermost folder that is only wrapped in others, as in pets/pets/cat.

    It may have images beside it, but not be called like a part of a split.
    """
    while len(folder.kids) == 1:
        (kid,) = folder.kids.values()
        if is_part(kid.name) or is_unlabelled(kid.name) or not _wraps(kid):
            return folder
        folder = kid
    return folder


def _wraps(folder: Branch) -> bool:
    """Whether a folder holds the class folders, rather than the images of one class."""
    parts = [kid for name, kid in folder.kids.items() if is_part(name)]
    others = [name for name in folder.kids if not is_part(name) and not is_unlabelled(name)]
    if parts and len(others) < 2 and not any(part.kids for part in parts):
        return False  # the parts of one class
    return bool(folder.kids) and (not folder.n_images or len(folder.kids) > 1)


def unwrapped_part(part: Branch, classes: Iterable[str]) -> Branch:
    """The folder with the classes within a part of a split, as in train/images/cat. classes: of the other parts."""
    known = set(classes)
    while len(part.kids) == 1 and not part.n_images:
        (kid,) = part.kids.values()
        if not kid.kids or kid.n_images or kid.name in known or is_unlabelled(kid.name):
            return part
        part = kid
    return part


def joined_pieces(folder: Branch) -> tuple[Branch, list[str]]:
    """The folder with its numbered pieces (fold_1/cat, fold_2/cat) read as one, and their names.

    They are pieces where all are called so, and have folders of the same names in them.
    """
    pieces = list(folder.kids.values())
    shared = set.intersection(*(set(kid.kids) for kid in pieces)) if pieces else set()
    if len(pieces) < 2 or not shared or not all(is_piece(kid.name) and not kid.n_images for kid in pieces):
        return folder, []
    return _merged(folder.name, pieces), [kid.name for kid in pieces]


def _merged(name: str, folders: list[Branch]) -> Branch:
    whole = Branch(name, [path for folder in folders for path in folder.paths], sum(f.n_images for f in folders))
    for kid in sorted({kid for folder in folders for kid in folder.kids}):
        whole.kids[kid] = _merged(kid, [folder.kids[kid] for folder in folders if kid in folder.kids])
    return whole
