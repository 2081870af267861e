"""Files found by how their paths end, where a table was written on another machine or seen from another folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

IMAGE_FOLDERS = frozenset({"images", "image", "imgs", "img", "photos", "pictures"})
"""Names of folders that only say what is in them."""


class PathEndings:
    """Finds the files whose paths have the longest ending of a given path.

    A folder that the data have is taken at its word: dog/1.png is never the file cat/1.png, nor test/cat/1.png the file
    train/cat/1.png. Upper and lower case count only where files differ in nothing else.
    """

    def __init__(self, names: Sequence[str], paths: Sequence[str]) -> None:
        """names: of the files, as a table may give them; paths: of the same files, as they are to be returned."""
        self._by_base: dict[str, list[int]] = defaultdict(list)
        self._by_stem: dict[str, list[int]] = defaultdict(list)
        self._folders: set[str] = set()
        self._names, self._paths = names, paths
        for number, name in enumerate(names):
            folder, _, base = name.rpartition("/")
            self._by_base[base.casefold()].append(number)
            self._by_stem[base.rpartition(".")[0].casefold()].append(number)
            if folder:
                self._folders.update(folder.casefold().split("/"))

    def find(self, wanted: str) -> list[str]:
        """The paths of the files that a path may mean: one if it is clear, none if no file is called so."""
        folder, _, base = wanted.rpartition("/")
        numbers = self._by_base.get(base.casefold()) or self._by_stem.get(base.casefold()) or []
        given = [part for part in folder.casefold().split("/") if part][::-1]
        lengths = {number: self._shared(given, number) for number in numbers}
        longest = max(lengths.values(), default=0)
        best = [number for number in numbers if lengths[number] == longest and self._agrees(given[longest:], number)]
        exact = [n for n in best if ("/" + self._names[n]).endswith("/" + "/".join(wanted.split("/")[-1 - longest :]))]
        return [self._paths[number] for number in (exact or best)]

    def _shared(self, given: Sequence[str], number: int) -> int:
        """How many of the innermost folders are the same."""
        own = self._own_folders(number)
        pairs = zip(given, own, strict=False)
        return next((k for k, (one, other) in enumerate(pairs) if one != other), min(len(given), len(own)))

    def _agrees(self, outer: Sequence[str], number: int) -> bool:
        """Whether a file is in the next folder of the given path, where the data have a folder of that name."""
        return not outer or outer[0] not in self._folders or outer[0] in self._own_folders(number)

    def _own_folders(self, number: int) -> list[str]:
        """The folders of a file, the innermost first."""
        return self._names[number].rpartition("/")[0].casefold().split("/")[::-1] if "/" in self._names[number] else []


def found_by_name_only(found: Mapping[str, str | None]) -> set[str]:
    """The given paths that share nothing with the file but its name, where others share a folder with theirs.

    A table is written from one place: if pets/cat/1.png is the file cat/1.png, then pets/cow/2.png is not dog/2.png.
    found: the file's path for each given one.
    """
    shares = {
        name: _innermost(name) == _innermost(path)
        for name, path in found.items()
        if path and _innermost(name) and _innermost(path)
    }
    return {name for name, same in shares.items() if not same} if any(shares.values()) else set()


def _innermost(path: str) -> str:
    """The innermost folder of a path, in lower case; empty where it only says that there are images in it."""
    folder = path.replace("\\", "/").rpartition("/")[0].rpartition("/")[2].casefold()
    return "" if folder in IMAGE_FOLDERS else folder
