"""Labels that are left out because they apply to too few items: the option `--min-per-class` for several labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autotl.data.dataset import Dataset, count_by_class
from autotl.data.note import Note
from autotl.data.split import undividable_classes
from autotl.errors import DatasetError
from autotl.runtime.wording import counted, listed
from autotl.targets import without_labels


def without_rare_labels(dataset: Dataset, least: int, *, seed: int) -> Dataset:
    """The dataset without the labels that too few items have; the items stay, without these labels.

    least: items that each label needs. Left out as well are labels whose items cannot be divided into training and
    test. Raises DatasetError if no label is left.
    """
    few = {name: n for name, n in count_by_class(dataset).items() if n < least}
    dataset = _without(dataset, few)
    whole: dict[str, int] = {}
    while dataset.classes and (lacking := undividable_classes(dataset, seed=seed)):
        counts = count_by_class(dataset)
        now = {dataset.classes[k]: counts[dataset.classes[k]] for k in lacking}
        whole |= now
        dataset = _without(dataset, now)
    if not dataset.classes:
        found = listed((f"{name}: {n}" for name, n in (few | whole).items()), most=10)
        raise DatasetError(f"--min-per-class {least} would leave no label ({found}). Give a smaller number.")
    said = [*_note(few, f"fewer than {least} items have it", least)]
    said += _note(whole, "its items cannot be divided into training and test", least)
    return replace(dataset, notes=(*dataset.notes, *said))


def _without(dataset: Dataset, names: Mapping[str, int]) -> Dataset:
    labels = dataset.table["label"].map(lambda text: without_labels(text, names) if text else "")
    return replace(dataset, table=dataset.table.assign(label=labels))


def _note(left_out: Mapping[str, int], why: str, least: int) -> tuple[Note, ...]:
    if not left_out:
        return ()
    found = listed(f"{name}: {n}" for name, n in left_out.items())
    text = f"{counted(len(left_out), 'label')} left out by --min-per-class {least}, because {why} ({found})"
    return (Note(text, "The model never answers with these labels; add items to learn them."),)
