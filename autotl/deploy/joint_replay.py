"""The items on which a deployable of several targets is compared with the model of each target."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autotl.data.modalities import modality_named
from autotl.deploy.deployable import MAX_REPLAY_ITEMS, TOLERANCE, numbers_of, run_exported
from autotl.deploy.mlflow_layout import write_json
from autotl.errors import ExportError
from autotl.runs.run import Run

Item = Mapping[str, tuple[str, bytes]]
"""Name and bytes of the file of an item, by the kind of item as which it is read: as a whole, or one of its parts."""


def items_of_models(models: Mapping[str, Path], kind: str) -> list[Item]:
    """Files of the models' own replays, in turn, without copies. kind: of item, that all models read."""
    files = [
        sorted(path for path in (model / "replay").iterdir() if path.suffix != ".json") for model in models.values()
    ]
    turns = [own[turn] for turn in range(max(map(len, files))) for own in files if turn < len(own)]
    different = {hashlib.sha256(path.read_bytes()).digest(): path for path in reversed(turns)}
    kept = [path for path in turns if path in different.values()][:MAX_REPLAY_ITEMS]
    return [{kind: (path.name, path.read_bytes())} for path in kept]


def items_of_run(run: Run) -> list[Item]:
    """A few items of a run whose items are composed, as a whole and as each of their parts; none of another run.

    Raises ExportError if the file of one cannot be read.
    """
    modality = modality_named(run.dataset.modality)
    if not modality.parts:
        return []
    datasets = {kind: run.dataset.part(kind) for kind in (modality.name, *modality.parts)}
    found: list[Item] = []
    for item in run.split.validation[:MAX_REPLAY_ITEMS]:
        paths = {kind: dataset.path(int(item)) for kind, dataset in datasets.items()}
        try:
            found.append({kind: (path.name, modality_named(kind).contents(path)) for kind, path in paths.items()})
        except (OSError, ValueError) as error:
            raise ExportError(f"{paths[modality.name]} cannot be read ({error})") from error
    return found


def write_joint_replay(
    folder: Path, models: Mapping[str, Path], kinds: Mapping[str, str], kind: str, items: Sequence[Item]
) -> None:
    """Keep the replay items with what each model says of them; ExportError if the joint model differs.

    kinds: of item that each model reads. kind: that the joint model reads.
    """
    files = _written(items, kind, folder / "replay")
    computed = run_exported(folder, files)
    rows: list[dict[str, Any]] = [
        {"file": file.name, "item": item[kind][0], "targets": {}} for file, item in zip(files, items, strict=True)
    ]
    for name, model in models.items():
        with tempfile.TemporaryDirectory(prefix="autotl-replay-") as parts:
            own = files if kinds[name] == kind else _written(items, kinds[name], Path(parts))
            answers = run_exported(model, own)
        for row, alone, joint in zip(rows, answers, computed, strict=True):
            expected, found = np.array(numbers_of(alone)), np.array(numbers_of(joint["targets"][name]))
            difference = float(np.abs(found - expected).max()) if found.shape == expected.shape else np.inf
            if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0))):  # a NaN fails too
                raise ExportError(
                    f"Export failed: the model of all targets differs from that of {name} by {difference:.2g} on "
                    f"{row['item']} (at most {TOLERANCE:g})."
                )
            row["targets"][name] = {key: alone[key] for key in ("probabilities", "value") if key in alone}
    write_json(folder / "replay" / "expected.json", {"tolerance": TOLERANCE, "items": rows})


def _written(items: Sequence[Item], kind: str, folder: Path) -> list[Path]:
    files = [folder / f"{n}{Path(item[kind][0]).suffix}" for n, item in enumerate(items)]
    for file, item in zip(files, items, strict=True):
        file.write_bytes(item[kind][1])
    return files
