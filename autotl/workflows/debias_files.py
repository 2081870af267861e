"""The fits of methods against bias that a run keeps, so that a call that was interrupted is carried on."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autotl.interfaces import DebiasMethod
from autotl.plugins import Plugins
from autotl.predictions import Predictions
from autotl.runs.debias import fits_folder
from autotl.runs.run import Run
from autotl.runtime.atomic_files import write_atomically
from autotl.trial import TrialRecord
from autotl.workflows.debias_groups import Grouping


@dataclass(frozen=True, eq=False)
class SavedFit:
    """One fit of a method. seconds: of wall-clock time; tested: what it predicts of the test split."""

    seed: int
    seconds: float
    tested: Predictions


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
            seconds = float(json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["seconds"])
            return SavedFit(self._first_seed + number, seconds, Predictions.load(file))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, method: DebiasMethod, number: int, tested: Predictions, seconds: float) -> None:
        """Keep a fit; its predictions come last, and make it whole."""
        file = self._file(method, number)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file.with_suffix(".json"), json.dumps({"seconds": round(seconds, 3)}).encode())
        tested.save(file)

    def of(self, method: DebiasMethod, n_seeds: int) -> MethodFits | None:
        """The fits with the first seeds; None if one of them is missing."""
        fits = tuple(fit for number in range(n_seeds) if (fit := self.read(method, number)) is not None)
        return MethodFits(method.name, method.source, fits) if fits and len(fits) == n_seeds else None

    def all_of(self, method: DebiasMethod) -> MethodFits | None:
        """As many fits as there are, from the first seed on."""
        n = 0
        while self.read(method, n) is not None:
            n += 1
        return self.of(method, n)

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
