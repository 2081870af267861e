"""Which of the files that a browser lists are wanted, under which names, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.data.archives.member import RefusedError
from autotl.data.archives.names import Names, split_name
from autotl.data.item_kinds import CLIPS, IMAGES, TEXTS
from autotl.data.listing import TABLE_SUFFIXES, ignored_kinds, kind_of
from autotl_ui.uploads.upload import UploadError, WantedFile
from autotl_ui.widgets.words import counted, megabytes

ARCHIVE_SUFFIXES = (
    ".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz",
)  # fmt: skip
MOST_FOLDERS_DEEP = 32
MOST_REFUSALS_KEPT = 3
_WANTED_KINDS = (IMAGES.name, CLIPS.name, TEXTS.name, "table", "archive")


@dataclass(frozen=True)
class SentFile:
    """A file as the browser lists it.

    path: with the folders around it. size: in bytes. modified: a number that differs once the file has changed.
    """

    path: str
    size: int
    modified: float = 0.0


@dataclass(frozen=True)
class Selection:
    """What is taken of a list of files.

    title: what to call it. skipped: the number of files that are not wanted, by kind. refused: the name of each file
    that cannot be taken, with the reason. n_renamed: files whose name was made safe.
    """

    title: str
    wanted: tuple[WantedFile, ...]
    skipped: Mapping[str, int]
    refused: tuple[tuple[str, str], ...]
    n_renamed: int

    @property
    def skipped_in_words(self) -> str:
        """What is not taken, in words, without files that systems add by themselves such as .DS_Store."""
        kinds = ignored_kinds({kind: n for kind, n in self.skipped.items() if kind not in ("hidden", "system")})
        some = "; ".join(" ".join(one) for one in self.refused[:MOST_REFUSALS_KEPT])
        named = f"{counted(len(self.refused), 'refused file')} ({some})" if self.refused else ""
        return ", ".join(filter(None, (kinds, named)))


@dataclass(frozen=True)
class _Candidate:
    """A file that may be wanted. number: in the list; parts: of its path."""

    number: int
    parts: tuple[str, ...]
    kind: str


def select_files(sent: Sequence[SentFile], *, max_file_bytes: int) -> Selection:
    """Select the wanted files, numbered as in the list. Raises UploadError if none can be taken."""
    skipped: Counter[str] = Counter()
    refused: list[tuple[str, str]] = []
    candidates: list[_Candidate] = []
    for number, file in enumerate(sent):
        try:
            parts = split_name(file.path)
            _require_sound(file, parts, max_file_bytes)
        except RefusedError as refusal:
            refused.append(_refusal(file, refusal))
            continue
        kind = _kind(parts)
        if kind not in _WANTED_KINDS:
            skipped[kind] += 1
        elif not file.size:
            skipped["empty"] += 1
        else:
            candidates.append(_Candidate(number, parts, kind))
    candidates = _without_archives(_of_one_kind(candidates, skipped), skipped)
    if not candidates:
        raise UploadError(_say_nothing_is_usable(len(sent), skipped, refused))
    title, n_around = _title([one.parts for one in candidates])
    names, wanted, n_renamed = Names(), [], 0
    for one in candidates:
        inner = one.parts[n_around:]
        try:
            target = names.claim(inner, folder=False)
        except RefusedError as refusal:
            refused.append(_refusal(sent[one.number], refusal))
            continue
        n_renamed += target != "/".join(inner)
        wanted.append(WantedFile(one.number, target, sent[one.number].size))
    return Selection(title, tuple(wanted), dict(skipped), tuple(refused), n_renamed)


def printable(text: str) -> str:
    """Text that came from outside, such that it can be written and shown."""
    kept = "".join(c if c.isprintable() else " " for c in text.encode("utf-8", "replace").decode())
    return " ".join(kept.split())


def _of_one_kind(candidates: list[_Candidate], skipped: Counter[str]) -> list[_Candidate]:
    """The files, without those beside the items: clips where there are images, and texts where there are either."""
    there = {one.kind for one in candidates}
    of_others = set()
    if IMAGES.name in there:
        of_others = {CLIPS.name, TEXTS.name}
    elif CLIPS.name in there:
        of_others = {TEXTS.name}
    skipped.update(kind_of(one.parts[-1]) for one in candidates if one.kind in of_others)
    return [one for one in candidates if one.kind not in of_others]


def _without_archives(candidates: list[_Candidate], skipped: Counter[str]) -> list[_Candidate]:
    """The files, of which archives are taken only where there is nothing else; UploadError for several of them."""
    archives = [one for one in candidates if one.kind == "archive"]
    if archives and len(archives) < len(candidates):
        skipped.update(f"*{Path(one.parts[-1]).suffix.lower()}" for one in archives)
        return [one for one in candidates if one.kind != "archive"]
    if len(archives) > 1:
        raise UploadError(f"These are {len(archives)} archives; each is a dataset of its own. Drop one at a time.")
    return candidates


def _refusal(file: SentFile, refusal: RefusedError) -> tuple[str, str]:
    return printable(file.path[-200:]), printable(str(refusal).partition(". ")[0])


def _require_sound(file: SentFile, parts: tuple[str, ...], max_file_bytes: int) -> None:
    if not parts or len(parts) > MOST_FOLDERS_DEEP:
        raise RefusedError(f"has {len(parts)} folders in its name" if parts else "has no name")
    if not 0 <= file.size <= max_file_bytes:
        raise RefusedError(f"has {megabytes(file.size)}; at most {megabytes(max_file_bytes)} are allowed")


def _kind(parts: tuple[str, ...]) -> str:
    """Image, clip, text, table, archive, or else the kind under which it is skipped."""
    if any(kind_of(folder) in ("hidden", "system") for folder in parts[:-1]):
        return "hidden"
    if parts[-1].lower().endswith(ARCHIVE_SUFFIXES) and not parts[-1].startswith("."):
        return "archive"
    known = (kind.name for kind in (IMAGES, CLIPS, TEXTS) if kind_of(parts[-1], kind) == kind.name)
    return next(known, kind_of(parts[-1]))


def _title(paths: Sequence[tuple[str, ...]]) -> tuple[str, int]:
    """What to call these files, and how many folders lie around all of them."""
    tops = list(dict.fromkeys(parts[0] for parts in paths))
    only_folders = all(len(parts) > 1 for parts in paths)
    if len(tops) == 1 and only_folders:
        return tops[0], 1
    if len(paths) == 1:
        return paths[0][0].partition(".")[0] or paths[0][0], 0
    return " and ".join(tops) if len(tops) == 2 and only_folders else "files", 0


def _say_nothing_is_usable(n_files: int, skipped: Counter[str], refused: Sequence[tuple[str, str]]) -> str:
    if not n_files:
        return "There was no file in it. Drop a folder that holds one sub-folder of images, clips or texts per class."
    found = f" Found: {ignored_kinds(skipped)}." if skipped else ""
    bad = f" {refused[0][0]!r} {refused[0][1]}." if refused else ""
    suffixes = IMAGES.suffixes | CLIPS.suffixes | TEXTS.suffixes | TABLE_SUFFIXES
    known = ", ".join(sorted(suffix[1:] for suffix in suffixes))
    none = "The file cannot be used." if n_files == 1 else f"None of the {n_files:,} files can be used."
    return f"{none}{found}{bad} Supported are {known}, and a zip or tar of these."
