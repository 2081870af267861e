"""What the user should know about how folders were understood, and what to do where it is not meant so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autotl.data.folder_names import is_doubtful, is_part, is_unlabelled
from autotl.data.folder_tree import Branch
from autotl.data.item_kinds import IMAGES, TEXTS, ItemKind
from autotl.data.listing import UNREAD_IMAGE_SUFFIXES, ignored_kinds
from autotl.data.note import Note
from autotl.targets import CLASSES, LABELS, NUMBER

_MOST_NAMED = 5
_MOST_CLASSES = 12
_FAR_MORE = 2
_DOCUMENTS = frozenset(
    {"*.txt", "*.md", "*.rst", "*.json", "*.xml", "*.yaml", "*.yml", "*.py", "*.ipynb", "*.pdf", "*.html", "*.log",
     "*.csv", "*.tsv", "*.parquet", "*.xlsx", "*.cfg", "*.toml", "*.sh", "*.mat", "*.pt", "*.pth", "*.h5", "*.keras",
     "*.onnx", "hidden", "system"}
)  # fmt: skip
_INSIST = "name the classes (--classes A,B)"


def understood_as(layout: str, classes: Sequence[str], kind: str = CLASSES) -> str:
    """The sentence that says how data was understood, and which classes or labels it has; kind: of the target."""
    if kind == NUMBER:
        return f"{layout}; a number each"
    more = len(classes) - _MOST_CLASSES
    rest = f" and {more:,} more" if more > 0 else ""
    names = ", ".join(classes[:_MOST_CLASSES])
    what = f"label{'s' * (len(classes) != 1)}" if kind == LABELS else f"class{'es' * (len(classes) != 1)}"
    return f"{layout}; {what} {names or 'none'}{rest}"


def left_aside(folder: Branch, reason: str, kind: ItemKind) -> Note:
    """A folder beside class folders or a split that is not taken for a class."""
    return Note(
        f"the folder {folder.paths[0]} ({kind.of(folder.total)}) is not taken for a class, because {reason}; its "
        f"{kind.plural} are unlabelled",
        f"If it is a class, {_INSIST} or give it another name.",
    )


def not_a_class(folder: Branch, classes: Iterable[str], kind: ItemKind) -> Note:
    """A folder within a part of a split that is none of the classes to learn."""
    return Note(
        f"the folder {folder.paths[0]} ({kind.of(folder.total)}) is not taken for a class, because the training "
        f"{kind.plural} have other classes ({_some(sorted(classes))}); its {kind.plural} are unlabelled",
        f"If it is a class, put {kind.plural} of it into the training folder.",
        "info" if is_unlabelled(folder.name) else "warning",
    )


def about_class_names(classes: Iterable[str], kind: ItemKind) -> list[Note]:
    """Classes that are called as classes seldom are."""
    names = sorted(classes)
    parts = [name for name in names if is_part(name)]
    # A train is also a vehicle.
    named = [name for name in names if is_doubtful(name) or (name in parts and (name != "train" or len(parts) > 1))]
    trains = [name for name in parts if name not in named]
    instead = f"call a folder of {kind.plural} without a class `unlabelled`, or {_INSIST}"
    advice = f"If they are not meant to be classes, {instead}."
    found = []
    if len(named) == 1:
        found.append(Note(f"the folder {named[0]} is taken for a class, but called as a class seldom is", advice))
    elif named:
        found.append(Note(f"{_some(named)} are taken for classes, but called as classes seldom are", advice))
    if trains:
        found.append(Note(f"{_some(trains)} is taken for a class, not for a part of a split", advice, "info"))
    return found


def about_nested_folders(classes: Sequence[Branch], labels: Mapping[str, str]) -> list[Note]:
    """Folders of the same names within every class: perhaps these are the classes, as in split/site/class."""
    within: dict[str, set[str]] = {}
    for folder in classes:
        if label := labels.get(folder.paths[0], ""):
            # Not only directly in them: site/images/class.
            holding = {deep.name for deep in folder.all() if deep.n_images and deep is not folder}
            within.setdefault(label, set()).update(folder.kids, holding)
    if len(within) < 2:
        return []
    shared = set.intersection(*within.values())
    if len(shared) < 2:
        return []
    return [
        Note(
            f"{_some(sorted(within))} are taken for the classes, but all of them hold folders of the same names "
            f"({_some(sorted(shared))})",
            "If these are the classes, name them: --classes " + ",".join(sorted(shared)[:_MOST_NAMED])
            + (",..." if len(shared) > _MOST_NAMED else "") + ".",
        )
    ]  # fmt: skip


def about_unused_split(with_parts: Sequence[str], without: Sequence[str]) -> Note:
    """Classes of which only some have the folders of a split."""
    return Note(
        f"the folders of a split in {_some(with_parts)} are not used as one, because {_some(without)} "
        f"{'does' if len(without) == 1 else 'do'} not have the same",
        "Divide every class into such folders, or none.",
    )


def about_unusable_folders(
    unusable: Mapping[str, Mapping[str, int]],
    top: Branch,
    parents: Iterable[Branch],
    classes: Iterable[str],
    kind: ItemKind,
) -> list[Note]:
    """Class folders and parts of a split that vanish, because there is no item in them.

    top: the folder around all of them. parents: the folders that the class folders are in.
    """
    around = {path for parent in parents for path in parent.paths}
    known, found = set(classes), []
    for path, kinds in sorted(unusable.items()):
        parent, _, name = path.rpartition("/")
        is_split = parent in top.paths and is_part(name)
        if is_unlabelled(name) or (not is_split and (parent not in around or name in known)):
            continue
        documents = bool(kinds) and set(kinds) <= _DOCUMENTS
        remedy = f"{'Put' if is_split else 'It is not a class; if it should be, put'} {kind.plural} into it"
        saved = ", saved as PNG or JPEG" * (kind is IMAGES)
        found.append(
            Note(
                f"the folder {path} has no {kind.name} that can be used: {ignored_kinds(kinds) or 'it is empty'}",
                f"{remedy}{saved}.",
                "info" if documents else "warning",
            )
        )
    return found


def about_unread_images(ignored: Mapping[str, int]) -> list[Note]:
    """Images that are left out, because their format is not read. ignored: the number of other files by kind."""
    kinds = {kind: n for kind, n in ignored.items() if kind.removeprefix("*") in UNREAD_IMAGE_SUFFIXES}
    if not kinds:
        return []
    verb = "is" if sum(kinds.values()) == 1 else "are"
    return [
        Note(
            f"{IMAGES.of(sum(kinds.values()))} {verb} left out, because the format is not read: {ignored_kinds(kinds)}",
            "Save them as PNG or JPEG.",
        )
    ]


def about_unread_texts(ignored: Mapping[str, int], n_images: int) -> list[Note]:
    """Texts that are not read, because there are images, though far fewer. ignored: number of other files by kind."""
    kinds = {f"*{suffix}": n for suffix in TEXTS.suffixes if (n := ignored.get(f"*{suffix}", 0))}
    if not n_images or sum(kinds.values()) <= _FAR_MORE * n_images:
        return []
    found = f"{TEXTS.of(sum(kinds.values()))} ({ignored_kinds(kinds)}) are not read, because there are images, too"
    return [Note(found, "To learn from the texts, add --text files.", "info")]


def enumeration(names: Sequence[str]) -> str:
    """Names as in a sentence: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def some_parts(names: Sequence[str]) -> str:
    """Names of parts of a split or pieces of data, of which there may be many."""
    return enumeration(names if len(names) <= 6 else [*names[:5], f"{len(names) - 5} more"])


def unlabelled_in(places: Mapping[str, int], kind: ItemKind) -> str:
    """Where unlabelled items are: "; 6 unlabelled images in samples, 2 beside the class folders".

    places: the number of items by folder; "" is the folder around the classes.
    """
    named = [(n, f"in {place}" if place else "beside the class folders") for place, n in sorted(places.items())]
    more = len(named) - 2 * _MOST_NAMED
    if more > 0:
        named = [*named[: 2 * _MOST_NAMED], (sum(n for n, _ in named[2 * _MOST_NAMED :]), f"in {more} other folders")]
    texts = [f"{n} {where}" for n, where in named[1:]]
    first = [f"; {n} unlabelled {kind.name if n == 1 else kind.plural} {where}" for n, where in named[:1]]
    return ", ".join(first + texts)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return enumeration([*names[:_MOST_NAMED], f"{more} more"] if more > 0 else names)
