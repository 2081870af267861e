"""The evidence for a finished run's model: how it answered each image, every score, and what plugins show of it.

It is kept in the run folder as files that are read without any framework.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from autotl.errors import RunError
from autotl.evidence.evaluations import Evaluation
from autotl.evidence.panels import ShownPanel
from autotl.evidence.recomputable import write_items, write_programs
from autotl.predictions import Predictions
from autotl.runs.run import Run, open_run
from autotl.runtime.atomic_files import write_atomically
from autotl.targets import LABELS, NUMBER

Part: TypeAlias = Literal["search", "test"]
_FOLDER, _SEARCHED, _TESTED, _EVALUATIONS, _PANELS = (
    "evidence", "search.npz", "test.npz", "evaluations.json", "panels.json",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a champion.

    search, test: its evaluations; default: of the untuned default, on the test split. searched: its predictions in
    the search, each by a head that was not fitted on the image (cross-validated, or on the validation split);
    tested: of the test split. run: configuration, dataset and split.
    """

    run: Run
    search: Evaluation
    test: Evaluation
    default: Evaluation
    searched: Predictions
    tested: Predictions
    panels: tuple[ShownPanel, ...]

    @property
    def tested_paths(self) -> frozenset[str]:
        """Paths of the images of the test split."""
        return frozenset(self.run.dataset.items["path"].iloc[self.tested.items])

    def answers(self, part: Part) -> pd.DataFrame:
        """How it answered each image of a part: path, file, label, predicted, confidence, given.

        confidence: probability of the class predicted; given: of the class the image is labelled with. Raises
        ValueError if the target is not of classes; see `wrong_answers` for others.
        """
        if not self.run.dataset.target.is_classes:
            raise ValueError(f"the target of {self.run.folder} is {self.run.dataset.kind!r}, not one class each")
        predictions = self.tested if part == "test" else self.searched
        classes, paths = np.array(self.test.classes, dtype=object), self.run.dataset.items["path"]
        rows, predicted = np.arange(len(predictions.items)), predictions.probabilities.argmax(axis=1)
        own = paths.iloc[predictions.items].reset_index(drop=True)
        return pd.DataFrame(
            {
                "path": own,
                "file": [str(self.run.dataset.root / path) for path in own],
                "label": classes[predictions.labels],
                "predicted": classes[predicted],
                "confidence": predictions.probabilities[rows, predicted],
                "given": predictions.probabilities[rows, predictions.labels],
            }
        )


def write_evidence(
    run: Run,
    *,
    evaluations: tuple[Evaluation, Evaluation, Evaluation],
    searched: Predictions,
    tested: Predictions,
    panels: Iterable[ShownPanel],
) -> None:
    """Write the evidence into the run folder, with the program that recomputes it.

    evaluations: search, test, and the test of the untuned default.
    """
    folder = run.folder / _FOLDER
    folder.mkdir(exist_ok=True)
    searched.save(folder / _SEARCHED)
    tested.save(folder / _TESTED)
    named = zip(("search", "test", "default"), evaluations, strict=True)
    _write_json(folder / _EVALUATIONS, {name: evaluation.to_json() for name, evaluation in named})
    _write_json(folder / _PANELS, [shown.to_json() for shown in panels])
    write_items(run)
    write_programs(run.folder)


def read_evidence(folder: Path) -> Evidence | None:
    """Read a run's evidence; None if it has none, or if it is damaged."""
    own = folder / _FOLDER
    try:
        run = open_run(folder)
        evaluations = {k: Evaluation.from_json(v) for k, v in _read_json(own / _EVALUATIONS).items()}
        searched, tested = (Predictions.load(own / name) for name in (_SEARCHED, _TESTED))
        panels = tuple(map(ShownPanel.from_json, _read_json(own / _PANELS)))
        known = len(run.dataset.items)
        if max(searched.items.max(initial=0), tested.items.max(initial=0)) >= known:
            return None
        evidence = Evidence(run, **evaluations, searched=searched, tested=tested, panels=panels)
        return evidence if _is_whole(evidence) else None
    except (RunError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _is_whole(evidence: Evidence) -> bool:
    """Whether evaluations and predictions speak of the same classes or labels, and of the target of the run."""
    classes, target = evidence.test.classes, evidence.run.dataset.target
    n_confused = len(classes) if target.is_classes else 0
    n_answers = 1 if target.kind == NUMBER else len(classes)
    evaluations, predictions = (evidence.search, evidence.test), (evidence.searched, evidence.tested)
    return all(e.classes == classes and e.confusion.size == n_confused**2 for e in evaluations) and all(
        p.probabilities.shape[1:] == (n_answers,) and p.labels.ndim == (2 if target.kind == LABELS else 1)
        for p in predictions
    )


def _write_json(path: Path, document: Any) -> None:
    write_atomically(path, json.dumps(document, allow_nan=False).encode())


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
