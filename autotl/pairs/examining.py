"""Pairs examined and compared by their parts: two pairs are near-duplicates if their images are, or their texts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.images.facts import FACT_COLUMNS as IMAGE_FACTS
from autotl.modality import PAIR_COLUMNS, Examiner, ItemFacts, no_pairs
from autotl.pairs.contents import files_of
from autotl.pairs.pair_files import UnreadablePair
from autotl.runtime.progress import OnProgress
from autotl.texts.facts import FACT_COLUMNS as TEXT_FACTS

_PARTS = {"image": IMAGE_FACTS, "text": TEXT_FACTS}
FACT_COLUMNS = tuple(f"{part}.{fact}" for part, facts in _PARTS.items() for fact in ("path", *facts))
_FEWEST_WORDS = 10
"""Texts with fewer words, such as "blue shirt" or "no description", do not make near-duplicates of different images."""


@dataclass(frozen=True)
class PairFacts:
    """The facts about some pairs; see `autotl.modality.ItemFacts`."""

    facts: pd.DataFrame
    signatures: np.ndarray
    quarantine: np.ndarray


@dataclass(frozen=True)
class PairExaminer:
    """Examines and compares pairs. images, texts: examine and compare their parts."""

    images: Examiner
    texts: Examiner

    def read_facts(
        self, root: Path, paths: np.ndarray, digests: np.ndarray, *, cache: Path, progress: OnProgress | None = None
    ) -> PairFacts:  # fmt: skip
        """Examine the parts of the pairs in some files. A pair can be read if both of its parts can.

        paths: text (n,), relative to root. digests: SHA-256 of the image and of the text of each, bytes (n, 2).
        """
        named, reasons = _named_parts(root, paths)
        readable = np.flatnonzero(reasons == "")
        columns: dict[str, np.ndarray] = {}
        signatures: dict[str, np.ndarray] = {}
        for place, (part, examiner) in enumerate((("image", self.images), ("text", self.texts))):
            files = np.array([named[row][place] for row in readable], dtype=object)
            found = examiner.read_facts(
                root, files, digests[readable, place], cache=cache, progress=progress if part == "image" else None
            )  # fmt: skip
            columns |= _columns(part, files, found, readable, len(paths))
            signatures[part] = found.signatures
            for row, reason in zip(readable, found.quarantine, strict=True):
                reasons[row] = reasons[row] or (f"its {part}: {reason}" if reason else "")
        return PairFacts(
            pd.DataFrame(columns), _joined(signatures, digests, columns["text.n_words"], readable), reasons.astype(str)
        )  # fmt: skip

    def find_pairs(
        self, signatures: np.ndarray, labels: np.ndarray, *, sequence: np.ndarray, mirrored: bool = False,  # noqa: ARG002
        progress: OnProgress | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Find the near-duplicates; see `autotl.modality.Examiner`.

        sequence: unused, because the names of pairs are the numbers of their rows.
        """
        found = []
        for part, examiner in (("image", self.images), ("text", self.texts)):
            mine = signatures[part]
            long = np.flatnonzero(signatures["n_words"] >= _FEWEST_WORDS) if part == "text" else np.arange(len(labels))
            # Texts take no time beside images, and one stage has one progress.
            told = progress if part == "image" else None
            table = _pairs_of(mine[long], labels[long], examiner, mirrored, told)
            found.append(table.assign(first=long[table["first"]], second=long[table["second"]]))
        both = pd.concat(found, ignore_index=True)
        if both.empty:
            return no_pairs()
        merged = both.groupby(["first", "second"], as_index=False).agg({"similarity": "max", "mirrored": "max"})
        return merged.astype(PAIR_COLUMNS)


def _pairs_of(
    parts: np.ndarray, labels: np.ndarray, examiner: Examiner, mirrored: bool, progress: OnProgress | None
) -> pd.DataFrame:  # fmt: skip
    """Near-duplicates among parts of one kind; each copy is paired with the first one of its content."""
    _, originals, place = np.unique(parts["sha256"], return_index=True, return_inverse=True)
    none = np.zeros((0, 2), dtype=int)
    table = examiner.find_pairs(
        parts["signature"][originals], labels[originals], sequence=none, mirrored=mirrored, progress=progress
    )
    ends = np.sort(np.column_stack([originals[table["first"]], originals[table["second"]]]), axis=1)
    table = table.assign(first=ends[:, 0], second=ends[:, 1])
    copies = np.flatnonzero(originals[place] != np.arange(len(parts)))
    same = pd.DataFrame({"first": originals[place][copies], "second": copies, "similarity": 1.0, "mirrored": False})
    return pd.concat([table, same], ignore_index=True).astype(PAIR_COLUMNS)


def _named_parts(root: Path, paths: np.ndarray) -> tuple[list[tuple[str, str]], np.ndarray]:
    """The files of the image and of the text of each pair, and why a pair cannot be read, or empty; text (n,)."""
    named, reasons = [("", "")] * len(paths), np.full(len(paths), "", dtype=object)
    for row, path in enumerate(paths):
        try:
            image, text = files_of(root / str(path))
            named[row] = (str(image), str(text))
        except UnreadablePair as error:
            reasons[row] = str(error)
    return named, reasons


def _columns(
    part: str, files: np.ndarray, found: ItemFacts, rows: np.ndarray, n: int
) -> dict[str, np.ndarray]:  # fmt: skip
    """The columns of facts about one part; 0 or empty if a pair cannot be read. rows: those that could, int."""
    own = {"path": files.astype(str)} | {name: found.facts[name].to_numpy() for name in _PARTS[part]}
    columns = {}
    for name, values in own.items():
        is_number = values.dtype.kind in "if"
        column = np.zeros(n, values.dtype) if is_number else np.full(n, "", dtype=object)
        column[rows] = values
        columns[f"{part}.{name}"] = column
    return columns


def _joined(
    signatures: dict[str, np.ndarray], digests: np.ndarray, n_words: np.ndarray, rows: np.ndarray
) -> np.ndarray:  # fmt: skip
    """The signatures of the parts of each pair, with what else is needed to compare them. rows: the readable pairs."""
    fields: list[tuple[str, object]] = [
        (part, [("sha256", "S64"), ("signature", own.dtype, own.shape[1:])]) for part, own in signatures.items()
    ]
    found = np.zeros(len(digests), dtype=np.dtype([*fields, ("n_words", np.int32)]))
    for place, (part, own) in enumerate(signatures.items()):
        found[part]["signature"][rows] = own
        found[part]["sha256"] = digests[:, place]
    found["n_words"] = n_words
    return found
