"""The order of a dataset's classes, kept beside its patch file, so that a class keeps its key in every window."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from autotl.data.listing import PATCH_SUFFIX
from autotl.data.patch_edits import locked
from autotl.errors import DatasetError
from autotl.runtime.atomic_files import write_atomically

ORDER_SUFFIX = ".classes.json"


def order_file(patch: Path) -> Path:
    """Where the order is kept: photos.patch.csv -> photos.classes.json, beside it."""
    return patch.with_name(patch.name.removesuffix(PATCH_SUFFIX) + ORDER_SUFFIX)


def read_order(patch: Path) -> tuple[str, ...]:
    """The classes in the order in which they were first offered; empty where none was kept.

    Raises DatasetError if the file is damaged.
    """
    file = order_file(patch)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise DatasetError(_damaged(file, str(error))) from None
    if not isinstance(found, list) or not all(isinstance(name, str) and name for name in found):
        raise DatasetError(_damaged(file, f"found {found!r:.60}"))
    return tuple(dict.fromkeys(found))


def extend_order(patch: Path, classes: Iterable[str], *, cache: Path) -> tuple[str, ...]:
    """Add classes that the order lacks to its end; returns the whole order.

    Raises DatasetError if it cannot be read or written.
    """
    classes = tuple(classes)
    known = read_order(patch)
    if set(classes) <= set(known):
        return known
    with locked(patch, cache):
        order = tuple(dict.fromkeys((*read_order(patch), *classes)))
        try:
            write_atomically(order_file(patch), json.dumps(order, ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise DatasetError(
                f"the order of the classes cannot be kept in {order_file(patch)} ({error.strerror}). Change the "
                "permissions of its folder."
            ) from None
    return order


def _damaged(file: Path, why: str) -> str:
    return (
        f"{file} cannot be read as the order of the classes ({why}); expected a JSON list of names. Correct it, or "
        "delete it to have the classes in alphabetical order."
    )
