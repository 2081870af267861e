"""What became of the methods against bias in a run, as RUN/debias/NAME.json holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from autotl.errors import RunError
from autotl.runs.run import read_state
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.user_paths import short_name
from autotl.scores import ScoreInterval

FOLDER, CLASSES = "debias", "@classes"
"""Of a run; and the name of the file without an attribute, which no attribute's name is written as."""
READING, FITTING = "read for the last layer", "debias"
"""The stages of its progress."""
Verdict: TypeAlias = Literal["better", "no worse", "worse", "undecided"]
BETTER: Verdict = "better"
NO_WORSE: Verdict = "no worse"
WORSE: Verdict = "worse"
UNDECIDED: Verdict = "undecided"


@dataclass(frozen=True)
class GroupCounts:
    """A subgroup and how many of its items each part of the split has. judged: whether it has a rate of its own."""

    name: str
    train: int
    validation: int
    test: int
    judged: bool

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return dict(vars(self))


@dataclass(frozen=True)
class SeedOutcome:
    """One fit of a method. values: by measure; differences: to the champion, by measure, over the test items alone."""

    seed: int
    seconds: float
    values: Mapping[str, float]
    differences: Mapping[str, ScoreInterval]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "seed": self.seed, "seconds": self.seconds, "values": _plain(self.values),
            "differences": _intervals(self.differences),
        }  # fmt: skip


@dataclass(frozen=True)
class MethodOutcome:
    """A method against the untouched champion.

    seeds: its fits. values: means over the seeds, by measure; differences: over items and seeds, by measure. groups:
    the difference in recall by subgroup; these hold for all subgroups at once. seconds: of a fit, the mean.
    """

    name: str
    source: str
    seeds: tuple[SeedOutcome, ...]
    values: Mapping[str, float]
    differences: Mapping[str, ScoreInterval]
    groups: Mapping[str, ScoreInterval]
    seconds: float
    verdict: Verdict
    sentence: str

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "name": self.name, "verdict": self.verdict, "sentence": self.sentence, "source": self.source,
            "seconds": self.seconds, "values": _plain(self.values), "differences": _intervals(self.differences),
            "groups": _intervals(self.groups), "seeds": [seed.to_json() for seed in self.seeds],
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> MethodOutcome:
        """Read what `to_json` returned."""
        seeds = tuple(
            SeedOutcome(int(one["seed"]), float(one["seconds"]), _numbers(one["values"]), _read(one["differences"]))
            for one in document["seeds"]
        )
        return cls(
            str(document["name"]), str(document["source"]), seeds, _numbers(document["values"]),
            _read(document["differences"]), _read(document["groups"]), float(document["seconds"]),
            document["verdict"], str(document["sentence"]),
        )  # fmt: skip


@dataclass(frozen=True)
class DebiasOutcome:
    """The methods that were tried on a run for one attribute.

    by: the attribute, None where the subgroups are the classes. champion: its measures, and champion_groups its recall
    by subgroup. level: of the intervals of each method, so that those of all of them hold at once with 95 %. left_out:
    why a method was not tried; failed: why fits of it are missing. sentences: the findings, the most important first.
    trial: the number of the champion.
    """

    run: str
    by: str | None
    groups: tuple[GroupCounts, ...]
    n_tested: int
    champion: Mapping[str, ScoreInterval]
    champion_groups: Mapping[str, ScoreInterval]
    methods: tuple[MethodOutcome, ...]
    level: float
    left_out: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    trial: int | None = None

    def to_json(self) -> dict[str, object]:
        """What `autotl debias --json` prints."""
        return {
            "run": self.run, "by": self.by, "trial": self.trial, "groups": [group.to_json() for group in self.groups],
            "n_tested": self.n_tested, "champion": _intervals(self.champion),
            "champion_groups": _intervals(self.champion_groups), "level": self.level,
            "methods": [method.to_json() for method in self.methods], "left_out": dict(self.left_out),
            "failed": dict(self.failed), "sentences": list(self.sentences), "notes": list(self.notes),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> DebiasOutcome:
        """Read what `to_json` returned."""
        return cls(
            run=str(document["run"]), by=document["by"],
            groups=tuple(GroupCounts(**group) for group in document["groups"]), n_tested=int(document["n_tested"]),
            champion=_read(document["champion"]), champion_groups=_read(document["champion_groups"]),
            methods=tuple(map(MethodOutcome.from_json, document["methods"])), level=float(document["level"]),
            left_out=dict(document["left_out"]), failed=dict(document["failed"]),
            sentences=tuple(map(str, document["sentences"])), notes=tuple(map(str, document["notes"])),
            trial=document["trial"],
        )  # fmt: skip


def outcome_file(run: Path, by: str | None) -> Path:
    """The file of an attribute's outcome."""
    name = CLASSES if by is None else short_name(quote(by, safe=" "))
    return run / FOLDER / f"{name}.json"


def fits_folder(run: Path, by: str | None) -> Path:
    """Where the fits of the methods keep what they predict."""
    file = outcome_file(run, by)
    return file.with_name(f"{file.name.removesuffix('.json')}-fits")


def write_outcome(run: Path, outcome: DebiasOutcome) -> None:
    """Write the file of an attribute's outcome, in place of an earlier one."""
    text = json.dumps(outcome.to_json(), indent=2, allow_nan=False)
    file = outcome_file(run, outcome.by)
    file.parent.mkdir(exist_ok=True)
    write_atomically(file, text.encode())


def read_outcomes(run: Path, *, champion: int | None = None) -> tuple[DebiasOutcome, ...]:
    """The outcomes of all attributes that were tried, by name, without damaged ones and those of another champion.

    champion: the number of its trial; that of run.json by default.
    """
    champion = _champion(run) if champion is None else champion
    found = []
    for file in sorted((run / FOLDER).glob("*.json")):
        try:
            found.append(DebiasOutcome.from_json(json.loads(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return tuple(one for one in found if champion is None or one.trial in (None, champion))


def _champion(run: Path) -> int | None:
    """The number of the champion's trial; None if run.json does not tell."""
    try:
        return int(read_state(run)["result"]["champion"]["trial"])
    except (RunError, OSError, KeyError, TypeError, ValueError):
        return None


def _intervals(scores: Mapping[str, ScoreInterval]) -> dict[str, object]:
    return {name: score.to_json() for name, score in scores.items()}


def _read(document: Mapping[str, Any]) -> dict[str, ScoreInterval]:
    return {str(name): ScoreInterval.from_json(score) for name, score in document.items()}


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if value == value else None for name, value in values.items()}


def _numbers(document: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float("nan") if value is None else float(value) for name, value in document.items()}
