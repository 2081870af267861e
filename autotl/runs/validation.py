"""The images drawn for labelling, with their probabilities, and the codings: people's answers, never overwritten.

The folder of a validation has two files: sample.json with the draws, and codings.csv with one row per answer. For a
run's own images it is RUN/validation; other images, such as those for estimating class shares, have their own folder.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autotl.data.coding_sheet import name_problem
from autotl.errors import DatasetError, RunError
from autotl.runtime.atomic_files import write_atomically

FOLDER, SAMPLE_FILE, CODINGS_FILE, LOCK_FILE = "validation", "sample.json", "codings.csv", ".lock"
COLUMNS = ("item", "coder", "label", "moment", "probability")
_FORMAT = 1
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Draw:
    """One draw of items that people are to label.

    number: from 1. items: paths, in random order. strata: name of each item's stratum. probabilities: each item's
    probability of being drawn here, in (0, 1], given that it had not been drawn before. design: the sampling design,
    such as "random" or "score". seed: of the random generator. sizes, taken: by stratum, the number of items available
    and the number drawn. population: what was drawn from, in words. moment: time, in seconds since the epoch.
    """

    number: int
    items: tuple[str, ...]
    strata: tuple[str, ...]
    probabilities: tuple[float, ...]
    design: str
    seed: int
    sizes: Mapping[str, int]
    taken: Mapping[str, int]
    population: str = ""
    moment: float = 0.0

    @property
    def n_population(self) -> int:
        """Number of items that could be drawn."""
        return sum(self.sizes.values())

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "number": self.number, "design": self.design, "seed": self.seed, "moment": self.moment,
            "population": self.population, "sizes": dict(self.sizes), "taken": dict(self.taken),
            "items": list(self.items), "strata": list(self.strata), "probabilities": list(self.probabilities),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Draw:
        """Read what `to_json` returned; KeyError, TypeError, ValueError or AttributeError for anything else."""
        draw = cls(
            number=int(document["number"]), items=tuple(map(str, document["items"])),
            strata=tuple(map(str, document["strata"])), probabilities=tuple(map(float, document["probabilities"])),
            design=str(document["design"]), seed=int(document["seed"]),
            sizes={str(name): int(n) for name, n in document["sizes"].items()},
            taken={str(name): int(n) for name, n in document["taken"].items()},
            population=str(document["population"]), moment=float(document["moment"]),
        )  # fmt: skip
        if not len(draw.items) == len(draw.strata) == len(draw.probabilities):
            raise ValueError(f"draw {draw.number} has {len(draw.items)} items, but not as many strata or probabilities")
        if not all(0 < p <= 1 for p in draw.probabilities):
            raise ValueError(f"draw {draw.number} has a probability outside (0, 1]")
        return draw


@dataclass(frozen=True)
class DrawnSample:
    """All draws so far, first to last; no item is drawn twice.

    inclusion: by path, the probability that an item is in the sample after all draws. It covers all items that could
    have been drawn, including those that were not, because a further draw needs it.
    """

    draws: tuple[Draw, ...] = ()
    inclusion: Mapping[str, float] = field(default_factory=dict)

    @property
    def items(self) -> tuple[str, ...]:
        """Paths of the drawn items, in the order drawn."""
        return tuple(item for draw in self.draws for item in draw.items)

    @property
    def probabilities(self) -> dict[str, float]:
        """Inclusion probability of each drawn item, by path; sampling weights are its inverse."""
        return {item: self.inclusion[item] for item in self.items}

    @property
    def strata(self) -> dict[str, str]:
        """Stratum of each drawn item in its draw, by path."""
        return {item: name for draw in self.draws for item, name in zip(draw.items, draw.strata, strict=True)}


@dataclass(frozen=True)
class HumanLabel:
    """One person's label for one item, at one moment.

    item: path, as the dataset lists it. label: a class; empty if the person withdrew the answer. moment: seconds
    since the epoch. probability: the item's inclusion probability when it was coded; None if it was not drawn.
    """

    item: str
    coder: str
    label: str
    moment: float
    probability: float | None = None


def validation_folder(run: Path) -> Path:
    """The folder in which a run stores people's labels for its own images."""
    return run / FOLDER


def read_sample(folder: Path) -> DrawnSample:
    """The draws in the folder of a validation, none if there is no file; RunError if it is damaged."""
    path = folder / SAMPLE_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise ValueError(f"its format is {document['format']!r}; this version reads {_FORMAT}")
        inclusion = {str(item): float(p) for item, p in document["inclusion"].items()}
        sample = DrawnSample(tuple(map(Draw.from_json, document["draws"])), inclusion)
        if lacking := set(sample.items) - set(inclusion):
            raise ValueError(f"{min(lacking)!r} was drawn but has no inclusion probability")
    except FileNotFoundError:
        return DrawnSample()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(
            f"the sample in {path} cannot be read: {type(error).__name__}: {error}. Restore the file from a "
            "copy; without it the inclusion probabilities are unknown, and the codings cannot be weighted."
        ) from error
    return sample


def is_sample_missing(folder: Path) -> bool:
    """Whether there are answers about drawn items, but the file with the draws is missing."""
    return not (folder / SAMPLE_FILE).exists() and any(one.probability is not None for one in read_codings(folder))


def require_sample(folder: Path) -> None:
    """RunError if the coded sample is missing: new draws and codings would get wrong weights."""
    if is_sample_missing(folder):
        raise RunError(
            f"{folder / SAMPLE_FILE} is missing: {CODINGS_FILE} in the same folder has answers about drawn images, "
            "but without the sample their inclusion probabilities are unknown. Put back sample.json from a copy of the "
            "folder."
        )


def write_sample(folder: Path, sample: DrawnSample) -> None:
    """Write the draws. Call this while `locked`, with the draws read under the lock and the new one at the end."""
    document = {
        "format": _FORMAT,
        "draws": [draw.to_json() for draw in sample.draws],
        "inclusion": dict(sample.inclusion),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / SAMPLE_FILE, json.dumps(document, allow_nan=False).encode())


def read_codings(folder: Path) -> tuple[HumanLabel, ...]:
    """Every answer ever given, in order; none if there is no file. RunError names an invalid line."""
    path = folder / CODINGS_FILE
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[HumanLabel] = []
    try:
        header = next(rows, [])
        if tuple(header) != COLUMNS:
            raise ValueError(f"the columns are {','.join(header)[:80]!r}; expected {','.join(COLUMNS)!r}")
        found.extend(_human_label(row) for row in rows)
    except (ValueError, csv.Error) as error:
        raise RunError(
            f"{path}, line {rows.line_num}: {error}. Put back a copy of the file, or correct this line by hand; AutoTL "
            "only appends lines to it."
        ) from error
    return tuple(found)


def _human_label(row: Sequence[str]) -> HumanLabel:
    if len(row) != len(COLUMNS):
        raise ValueError(f"it has {len(row)} cells; expected {len(COLUMNS)}")
    item, coder, label, moment, probability = row
    if not item or not coder:
        raise ValueError(f"the {'coder' if item else 'item'} is empty")
    if problem := name_problem(coder):
        raise ValueError(problem)
    try:
        seconds = datetime.fromisoformat(moment).timestamp()
    except ValueError:
        raise ValueError(f"the moment is {moment!r}; expected a date and time such as 2026-11-29T17:45:00Z") from None
    try:
        p = float(probability) if probability else None
    except ValueError:
        p = -1.0
    if p is not None and not 0 < p <= 1:
        raise ValueError(f"the probability is {probability!r}; expected a number above 0 and at most 1, or nothing")
    return HumanLabel(item, coder, label, seconds, p)


def append_codings(folder: Path, new: Iterable[HumanLabel]) -> None:
    """Append answers, all or none; RunError if the file is damaged or locked for too long."""
    new = tuple(new)
    if not new:
        return
    with locked(folder):
        read_codings(folder)
        path = folder / CODINGS_FILE
        before = path.read_bytes() if path.exists() else _csv_lines([COLUMNS])
        if not before.endswith(b"\n"):
            before += b"\n"
        write_atomically(path, before + _csv_lines(map(_cells, new)))


def keep_answers(folder: Path, answers: Iterable[tuple[str, str, str]]) -> int:
    """Save people's answers; returns how many are new, since an answer already in force is not saved again.

    answers: triples of item, coder and label; an empty label withdraws the coder's answer.
    Raises DatasetError if a coder's name has control characters, and RunError if the sample is missing.
    """
    answers = tuple(answers)
    if problem := next(filter(None, (name_problem(coder) for _, coder, _ in answers)), ""):
        raise DatasetError(f"{problem}.")
    require_sample(folder)
    known = {key: one.label for key, one in in_force(read_codings(folder)).items()}
    inclusion, now = read_sample(folder).probabilities, time.time()
    new = [
        HumanLabel(item, coder, label, now, inclusion.get(item))
        for item, coder, label in answers
        if known.get((item, coder), "") != label
    ]
    append_codings(folder, new)
    return len(new)


def _cells(one: HumanLabel) -> tuple[str, ...]:
    moment = datetime.fromtimestamp(one.moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return one.item, one.coder, one.label, moment, "" if one.probability is None else repr(float(one.probability))


def _csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def in_force(codings: Iterable[HumanLabel]) -> dict[tuple[str, str], HumanLabel]:
    """The last answer by item and coder, without withdrawn answers."""
    last = {(one.item, one.coder): one for one in codings}
    return {key: one for key, one in last.items() if one.label}


def spelled(codings: Iterable[HumanLabel], coder: str) -> str:
    """A coder's name as first spelled, so that "ann" and "Ann" are one person; whitespace is normalised."""
    coder = " ".join(coder.split())
    return next((one.coder for one in codings if one.coder.casefold() == coder.casefold()), coder)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a validation against changes by other processes; RunError if another one holds the lock for a minute."""
    import filelock

    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / LOCK_FILE, timeout=_PATIENCE_SECONDS)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise RunError(f"another process has been changing {folder} for a minute. Try again in a moment.") from None
    try:
        yield
    finally:
        lock.release()
