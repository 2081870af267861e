"""The files of a run folder that let anyone recompute its numbers with NumPy alone, and the program that does so."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np

from autotl.evidence.champion_choice import N_SCORED, Choice
from autotl.predictions import Predictions
from autotl.runs.run import Run
from autotl.runtime.atomic_files import write_atomically

FOLDER = "evidence"
ITEMS, CHOICE, DEFAULT = "items.npz", "choice.npz", "default.npz"
PROGRAM, STUDY_PROGRAM = "verify.py", "verify_study.py"
PARTS = tuple(
    f"verify_{name}.py"
    for name in (
        "audit", "command", "comparisons", "documents", "doubts", "intervals", "labels", "measures", "numbers",
        "omitted", "panels", "parts", "report", "scores", "target_scores", "targets", "words",
    )
)  # fmt: skip
"""Modules of the program. It is copied unchanged into the run folder, and its modules into evidence/."""
STUDY_PARTS = ("verify_command.py", "verify_documents.py", "verify_joint.py")
"""Those that the program of several targets needs, which runs that of each target."""
_ATTRIBUTE = "attribute."


def write_items(run: Run) -> None:
    """Write evidence/items.npz: what scores depend on besides predictions, one row per item, as in dataset.parquet.

    Images without a label, and those that could not be read, are not items. They only count in the fingerprint of the
    data, for which other_sha256 and other_label are stored.
    """
    items, split, dataset = run.dataset.items, run.split, run.dataset
    names = ["path", "label", "group", *(name for name in items.columns if name.startswith(_ATTRIBUTE))]
    kept = dataset.table[~dataset.excluded]
    others = kept[(kept["quarantine"] != "") | (kept["label"] == "")]
    columns = {name: _texts(items[name].fillna("").to_numpy()) for name in names}
    _write(run, ITEMS, columns | {
        "sha256": dataset.digests(), "split": split.part_names().astype(str), "fold": split.fold,
        "cluster": split.cluster, "other_sha256": others["sha256"].to_numpy(dtype="S64"),
        "other_label": _texts(others["label"].to_numpy()),
    })  # fmt: skip


def write_choice(run: Run, choice: Choice, tested_default: Predictions) -> None:
    """Write the data for the choice of the champion, and the test predictions of the untuned default.

    evidence/choice.npz is about the resamples by which the search scores are corrected: how often each resample
    contains each development item (in the order of item numbers), and which trial the rule picks on it.
    """
    (run.folder / FOLDER).mkdir(exist_ok=True)
    weights = choice.weights[:N_SCORED]
    most = np.min_scalar_type(int(weights.max(initial=0)))
    _write(run, CHOICE, {
        "order": np.array(choice.order, dtype=int), "compared": np.array(choice.numbers, dtype=int),
        "picks": choice.picks[:N_SCORED], "weights": weights.astype(most),
    })  # fmt: skip
    tested_default.save(run.folder / FOLDER / DEFAULT)


def write_programs(folder: Path) -> None:
    """Copy verify.py into a run folder, and its parts into evidence/."""
    texts = resources.files("autotl.evidence.verify")
    for name in (PROGRAM, *PARTS):
        place = folder if name == PROGRAM else folder / FOLDER
        write_atomically(place / name, texts.joinpath(name).read_bytes())


def write_study_program(folder: Path) -> None:
    """Copy the program that runs verify.py of each target into the folder of a study, as its verify.py."""
    texts = resources.files("autotl.evidence.verify")
    (folder / FOLDER).mkdir(exist_ok=True)
    write_atomically(folder / PROGRAM, texts.joinpath(STUDY_PROGRAM).read_bytes())
    for name in STUDY_PARTS:
        write_atomically(folder / FOLDER / name, texts.joinpath(name).read_bytes())


def _texts(values: np.ndarray) -> np.ndarray:
    # An empty array of str has a data type of width 0, which cannot be written.
    return values.astype(str) if len(values) else np.zeros(0, dtype="U1")


def _write(run: Run, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]
    write_atomically(run.folder / FOLDER / name, file.getvalue())
