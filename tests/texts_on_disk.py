"""Small data sets of texts for the tests: real paragraphs in files, and their `Dataset`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud, load_wine

from autotl.data.dataset import Dataset


def paragraphs() -> tuple[list[str], list[str]]:
    """Different paragraphs about scikit-learn's own data sets, and about which one each is."""
    loaders = {
        "cancer": load_breast_cancer, "diabetes": load_diabetes, "digits": load_digits, "iris": load_iris,
        "linnerud": load_linnerud, "wine": load_wine,
    }  # fmt: skip
    found = {part: name for name, load in loaders.items() for part in load().DESCR.split("\n\n") if len(part) > 20}
    return list(found), list(found.values())


def write_texts(root: Path, texts: Sequence[str], labels: Sequence[str], *, suffix: str = ".txt") -> Dataset:
    """Write each text into a file of its own, in the folder of its class."""
    rows: list[Mapping[str, str]] = []
    for number, (text, label) in enumerate(zip(texts, labels, strict=True)):
        path = root / label / f"{number:05d}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode("utf-8")
        path.write_bytes(data)
        row = {
            "path": path.relative_to(root).as_posix(), "label": label, "sha256": hashlib.sha256(data).hexdigest(),
            "given_split": "", "group": "", "quarantine": "",
        }  # fmt: skip
        rows.append(row)
    return Dataset(root, pd.DataFrame(rows), modality="text")
