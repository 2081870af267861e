"""Imports the rows of a sheet in which people have labelled a run's images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.data.coding_sheet import SheetRow, name_problem
from autotl.data.path_endings import PathEndings
from autotl.errors import DatasetError
from autotl.evidence.run_evidence import Evidence
from autotl.runs.validation import keep_answers, read_codings, read_sample, spelled, validation_folder
from autotl.runtime.wording import counted, listed

_COPY = re.compile(r"image-(\d{4,})\.\w+")
_MOST_ERRORS, _MOST_NAME = 5, 60


@dataclass(frozen=True)
class Taken:
    """Result of importing a sheet. n_new: answers saved now; n_known: saved before; n_open: rows without a label."""

    n_new: int
    n_known: int
    n_open: int


def take_codings(evidence: Evidence, rows: Sequence[SheetRow], source: str) -> Taken:
    """Save the labels of a sheet, all or none; DatasetError names the lines that cannot be understood.

    Rows without a label are skipped; an answer that is already saved is not saved again. source: the file, in words.
    """
    wanted = [row for row in rows if row.label]
    if not wanted:
        raise DatasetError(f"{source}: no row has a label. Fill in the column `label` and give the file again.")
    understood = _understood(evidence, wanted, source)
    own = validation_folder(evidence.run.folder)
    n_new = keep_answers(own, ((row.item, row.coder, row.label) for row in understood))
    return Taken(n_new, len(understood) - n_new, len(rows) - len(wanted))


def _understood(evidence: Evidence, rows: Sequence[SheetRow], source: str) -> list[SheetRow]:
    """The rows with items and classes as the run names them; DatasetError names the lines that are wrong."""
    own = validation_folder(evidence.run.folder)
    drawn, before = read_sample(own).items, read_codings(own)
    known = known_items(evidence)
    names, endings = set(known), PathEndings(known, known)
    root = f"{evidence.run.dataset.root.absolute()}/"
    classes = evidence.test.classes
    by_case = {name.casefold(): name for name in classes if sum(n.casefold() == name.casefold() for n in classes) == 1}

    def item_of(text: str) -> str:
        text = text.replace("\\", "/") if text not in names else text
        inside = text.removeprefix(root)
        if inside in names:
            return inside
        several, copied = endings.find(text), _copied_from(text, drawn)
        if copied and not any(_in_same_folder(text, one) for one in several):
            # In data without folders, a file cannot be told from a copy with the same name.
            return "" if several and "/" not in several[0] and several != [copied] else copied
        return several[0] if len(several) == 1 else ""

    found, wrong, first, coders = [], [], dict[tuple[str, str], int](), dict[str, str]()
    for row in rows:
        item, coder = item_of(row.item), " ".join(row.coder.split())
        coder = coders.get(coder.casefold()) or coders.setdefault(coder.casefold(), spelled(before, coder))
        label = row.label if row.label in classes else by_case.get(row.label.casefold(), "")
        if not item:
            wrong.append(f"line {row.line}: {row.item[:80]!r} is not an item of the run")
        elif not coder or len(coder) > _MOST_NAME:
            wrong.append(f"line {row.line}: the coder is {coder[:80]!r}; expected a name, up to {_MOST_NAME} letters")
        elif problem := name_problem(coder):
            wrong.append(f"line {row.line}: {problem}")
        elif not label:
            wrong.append(f"line {row.line}: {row.label[:80]!r} is not a class; the classes are {listed(classes)}")
        elif (item, coder) in first:
            wrong.append(f"line {row.line}: {coder} coded {item} already in line {first[item, coder]}")
        else:
            first[item, coder] = row.line
            found.append(SheetRow(row.line, item, coder, label))
    if wrong:
        more = f" (and {len(wrong) - _MOST_ERRORS} more)" if len(wrong) > _MOST_ERRORS else ""
        raise DatasetError(
            f"{source} has {counted(len(wrong), 'wrong row')}: {'; '.join(wrong[:_MOST_ERRORS])}{more}. Nothing was "
            "kept; correct them and give the file again."
        )
    return found


def _copied_from(text: str, drawn: Sequence[str]) -> str:
    """The original of a copy with a neutral name; empty if the name is not such a name."""
    copy = _COPY.fullmatch(Path(text).name)
    return drawn[int(copy[1]) - 1] if copy and 1 <= int(copy[1]) <= len(drawn) else ""


def _in_same_folder(text: str, item: str) -> bool:
    """Whether a path ends with the folder and file name of an image of the run, wherever the data used to be."""
    return Path(text).parent.name.casefold() == Path(item).parent.name.casefold()


def known_items(evidence: Evidence) -> list[str]:
    """Paths of the images that can be coded: all that are usable, with a label or without."""
    dataset = evidence.run.dataset
    return [*dataset.items["path"], *dataset.unlabelled["path"]]
