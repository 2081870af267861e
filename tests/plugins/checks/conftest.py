"""What the tests of the checks share: sharp colour photographs, and English texts, in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

SOUND = {
    "format": "JPEG",
    "mode": "RGB",
    "width": 640,
    "height": 480,
    "frames": 1,
    "given_split": "",
    "n_bytes": 90_000,
    "brightness_p5": 0.1,
    "brightness_p99": 0.9,
    "contrast": 0.25,
    "sharpness": 4.0,
    "colourfulness": 40.0,
}


@pytest.fixture
def photos(toy_dataset: Callable[..., Any]) -> Callable[..., Any]:
    """Sound photographs but for what is said: photos(["cat", "dog"], pairs=[(0, 1, 0.98)], mode=["L", "RGB"])."""
    import pandas as pd

    def photos(labels: Sequence[str], *, pairs: Sequence[tuple[Any, ...]] = (), **columns: Any) -> Any:
        dataset = toy_dataset(list(labels), **SOUND | {"label_given": list(labels)} | columns)
        rows = [(*pair, False)[:4] for pair in pairs]
        types = {"first": int, "second": int, "similarity": float, "mirrored": bool}
        dataset.__dict__["pairs"] = pd.DataFrame(rows, columns=list(types)).astype(types)
        return dataset

    return photos


WORDS = [f"{first}{second}" for first in ("house", "river", "paper", "window", "cold") for second in "abcdefghijklmn"]


@pytest.fixture
def texts(toy_dataset: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Sound English texts but for what is said: texts(["cat", "dog"], written=["Hello", None], n_words=[1, 20]).

    written: what is in the files; None for thirty words of no meaning.
    """
    import numpy as np

    def texts(labels: Sequence[str], *, written: Sequence[str | None] = (), **columns: Any) -> Any:
        rng = np.random.default_rng(0)
        paths = [f"{label}/{i}.txt" for i, label in enumerate(labels)]
        for i, path in enumerate(paths):
            (tmp_path / path).parent.mkdir(exist_ok=True)
            given = written[i] if written else None
            (tmp_path / path).write_text(" ".join(rng.choice(WORDS, 30)) if given is None else given)
        n_words = [20 + i % 20 for i in range(len(labels))]
        facts = {"format": "txt", "encoding": "utf-8", "language": "en", "n_words": n_words, "first_line": "To you"}
        facts["n_characters"] = [6 * n for n in n_words]
        dataset = toy_dataset(list(labels), **{"path": paths, "label_given": list(labels)} | facts | columns)
        return replace(dataset, root=tmp_path, modality="text")

    return texts


@pytest.fixture
def findings() -> Callable[..., list[Any]]:
    """Everything the checks of a plugin find: findings(plugin, dataset, probe)."""

    def findings(plugin: Any, dataset: Any, probe: Any = None) -> list[Any]:
        checks = plugin.register_checks()
        return [f for check in checks for f in (check.run(dataset, probe) if check.uses_probe else check.run(dataset))]

    return findings
