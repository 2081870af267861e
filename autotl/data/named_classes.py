"""Classes that the user named: the folders of these names are the classes, wherever they are."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from autotl.data.folder_layout import FolderNames
from autotl.data.folder_names import part_of, with_counterparts
from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.data.layout_notes import some_parts, unlabelled_in
from autotl.errors import DatasetError
from autotl.runtime.wording import listed


def read_named_classes(paths: Iterable[str], classes: Sequence[str], kind: ItemKind = IMAGES) -> FolderNames:
    """Read folders of which the user says which are classes; other folders may name the part of a split.

    paths: of the items, relative and posix. kind: of the items. Raises DatasetError if no folder with items has one
    of the names.
    """
    classes = [unicodedata.normalize("NFC", name) for name in classes]
    folders = [unicodedata.normalize("NFC", path).split("/")[:-1] for path in paths]
    names = {name for folder in folders for name in folder}
    if missing := [name for name in classes if name not in names]:
        raise DatasetError(
            f"no folder with {kind.plural} is called {missing[0]!r}, which --classes names; the folders are called "
            f"{listed(sorted(names), most=20) or 'nothing: there are none'}. Correct the name; capitals count."
        )
    wanted = set(classes)
    parts = with_counterparts({name: part for name in names - wanted if (part := part_of(name)).part})
    labels = [next((name for name in folder if name in wanted), "") for folder in folders]
    named = [next((name for name in folder if name in parts), "") for folder in folders]
    used = sorted({name for name, label in zip(named, labels, strict=True) if name and label})
    split_by = f"folder{'s'[: len(used) > 1]} {some_parts(used)}" if used else ""
    unlabelled = Counter("/".join(folder[:2]) for folder, label in zip(folders, labels, strict=True) if not label)
    layout = "the folders given with --classes are the classes" + f", split by the {split_by}" * bool(used)
    splits = [parts[name].part if name in used else "" for name in named]
    return FolderNames(labels, splits, split_by, False, layout + unlabelled_in(unlabelled, kind))
