"""Parameters, metrics and tags of an MLflow run."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient


def log_batch(
    client: MlflowClient,
    run_id: str,
    *,
    params: Mapping[str, object] | None = None,
    metrics: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    step: int = 0,
) -> None:
    """Log what has a value, under names MLflow accepts, within its limits for one call."""
    from mlflow.entities import Metric, Param, RunTag

    now = round(time.time() * 1000)
    numbers = [
        Metric(_name(key), float(value), now, step)
        for key, value in (metrics or {}).items()
        if isinstance(value, int | float) and math.isfinite(value)
    ]
    texts = [Param(_name(key), str(value)[:6000]) for key, value in (params or {}).items() if value not in (None, "")]
    labels = [RunTag(_name(key), str(value)[:5000]) for key, value in (tags or {}).items()]
    for start in range(0, max(len(numbers), len(texts), 1), 100):
        client.log_batch(run_id, numbers[start : start + 100], texts[start : start + 100], labels if start == 0 else ())


def _name(text: str) -> str:
    return re.sub(r"[^\w.\- :/]", "_", text)[:250]
