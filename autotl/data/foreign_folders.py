"""Folders that programs leave among the data: runs, tracking stores, virtual environments."""

from __future__ import annotations

from collections.abc import Collection

_NAMES = frozenset(
    {"mlruns", "mlartifacts", "wandb", "lightning_logs", "tb_logs", "autotl-runs", "autotl-data", "__pycache__",
     "node_modules", "site-packages"}
)  # fmt: skip
_MARKS = (
    {"run.json", "dataset.parquet"},  # a run of AutoTL
    {"MLmodel"},  # a model of MLflow, such as a deployable
    {"args.yaml", "weights"},  # a run of Ultralytics
    {"pyvenv.cfg"},
    {"HEAD", "objects", "refs"},  # a repository of Git
)
_TASKS = ("detect", "classify", "segment", "pose", "obb", "train", "val", "predict", "exp", "mlflow")


def is_foreign(name: str, entries: Collection[str]) -> bool:
    """Whether a folder is the output of a program and not data, judged by its name and the names of what is in it."""
    plain = name.lower()
    if plain in _NAMES or any(mark.issubset(entries) for mark in _MARKS):
        return True
    if plain == "runs" and entries:
        return all(entry.startswith((".", *_TASKS)) for entry in entries)
    return "\0events.out.tfevents." in "\0".join(["", *entries])  # of TensorBoard; a call per file would take time
