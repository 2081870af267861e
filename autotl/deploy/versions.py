"""Versions of registered models, and the evidence that each of them came with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHAMPION = "champion"
PREVIOUS = "previous"
"""The alias of the version that was champion before: what a roll-back returns to."""

_FACTS = ("strategy", "backbone", "head", "objective", "fingerprint", "test_fingerprint", "n_items", "run")


@dataclass(frozen=True)
class Measured:
    """A score's value with its 95 % interval; None where it is undefined or was not written down."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class VersionEvidence:
    """What was found out about a model before it was registered; empty texts where nobody wrote it down.

    test, search: the objective's score on the test split, and in the search that chose the model.
    claims: the verdicts, one sentence each. fingerprint: of all data; test_fingerprint: of the test split.
    n_items: number of images by part of the split. run: the name of the run's folder.
    """

    objective: str = ""
    test: Measured = Measured()
    search: Measured = Measured()
    claims: tuple[str, ...] = ()
    fingerprint: str = ""
    test_fingerprint: str = ""
    n_items: Mapping[str, int] = field(default_factory=dict)
    run: str = ""
    strategy: str = ""
    backbone: str = ""
    head: str = ""


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model.

    created: seconds since the epoch. folder: the deployable, where it lies on this machine.
    """

    name: str
    version: int
    created: float
    aliases: tuple[str, ...]
    evidence: VersionEvidence
    folder: Path | None


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model with its versions, newest first."""

    name: str
    versions: tuple[ModelVersion, ...]

    def holder(self, alias: str) -> ModelVersion | None:
        """The version that bears an alias."""
        return next((version for version in self.versions if alias in version.aliases), None)


@dataclass(frozen=True)
class AliasChange:
    """An alias that has been moved. version: None where it was taken away; former: None where nobody had it."""

    name: str
    alias: str
    version: int | None
    former: int | None


def registry_summary(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Of a deployable's metadata.json what `evidence_of` reads, small enough to stand beside a model's name."""
    kept: dict[str, Any] = {name: metadata[name] for name in _FACTS if metadata.get(name)}
    for part in ("test", "search"):
        scores, objective = metadata.get(part), str(metadata.get("objective"))
        if isinstance(scores, Mapping) and objective in scores:
            kept[part] = {objective: scores[objective]}
    verdict = metadata.get("verdict")
    if isinstance(verdict, Mapping):
        told = {name: said.get("claim") for name, said in verdict.items() if isinstance(said, Mapping)}
        kept["verdict"] = {name: {"claim": claim} for name, claim in told.items() if claim}
    return kept


def evidence_of(metadata: object) -> VersionEvidence:
    """The evidence in a deployable's metadata.json or in its essence; what is missing or odd is left empty."""
    if not isinstance(metadata, Mapping):
        return VersionEvidence()
    texts = {name: value for name in _FACTS if isinstance(value := metadata.get(name), str)}
    n_items, verdict = metadata.get("n_items"), metadata.get("verdict")
    claims = verdict.values() if isinstance(verdict, Mapping) else ()
    return VersionEvidence(
        test=_measured(metadata, "test"),
        search=_measured(metadata, "search"),
        claims=tuple(str(said["claim"]) for said in claims if isinstance(said, Mapping) and said.get("claim")),
        n_items={str(part): n for part, n in n_items.items() if isinstance(n, int)}
        if isinstance(n_items, Mapping)
        else {},
        **texts,
    )


def caveats(models: Mapping[str, VersionEvidence]) -> tuple[str, ...]:
    """Why the test scores of models cannot be compared, one sentence each; empty where they can.

    models: by what people call them. That they learned from different data is what is compared, and no caveat.
    """
    for name, evidence in models.items():
        if evidence.test.value is None:
            return (f"there is no test score of {name}",)
    found = []
    if len({one.objective for one in models.values()}) > 1:
        aims = ", ".join(f"{name} at {one.objective}" for name, one in models.items())
        found.append(f"they aimed at different scores: {aims}")
    tests = {one.test_fingerprint for one in models.values()}
    if "" not in tests:
        if len(tests) > 1:
            found.append("they were not tested on the same images and labels, so one may have had the easier test")
    elif learned_from_different_data(models):
        found.append("their data differ, so they were probably tested on different images")
    else:
        found.append("whether they were tested on the same images was not written down")
    return tuple(found)


def learned_from_different_data(models: Mapping[str, VersionEvidence]) -> bool:
    """Whether the data that models were made of, test included, differ in images or labels."""
    return len({one.fingerprint for one in models.values()}) > 1


def _measured(metadata: Mapping[str, Any], part: str) -> Measured:
    scores = metadata.get(part)
    score = scores.get(str(metadata.get("objective"))) if isinstance(scores, Mapping) else None
    if not isinstance(score, Mapping):
        return Measured()
    numbers = [score.get(name) for name in ("value", "low", "high")]
    return Measured(*(float(n) if isinstance(n, int | float) else None for n in numbers))
