"""Which name to propose for a run's champion in the model registry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autotl.deploy.registry import MAX_NAME_LENGTH
from autotl.interfaces import ModelVersion, RegisteredModel

_ROOM_FOR_A_NUMBER = 5


@dataclass(frozen=True)
class TrainedOn:
    """A run and what it was trained on. fingerprint: empty where it is unknown. label: the column of the labels."""

    run: str
    fingerprint: str
    data: Path | None
    label: str | None

    def has_same_data(self, other: TrainedOn) -> bool:
        """Whether both were given the same data, though its labels may have changed in between."""
        if self.data is None or other.data is None:
            return False
        return self.data.resolve() == other.data.resolve() and self.label == other.label


def propose_name(
    run: TrainedOn, others: Iterable[TrainedOn], models: Iterable[RegisteredModel], *, titles: Iterable[str]
) -> str:
    """The name of the latest version that was trained on the same data, else a new one made from a title.

    others: the runs that are known. titles: what the data may be called, best first; the last resort is the run's name.
    """
    models = tuple(models)
    related = {one.run: one.fingerprint for one in others if one.has_same_data(run)}
    versions = sorted((v for model in models for v in model.versions), key=lambda version: -version.created)
    for version in versions:
        if _same_fingerprint(version, run) or _is_from(version, related):
            return version.name
    wanted = next(name for title in (*titles, run.run, "model") if (name := _valid(title)))
    taken = {model.name for model in models}
    number, name = 2, wanted
    while name in taken:
        name, number = f"{wanted} {number}", number + 1
    return name


def _same_fingerprint(version: ModelVersion, run: TrainedOn) -> bool:
    return bool(run.fingerprint) and version.evidence.fingerprint == run.fingerprint


def _is_from(version: ModelVersion, runs: Mapping[str, str]) -> bool:
    """Whether a version came from one of the runs, given with their fingerprints, which may be unknown."""
    return runs.get(version.evidence.run) in ("", version.evidence.fingerprint)


def _valid(title: str) -> str:
    """A title without the characters that a model's name must not have; empty where nothing is left."""
    words = " ".join(re.sub(r"[^\w -]+", " ", title).split())
    return words[: MAX_NAME_LENGTH - _ROOM_FOR_A_NUMBER].strip(" -")
