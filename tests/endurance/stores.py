"""What a run folder holds at one moment: its trials by how they ended, with their predictions."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

_WITHOUT = "without"
"""Stands for the predictions of the majority-class row, which keeps none."""


@dataclass(frozen=True)
class Trials:
    """The trials of a study. complete: score and hash of the predictions file, by number. failed: cause and reason."""

    complete: dict[int, tuple[float, str]] = field(default_factory=dict)
    failed: dict[int, tuple[str, str]] = field(default_factory=dict)
    running: frozenset[int] = frozenset()


def read_trials(run: Path, storage: str | None = None) -> Trials:
    """The trials of a run, from its store; none where it has not got so far. Raises what the store raises."""
    if not (run / "run.json").exists() or not (storage or (run / "study.db").exists()):
        return Trials()
    import optuna

    name = json.loads((run / "run.json").read_text(encoding="utf-8"))["study_name"]
    store = optuna.storages.RDBStorage(storage or f"sqlite:///{run / 'study.db'}")
    try:
        study_id = store.get_study_id_from_name(name)
        trials = store.get_all_trials(study_id, deepcopy=False)
    except KeyError:  # the study is not made yet
        return Trials()
    finally:
        store.remove_session()
        store.engine.dispose()
    states = optuna.trial.TrialState
    records = {trial.number: _record_of(trial.user_attrs) for trial in trials}
    rows = {number for number, record in records.items() if record.get("strategy") == "majority"}
    return Trials(
        {
            t.number: (float(t.value or 0), _WITHOUT if t.number in rows else predictions_hash(run, t.number))
            for t in trials if t.state == states.COMPLETE
        },
        {
            t.number: (records[t.number].get("cause", ""), records[t.number].get("reason", "no record"))
            for t in trials if t.state == states.FAIL
        },
        frozenset(t.number for t in trials if t.state == states.RUNNING),
    )  # fmt: skip


def _record_of(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record of a trial that was given up, or the one that its own process wrote."""
    found: Mapping[str, Any] = attributes.get("autotl_lost") or attributes.get("autotl_record") or {}
    return found


def predictions_hash(run: Path, number: int) -> str:
    """The hash of what a trial's predictions file holds; empty where it cannot be read."""
    try:
        with np.load(run / "trials" / f"{number:04d}" / "predictions.npz", allow_pickle=False) as arrays:
            parts = [arrays[name].tobytes() for name in sorted(arrays.files)]
    except (OSError, ValueError, EOFError):
        return ""
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def hash_folder(folder: Path) -> str:
    """The hash of all names, contents and times of modification in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(f"{path.relative_to(folder)} {path.lstat().st_mtime_ns}".encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def broken_parts(run: Path) -> Iterator[str]:
    """What cannot be read in a run folder."""
    import pandas as pd

    for name in ("dataset.parquet", "pairs.parquet"):
        try:
            pd.read_parquet(run / name)
        except (OSError, ValueError) as error:
            yield f"{name}: {error}"
    try:
        document: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
        if not document.get("study_name"):
            yield "run.json names no study"
    except (OSError, ValueError) as error:
        yield f"run.json: {error}"
    if (run / "study.db").exists():
        try:
            with closing(sqlite3.connect(f"file:{run / 'study.db'}?mode=ro", uri=True)) as database:
                found = database.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.DatabaseError as error:
            found = (str(error),)
        if found != ("ok",):
            yield f"study.db: {found[0]}"


def unreadable_events(run: Path) -> int:
    """The number of lines of events.jsonl that are no event; a kill may leave half a line."""
    from autotl.runs.event_log import parse_event

    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    return sum(parse_event(line) is None for line in lines)


def leftovers(folder: Path) -> list[str]:
    """Files and folders that were to be moved into place, or used for a moment."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.name
        temporary = name.startswith(".") and name not in (".lock",) and not name.endswith(".lock")
        if temporary or name.endswith((".part", ".partial", ".tmp")) or name == "pixels":
            found.append(str(path.relative_to(folder)))
    return found


def unreadable_shards(cache: Path) -> list[str]:
    """Shards of the cache whose keys are there, and which are not what their names say."""
    import zlib

    found = []
    for keys in cache.rglob("*.keys.npy"):
        name = keys.name.removesuffix(".keys.npy")
        records = keys.with_name(f"{name}.npy")
        _, of_records, of_keys = name.split("-")
        sums = [zlib.crc32(path.read_bytes()) if path.exists() else -1 for path in (records, keys)]
        if sums != [int(of_records, 16), int(of_keys, 16)]:
            found.append(str(keys.relative_to(cache)))
    return found
