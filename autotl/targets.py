"""The target: what is learned of an item, and what differs between classes, several labels and a number.

The labels of items say of which kind they are: whole numbers (n,) are classes, a matrix (n, n_labels) says which labels
apply, and floats (n,) are the numbers themselves. The answers of a model are always a matrix: probabilities
(n, n_classes) whose rows sum to 1, probabilities (n, n_labels) each from 0 to 1, or values (n, 1).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from autotl.ordered_classes import find_order

Kind: TypeAlias = Literal["classes", "ordered", "labels", "number"]
CLASSES: Final = "classes"
ORDERED: Final = "ordered"
LABELS: Final = "labels"
NUMBER: Final = "number"
KINDS: tuple[Kind, ...] = (CLASSES, ORDERED, LABELS, NUMBER)
SEPARATOR = ";"
"""Between the labels of one item in its text; alone it says that no label applies."""
UNKNOWN_MARK = "?"
"""Before a label of which it is unknown whether it applies."""
UNKNOWN = -1
"""In a matrix of labels: it is unknown whether the label applies. In place of a class: the label is missing."""
DEFAULT_OBJECTIVES: Mapping[str, str] = {
    CLASSES: "balanced_accuracy", ORDERED: "quadratic_kappa", LABELS: "mean_average_precision", NUMBER: "r2",
}  # fmt: skip
_DEFAULT_HEADS: Mapping[str, str] = {CLASSES: "logistic", ORDERED: "logistic", LABELS: "logistic", NUMBER: "ridge"}
_BINS = 10
"""Strata of numbers: tenths of the items by their rank."""


@dataclass(frozen=True)
class Target:
    """What is learned.

    name: the column it comes from, empty if there is none. kind: one of `KINDS`. classes: the names of the classes
    or of the labels, in the order of the answers; empty for a number.
    """

    name: str = ""
    kind: Kind = "classes"
    classes: tuple[str, ...] = ()

    @property
    def is_classes(self) -> bool:
        """Whether every item has exactly one class."""
        return self.kind in (CLASSES, ORDERED)

    @property
    def n_outputs(self) -> int:
        """Columns of a model's answers."""
        return 1 if self.kind == NUMBER else len(self.classes)

    @property
    def default_objective(self) -> str:
        """The name of the evaluator that is optimised where none was chosen."""
        return DEFAULT_OBJECTIVES[self.kind]

    @property
    def default_head(self) -> str:
        """The name of the head of the untuned default."""
        return _DEFAULT_HEADS[self.kind]

    def may_use(self, targets: Sequence[str]) -> bool:
        """Whether a head that learns these kinds can learn this one: a head of classes learns each label by itself."""
        return self.kind in targets or (self.kind == LABELS and CLASSES in targets)


PLAIN = Target()
"""A target of classes of which nothing else matters."""


def kind_of(labels: np.ndarray) -> Kind:
    """The kind of the target that items have these labels of; that classes have an order cannot be told."""
    if labels.ndim == 2:
        return "labels"
    return "number" if labels.dtype.kind == "f" else "classes"


def named_kind(name: str) -> Kind:
    """The kind of this name; ValueError if there is none."""
    if name not in KINDS:
        raise ValueError(f"unknown kind of target {name!r}; choose one of {', '.join(KINDS)}")
    return name


def classes_in(kind: Kind, texts: Iterable[str], order: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes or labels that occur in the texts of items, in their order; none for a number.

    Ordered classes go by `order`, or if that is empty by the numbers in their names or by a known scale; others by
    their name.
    """
    if kind == NUMBER:
        return ()
    if kind == LABELS:
        return tuple(sorted({name.removeprefix(UNKNOWN_MARK) for text in texts for name in _parts(text)}))
    names = sorted(set(texts))
    found = find_order(names, order) if kind == ORDERED else None
    return found.names if found else tuple(names)


def encode(target: Target, texts: np.ndarray) -> np.ndarray:
    """The labels of items from their texts, none of which is empty.

    Classes: int (n,). Labels: bool (n, n_labels), or int8 with -1 where one is unknown. A number: float (n,).
    """
    if target.kind == NUMBER:
        return np.array([float(text) for text in texts], dtype=np.float64)
    if target.kind == LABELS:
        return _matrix(target.classes, texts)
    if target.kind == ORDERED:
        place = {name: i for i, name in enumerate(target.classes)}
        return np.array([place[text] for text in texts], dtype=int)
    return np.searchsorted(np.array(target.classes), np.asarray(texts, dtype=str))


def label_text(applying: Sequence[str], unknown: Sequence[str] = ()) -> str:
    """The text of an item to which these labels apply, and of which others are unknown; never empty."""
    return SEPARATOR.join([*applying, *(UNKNOWN_MARK + name for name in unknown)]) or SEPARATOR


def applying_labels(text: str) -> tuple[str, ...]:
    """The labels that apply to an item, from its text."""
    return tuple(name for name in _parts(text) if not name.startswith(UNKNOWN_MARK))


def without_labels(text: str, names: Container[str]) -> str:
    """The text of an item without some labels, whether they apply or are unknown; never empty."""
    return SEPARATOR.join(part for part in _parts(text) if part.removeprefix(UNKNOWN_MARK) not in names) or SEPARATOR


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def known_labels(labels: np.ndarray) -> np.ndarray:
    """Where it is known whether a label applies, bool of the same shape."""
    return np.ones(labels.shape, dtype=bool) if labels.dtype.kind == "b" else np.asarray(labels != UNKNOWN)


def strata(labels: np.ndarray) -> np.ndarray:
    """Groups of similar labels, int (n,), by which samples are drawn in proportion.

    Classes are their own. Numbers: tenths by rank, fewer where there are few items. Labels: each item's rarest one.
    """
    kind = kind_of(labels)
    if kind == CLASSES:
        return labels
    if kind == NUMBER:
        edges = np.quantile(labels, np.linspace(0, 1, min(_BINS, max(1, len(labels) // _BINS)) + 1)[1:-1])
        return np.asarray(np.unique(np.searchsorted(edges, labels, side="right"), return_inverse=True)[1])
    applies = labels > 0
    order = np.argsort(applies.sum(axis=0), kind="stable")
    first = applies[:, order].argmax(axis=1)
    rarest = np.where(applies.any(axis=1), order[first] + 1, 0)
    return np.asarray(np.unique(rarest, return_inverse=True)[1])


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(SEPARATOR) if part.strip()]


def _matrix(names: Sequence[str], texts: np.ndarray) -> np.ndarray:
    place = {name: i for i, name in enumerate(names)}
    found = np.zeros((len(texts), len(names)), dtype=np.int8)
    for row, text in enumerate(texts):
        for part in _parts(text):
            name = part.removeprefix(UNKNOWN_MARK)
            if name in place:
                found[row, place[name]] = UNKNOWN if part.startswith(UNKNOWN_MARK) else 1
    return found if (found == UNKNOWN).any() else found.astype(bool)
