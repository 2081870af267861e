"""What the folders say about the items in them: their class, and their part of a split.

This is the one place that decides it. Names suggest, the structure decides: see `docs/layouts.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autotl.data.folder_names import PartName, is_doubtful, is_unlabelled, is_unsorted, part_of, with_counterparts
from autotl.data.folder_tree import Branch, grow, joined_pieces, unwrapped, unwrapped_part
from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.data.layout_notes import (
    about_class_names,
    about_nested_folders,
    about_unusable_folders,
    about_unused_split,
    enumeration,
    left_aside,
    not_a_class,
    some_parts,
    unlabelled_in,
)
from autotl.data.note import Note

_PART_ORDER = ("train", "validation", "test")


@dataclass(frozen=True)
class FolderNames:
    """What the names of folders say about the items in them.

    labels, splits: one per path, empty where there is none; splits: train, validation or test.
    split_by: the folders that make up a split, such as "folders train and test"; empty where there is none.
    outer_split: whether these folders are around the classes, and not within them.
    layout: how the folders were understood, in a sentence. notes: what the user should know about it.
    """

    labels: list[str]
    splits: list[str]
    split_by: str
    outer_split: bool
    layout: str
    notes: tuple[Note, ...] = ()


@dataclass
class _Reading:
    """What is found out about each folder. places: of a folder without a class, how the layout names it.

    kind: of the items.
    """

    kind: ItemKind
    labels: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    parents: list[Branch] = field(default_factory=list)  # of class folders
    notes: list[Note] = field(default_factory=list)
    part_names: list[str] = field(default_factory=list)
    layout: str = ""
    outer_split: bool = False

    def put(self, folder: Branch, *, label: str = "", split: str = "", deep: bool = True) -> None:
        """Give a folder, and all below it if `deep`, a class and a part of the split; without a class, its place."""
        for inner in folder.all() if deep else (folder,):
            for path in inner.paths:
                self.labels[path], self.splits[path] = label, split
                self.places[path] = "" if label else folder.paths[0]

    def put_classes(self, folder: Branch, names: Iterable[str], *, split: str = "") -> None:
        """Make folders within a folder classes; its own items, and its folders of unlabelled ones, are unlabelled."""
        self.put(folder, split=split, deep=False)
        self.parents.append(folder)
        for name in names:
            self.put(folder.kids[name], label=name, split=split)


def read_folders(
    paths: Iterable[str], kind: ItemKind = IMAGES, *, unusable: Mapping[str, Mapping[str, int]] | None = None
) -> FolderNames:
    """Read classes and split from folders: one folder per class, inside or around the folders of a split if any.

    paths: of the items, relative and posix. kind: of the items. unusable: the folders without any item, with the
        number of other files by kind in each.
    """
    folders = [path.rpartition("/")[0] for path in paths]
    counts = Counter(folders)
    root = grow(counts)
    found = _Reading(kind)
    found.put(root)
    top, pieces = joined_pieces(unwrapped(root))
    if within := _split_within(top):
        _set_aside(found, [kid for kid in top.kids.values() if kid is not within])
        top = within
    if parts := _parts(top):
        _read_split(found, top, parts)
    else:
        _read_classes(found, top)
    labelled = {label for label in found.labels.values() if label}
    found.notes += about_class_names(labelled, kind)
    if unusable:
        found.notes += about_unusable_folders(unusable, top, found.parents, labelled, kind)
    layout = found.layout
    if pieces:
        layout += f", in {some_parts(pieces)}"
    elif top is not root:
        layout += f", in the folder {top.paths[0]}"
    layout += _unlabelled_places(found, counts, top)
    split_by = _folders(found.part_names)
    return FolderNames(
        [found.labels[folder] for folder in folders], [found.splits[folder] for folder in folders],
        split_by, found.outer_split, layout, tuple(found.notes),
    )  # fmt: skip


def _parts(top: Branch) -> dict[str, PartName]:
    """The folders that are parts of an outer split; empty where there is none."""
    kids = {name: kid for name, kid in top.kids.items() if not is_unlabelled(name)}
    called = {name: part for name in kids if (part := part_of(name)).part}
    inner = {name: set(unwrapped_part(kids[name], ()).kids) for name in called}
    named = with_counterparts(called)
    # train_mini and val are not called alike, but hold the same classes.
    named |= {
        name: part
        for name, part in called.items()
        if any(len(inner[name] & inner[other]) > 1 and called[other].part != part.part for other in called)
    }
    others = [name for name in kids if name not in named]
    if not named or not others:
        return named
    structured = [name for name in named if inner[name]]
    if not structured:  # classes may be called so
        return {}
    classes = set().union(*inner.values())
    if len({named[name].part for name in named}) > 1 or classes & set(others):
        return named
    role = named[structured[0]].part
    single = len(others) == 1 or any(is_unsorted(name) or is_doubtful(name) for name in others)
    return named if role == "train" and len(classes) > 1 and single else {}


def _split_within(top: Branch) -> Branch | None:
    """The one folder that holds a split with class folders, where the others hold items only, as data/train/cat."""
    holding = [kid for kid in top.kids.values() if kid.kids]
    if _parts(top) or len(holding) != 1 or len(top.kids) < 2:
        return None
    parts = _parts(holding[0])
    several = len({part.part for part in parts.values()}) > 1
    return holding[0] if several and any(holding[0].kids[name].kids for name in parts) else None


def _rests(named: Mapping[str, PartName]) -> set[str]:
    return {part.rest for part in named.values()}


def _read_split(found: _Reading, top: Branch, parts: Mapping[str, PartName]) -> None:
    found.outer_split = True
    found.part_names = sorted(parts, key=lambda name: (_PART_ORDER.index(parts[name].part), name))
    beside = [name for name in top.kids if name not in parts and not is_unlabelled(name)]
    rests = _rests(parts) - {""}
    if len(rests) > 1 and not any(top.kids[name].kids for name in parts):
        # Class and part in one name, as in cat_train, cat_test, dog_train and dog_test.
        for name, part in parts.items():
            found.put(top.kids[name], label=part.rest, split=part.part)
        found.layout = f"one folder per class and part of the split, such as {found.part_names[0]}"
        _set_aside(found, [top.kids[name] for name in beside])
        return
    inner = _inner_folders(top, parts)
    known = {name for part in parts for name in _class_folders(inner[part]) if parts[part].part == "train"}
    known = known or {name for part in parts for name in _class_folders(inner[part])}
    classes = [name for name in beside if name in known]
    if classes:  # class folders, and beside them a part with the same classes
        found.put_classes(top, classes)
    elsewhere = known | set(classes)
    for name in found.part_names:
        folder, split = inner[name], parts[name].part
        found.put(top.kids[name], split=split)
        dummies = _dummies(folder, elsewhere) if split != "train" else []
        found.put_classes(folder, [kid for kid in _class_folders(folder) if kid not in dummies], split=split)
        for kid in dummies:
            found.put(folder.kids[kid], split=split)
        found.notes += [not_a_class(folder.kids[kid], elsewhere, found.kind) for kid in dummies]
    _set_aside(found, [top.kids[name] for name in beside if name not in classes])
    found.notes += about_nested_folders([kid for folder in found.parents for kid in folder.kids.values()], found.labels)
    found.layout = _split_layout(found, top)


def _inner_folders(top: Branch, parts: Mapping[str, PartName]) -> dict[str, Branch]:
    """Each part's folder in which the classes are."""
    names = {name: set(top.kids[name].kids) for name in parts}
    inner = {}
    for name in parts:
        others = set().union(*(names[other] for other in parts if other != name))
        known = () if _same_wrapping(top, parts) else others
        inner[name] = joined_pieces(unwrapped_part(top.kids[name], known))[0]
    for name, folder in inner.items():
        classes = set().union(*(inner[other].kids for other in parts if other != name))
        while len(folder.kids) == 1 and (kid := next(iter(folder.kids.values()))).kids.keys() & classes:
            folder = kid  # its counterparts are already read as one
        inner[name] = folder
    return inner


def _same_wrapping(top: Branch, parts: Mapping[str, PartName]) -> bool:
    """Whether every part with folders holds one only, of the same name in all: train/images/cat, test/images/cat."""
    inside = [set(top.kids[name].kids) for name in parts if top.kids[name].kids]
    return bool(inside) and len(inside[0]) == 1 and all(names == inside[0] for names in inside)


def _class_folders(folder: Branch) -> list[str]:
    return [name for name in folder.kids if not is_unlabelled(name)]


def _dummies(folder: Branch, known: set[str]) -> list[str]:
    """The folders in a part that only hold its unlabelled items, as in test/unknown; known: classes to learn."""
    new = [name for name in _class_folders(folder) if name not in known]
    if not known or len(known) < 2:
        return []
    alone = len(folder.kids) == 1 and not folder.n_images
    return [name for name in new if alone or is_doubtful(name) or is_unsorted(name) or part_of(name).part]


def _set_aside(found: _Reading, folders: Iterable[Branch]) -> None:
    """Leave folders beside a split unlabelled."""
    for folder in folders:
        found.put(folder)
        if not is_unsorted(folder.name):
            found.notes.append(left_aside(folder, "it is beside the folders of a split", found.kind))


def _read_classes(found: _Reading, top: Branch) -> None:
    candidates = _class_folders(top)
    reasons = {name: reason for name in candidates if (reason := _doubt(top, name, candidates, found.kind))}
    classes = [name for name in candidates if name not in reasons]
    if len(classes) < 2:  # without them there would be nothing to tell apart
        classes, reasons = candidates, {}
    found.put_classes(top, classes)
    for name, reason in reasons.items():
        found.put(top.kids[name])
        found.notes.append(left_aside(top.kids[name], reason, found.kind))
    for name in set(top.kids) - set(candidates):
        found.put(top.kids[name])
    labelled = [top.kids[name] for name in classes]
    inner = {kid.name: {sub: part_of(sub) for sub in kid.kids} for kid in labelled}
    with_parts = [name for name in inner if _is_divided(top.kids[name])]
    named = sorted({(part, sub) for name in with_parts for sub, part in inner[name].items()}, key=_part_order)
    whole = len({part.part for part, _ in named}) > 1 or not any(part.rest for part, _ in named)
    if with_parts and whole and len(with_parts) == len(inner):
        for kid in labelled:
            for sub in kid.kids.values():
                found.put(sub, label=kid.name, split=inner[kid.name][sub.name].part)
        found.part_names = [sub for _, sub in named]
        labelled = [Branch(kid.name, kid.paths, kid.n_images, _below_parts(kid)) for kid in labelled]
    elif with_parts and whole:
        found.notes.append(about_unused_split(with_parts, [name for name in inner if name not in with_parts]))
    found.notes += about_nested_folders(labelled, found.labels)
    within = f", each with {_folders(found.part_names)}" if found.part_names else ""
    found.layout = f"one sub-folder per class{within}" if classes else f"{found.kind.plural} without class folders"


def _doubt(top: Branch, name: str, candidates: list[str], kind: ItemKind) -> str:
    """Why a folder beside class folders is probably not a class; empty where it probably is one."""
    folder, others = top.kids[name], set(candidates) - {name}
    if len(others & set(folder.kids)) > 1:
        return f"it holds folders with the names of classes ({enumeration(sorted(others & set(folder.kids))[:3])})"
    if is_unsorted(name):
        return f"its name is common for {kind.plural} that belong to no class"
    divided = [top.kids[other] for other in others if other != name and top.kids[other].kids]
    if is_doubtful(name) and not folder.kids and len(divided) > 1 and all(map(_is_divided, divided)):
        return "the class folders hold the parts of a split, and it does not"
    part = part_of(name)
    if part.part and not part.rest:
        siblings = {part_of(other).part for other in others if not part_of(other).rest}
        if part.part != "train" or siblings & {"test", "validation"}:
            return "it is called like a part of a split"
    return ""


def _is_divided(folder: Branch) -> bool:
    return bool(folder.kids) and all(part_of(sub).part for sub in folder.kids)


def _below_parts(kid: Branch) -> dict[str, Branch]:
    return {name: deep for sub in kid.kids.values() for name, deep in sub.kids.items()}


def _part_order(named: tuple[PartName, str]) -> tuple[int, str]:
    return _PART_ORDER.index(named[0].part), named[1]


def _split_layout(found: _Reading, top: Branch) -> str:
    split_by = _folders(found.part_names)
    labelled = {path for path, label in found.labels.items() if label}
    holding = [name for name in found.part_names if labelled & {p for f in top.kids[name].all() for p in f.paths}]
    if not labelled:
        return f"{split_by}, without class folders"
    beside = " beside them" * (top in found.parents)
    if len(holding) == len(found.part_names):
        more = f", and more{beside}" if beside else ""
        return f"{split_by}, {'each ' * (len(holding) > 1)}with one sub-folder per class{more}"
    where = f" in {enumeration(holding)}" if holding else ""
    return f"{split_by}, one sub-folder per class{where}{' and' * bool(beside and where)}{beside}"


def _unlabelled_places(found: _Reading, counts: Mapping[str, int], top: Branch) -> str:
    """Where the unlabelled items are, as the layout says it; empty if no item has a label."""
    places = Counter[str]()
    if any(found.labels[folder] for folder in counts):
        for folder, n in counts.items():
            if not found.labels[folder]:
                place = found.places[folder]
                outside = place == "" and folder not in top.paths
                place = folder.partition("/")[0] if outside else place
                places["" if place in top.paths else place] += n
    return unlabelled_in(places, found.kind)


def _folders(names: list[str]) -> str:
    return f"folder{'s'[: len(names) > 1]} {some_parts(names)}" if names else ""
