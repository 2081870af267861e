"""Classifying any number of image files with an exported model, part by part, so that memory does not grow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autotl.images.safe_decode import danger_of
from autotl.deploy.predictor import Predictor

N_AT_ONCE = 128
"""Four batches of the model: little is lost at the seams, and on any machine one is done within seconds."""


def classify(
    predictor: Predictor, files: Sequence[Path], *, listeners: Sequence[Callable[[Mapping[str, Any]], None]] = ()
) -> Iterator[list[dict[str, Any]]]:
    """Predictions as `Predictor.predict` gives them, in the order of the files, so many at once.

    A file whose decoder would bring this process down gets an error, and the next one is not harmed.
    listeners: told how far it is, at the start and after each part.
    """
    for start in range(0, len(files), N_AT_ONCE):
        _tell(listeners, start, len(files))
        part = files[start : start + N_AT_ONCE]
        dangers = {str(file): danger for file in part if (danger := danger_of(file))}
        found = iter(predictor.predict([str(file) for file in part if str(file) not in dangers]))
        yield [
            {"item": str(file), "error": dangers[str(file)]} if str(file) in dangers else next(found) for file in part
        ]
    _tell(listeners, len(files), len(files))


def _tell(listeners: Sequence[Callable[[Mapping[str, Any]], None]], done: int, total: int) -> None:
    for listener in listeners:
        listener({"time": time.time(), "event": "progress", "stage": "predict", "done": done, "total": total})
