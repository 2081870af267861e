"""The fits of methods against bias that a run keeps, so that a call that was interrupted is carried on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import filelock

from autotl.errors import RunError
from autotl.interfaces import DebiasMethod
from autotl.plugins import Plugins
from autotl.predictions import Predictions
from autotl.runs.debias import FOLDER, fits_folder
from autotl.runs.run import Run
from autotl.runtime.atomic_files import write_atomically
from autotl.trial import TrialRecord
from autotl.workflows.debias_groups import Grouping

_LOCK = ".lock"


@dataclass(frozen=True, eq=False)
class SavedFit:
    """One fit of a method.

    seconds: of wall-clock time; limit: its time limit in seconds; tested: what it predicts of the test split.
    """

    seed: int
    seconds: float
    limit: float
    tested: Predictions

    @property
    def is_cut(self) -> bool:
        """Whether its time limit ended it."""
        return self.seconds >= self.limit


@dataclass(frozen=True, eq=False)
class MethodFits:
    """All fits of a method, one for each seed."""

    name: str
    source: str
    fits: tuple[SavedFit, ...]


class KeptFits:
    """The fits in a run folder; those of another version of a method, other subgroups or other items do not count."""

    def __init__(self, run: Run, grouping: Grouping, trial: TrialRecord, plugins: Plugins) -> None:
        self._folder, self._plugins, self._first_seed = fits_folder(run.folder, grouping.by), plugins, run.config.seed
        facts = hashlib.sha256(f"{trial.number} {run.fingerprint} {run.config.seed}".encode())
        facts.update(grouping.value.tobytes())
        facts.update(run.split.fold.tobytes())
        self._facts = facts.hexdigest()

    def read(self, method: DebiasMethod, number: int) -> SavedFit | None:
        """The fit with the seed at a place from 0; None if there is none."""
        file = self._file(method, number)
        try:
            facts = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
            seconds, limit = float(facts["seconds"]), float(facts["limit"])
            return SavedFit(self._first_seed + number, seconds, limit, Predictions.load(file))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, method: DebiasMethod, number: int, tested: Predictions, *, seconds: float, limit: float) -> None:
        """Keep a fit; its predictions come last, and make it whole."""
        file = self._file(method, number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)  # of a shorter time limit
        facts = {"seconds": round(seconds, 3), "limit": limit}
        write_atomically(file.with_suffix(".json"), json.dumps(facts).encode())
        tested.save(file)

    def missing(
        self, methods: Sequence[DebiasMethod], n_seeds: int, *, limit: float
    ) -> dict[DebiasMethod, list[int]]:  # fmt: skip
        """The places of the first seeds that have no fit, or one that a shorter time limit ended."""
        found = {}
        for method in methods:
            fits = [self.read(method, number) for number in range(n_seeds)]
            places = [number for number, fit in enumerate(fits) if fit is None or (fit.is_cut and fit.limit < limit)]
            if places:
                found[method] = places
        return found

    def of(self, method: DebiasMethod) -> MethodFits | None:
        """As many fits as there are, from the first seed on; None if there is none."""
        fits: list[SavedFit] = []
        while (fit := self.read(method, len(fits))) is not None:
            fits.append(fit)
        return MethodFits(method.name, method.source, tuple(fits)) if fits else None

    def _file(self, method: DebiasMethod, number: int) -> Path:
        return self._folder / f"{method.name}-{self._key(method)}" / f"seed-{number + 1}.npz"

    def _key(self, method: DebiasMethod) -> str:
        """What a fit depends on: the plugin, its file too, for an author changes it without another version."""
        owner = self._plugins.owner(DebiasMethod, method.name)
        key = hashlib.sha256(f"{owner.name} {owner.version} {self._facts}".encode())
        for file in owner.files:
            with suppress(OSError):
                key.update(Path(file).read_bytes())
        return key.hexdigest()[:12]


@contextmanager
def claimed(run: Path) -> Iterator[Path]:
    """A folder for images and activations, which is removed in the end; RunError if another process works there."""
    folder = run / FOLDER
    folder.mkdir(exist_ok=True)
    work = folder / "work"
    try:
        with filelock.FileLock(folder / _LOCK, timeout=0):
            shutil.rmtree(work, ignore_errors=True)  # what a killed process left
            work.mkdir()
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except filelock.Timeout:
        raise RunError(
            f"another process is trying methods against bias on {run}. Wait until it has finished, or stop it."
        ) from None
