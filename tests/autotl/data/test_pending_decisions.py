"""Which images the decisions of now would change."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from autotl.data.dataset import Dataset
from autotl.data.patch import EXCLUDED, Decision
from autotl.data.pending_decisions import pending_images


def dataset(**changes: object) -> Dataset:
    table = pd.DataFrame(
        {
            "path": ["cat/0.png", "cat/1.png", "dog/0.png"], "label": ["cat", "cat", "dog"],
            "label_given": ["cat", "cat", "dog"], "sha256": ["a", "b", "c"], "quarantine": ["", "", ""],
        }
    )  # fmt: skip
    return Dataset(Path("data"), table.assign(**changes), layout="one folder per class")


def test_without_new_decisions_nothing_is_pending() -> None:
    assert pending_images(dataset(), []) == frozenset()
    assert pending_images(dataset(), [Decision("relabel", "cat/0.png", "cat")]) == frozenset()


def test_relabelled_excluded_and_merged_images_are_pending() -> None:
    decisions = [Decision("relabel", "cat/0.png", "dog"), Decision("exclude", "dog/0.png")]
    assert pending_images(dataset(), decisions) == {"cat/0.png", "dog/0.png"}
    assert pending_images(dataset(), [Decision("merge", "cat", "dog")]) == {"cat/0.png", "cat/1.png"}


def test_an_image_is_pending_when_a_decision_that_the_dataset_knows_was_undone() -> None:
    known = dataset(label=["dog", "cat", "dog"], quarantine=["", f"{EXCLUDED} by the patch file", ""])
    decisions = [Decision("relabel", "cat/0.png", "dog"), Decision("exclude", "cat/1.png")]
    assert pending_images(known, decisions) == frozenset()
    assert pending_images(known, decisions[:1]) == {"cat/1.png"}
    assert pending_images(known, decisions[1:]) == {"cat/0.png"}
