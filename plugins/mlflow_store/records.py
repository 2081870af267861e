"""Parameters, metrics and tags of an MLflow run."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotl_plugins.mlflow_store.client import first_line, is_refusal

if TYPE_CHECKING:
    from mlflow import MlflowClient

MAX_NAME_LENGTH = 250
_MOST_AT_ONCE = 100
_log = logging.getLogger("autotl.mlflow")


def log_batch(
    client: MlflowClient,
    run_id: str,
    *,
    params: Mapping[str, object] | None = None,
    metrics: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    step: int = 0,
) -> None:
    """Log what has a value, under names MLflow accepts; a record that is refused all the same is named and left out."""
    from mlflow.entities import Metric, Param, RunTag

    now = round(time.time() * 1000)
    numbers = {
        key: float(value)
        for key, value in (metrics or {}).items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    texts = {key: str(value)[:6000] for key, value in (params or {}).items() if value not in (None, "")}
    labels = {key: str(value)[:5000] for key, value in (tags or {}).items()}
    _log_in_parts(client, run_id, "metrics", [Metric(name, numbers[key], now, step) for key, name in names(numbers)])
    _log_in_parts(client, run_id, "params", [Param(name, texts[key]) for key, name in names(texts)])
    _log_in_parts(client, run_id, "tags", [RunTag(name, labels[key]) for key, name in names(labels)])


def names(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Each key with a name that MLflow accepts for it, no two the same; a key that it accepts as it is stays so.

    MLflow takes a name for a path: no empty part, no `.` or `..`, and none of the characters that paths have trouble
    with.
    """
    allowed = {key: _allowed(key) for key in keys}
    taken = {name for key, name in allowed.items() if key == name}
    found = []
    for key, name in allowed.items():
        number, free = 2, name
        while key != name and free in taken:
            end = f"_{number}"
            free, number = name[: MAX_NAME_LENGTH - len(end)] + end, number + 1
        taken.add(free)
        found.append((key, free))
    return found


def _allowed(text: str) -> str:
    parts = re.sub(r"[^\w.\- :/]", "_", text).split("/")
    name = "/".join(part if part.strip(".") else part.replace(".", "_") or "_" for part in parts)
    return name if len(name) <= MAX_NAME_LENGTH else name[:MAX_NAME_LENGTH].rstrip("/")


def _log_in_parts(client: MlflowClient, run_id: str, kind: str, records: Sequence[Any]) -> None:
    for start in range(0, len(records), _MOST_AT_ONCE):
        _log_or_leave_out(client, run_id, kind, records[start : start + _MOST_AT_ONCE])


def _log_or_leave_out(client: MlflowClient, run_id: str, kind: str, records: Sequence[Any]) -> None:
    """Log records together; of those that are refused together each half again, down to the one that is at fault."""
    try:
        client.log_batch(run_id, **{kind: records})
    except Exception as error:
        if not is_refusal(error):
            raise
        if len(records) == 1:
            name = getattr(records[0], "key", "")
            _log.warning("MLflow refused %s, which is left out: %s", f"{kind[:-1]} {name!r}", first_line(error))
            return
        middle = len(records) // 2
        for half in (records[:middle], records[middle:]):
            _log_or_leave_out(client, run_id, kind, half)
