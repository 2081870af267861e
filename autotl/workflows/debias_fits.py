"""Fits methods against bias on a finished run; importing it loads Keras."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from autotl.data.modalities import kinds_read, modality_named
from autotl.deploy.last_layer import last_layer
from autotl.errors import AutoTLError, ConfigError, PluginError, in_one_line
from autotl.interfaces import DebiasMethod, Predict
from autotl.plugins import Plugins
from autotl.predictions import Predictions
from autotl.runs.debias import FOLDER
from autotl.runs.events import Message, Progress
from autotl.runs.run import Run
from autotl.search.context import open_context
from autotl.settings import Settings
from autotl.trial import FINE_TUNE, TrialRecord
from autotl.workflows.conclusion import write_champion
from autotl.workflows.debias_files import KeptFits
from autotl.workflows.debias_groups import Grouping
from autotl.workflows.debias_network import ChampionNetwork, small_images
from autotl.workflows.debias_task import TaskMaker

STAGE, READING = "debias", "read for the last layer"
_CARD = """# {name}: a model of {run} against bias{by}

The last layer of the champion (trial {trial}) was fitted again by the method {name} ({source}), with the first of its
seeds. How it compares with the champion on the test split is in the run's report. Its probabilities are not calibrated.
"""


class Fits:
    """Fits methods on one run, and keeps what they predict.

    n_fits: how many are to be made, for the progress; seconds: time limit of each.
    """

    def __init__(
        self, run: Run, trial: TrialRecord, grouping: Grouping, kept: KeptFits, *, plugins: Plugins, settings: Settings,
        n_fits: int, seconds: float,
    ) -> None:  # fmt: skip
        self._run, self._kept, self._seconds, self._grouping = run, kept, seconds, grouping
        self._work = run.folder / FOLDER / "work"
        self._work.mkdir(parents=True, exist_ok=True)
        self._n_fits, self._n_done, self._began = n_fits, 0, time.monotonic()
        context = open_context(_unlogged(run), plugins, settings=settings, seconds_left=lambda: math.inf)
        has_pixels = any(modality_named(kind).has_pixels for kind in kinds_read(run.dataset.modality))
        tuned = trial.strategy == FINE_TUNE
        self._maker = TaskMaker(
            context, last_layer(context, trial, cache=run.folder / FOLDER, progress=self._read), grouping,
            images=small_images(context, self._work) if has_pixels else None,
            network=ChampionNetwork(context, trial, self._work) if tuned else None,
        )  # fmt: skip

    def close(self) -> None:
        """Remove the images that were kept meanwhile, and end the processes of heads."""
        self._maker.context.processes.close()
        shutil.rmtree(self._work, ignore_errors=True)

    def fit(self, method: DebiasMethod, n_seeds: int) -> str:
        """Fit a method with each seed for which there is no fit yet; returns why it failed, empty if it did not."""
        for number in range(n_seeds):
            self._tell(0)
            if self._kept.read(method, number) is None:
                began = time.monotonic()
                try:
                    found = self._tested(method, self._predict(method, number))
                except AutoTLError as error:
                    return f"seed {number + 1}: {in_one_line(error)}"
                except Exception as error:
                    return f"seed {number + 1}: {type(error).__name__}: {in_one_line(error)}"
                self._kept.write(method, number, found, time.monotonic() - began)
            self._n_done += 1
        return ""

    def export(self, method: DebiasMethod, out: Path) -> None:
        """Write the model of the first seed as a deployable. Raises ConfigError where it is not a last layer."""
        predict = self._predict(method, 0)
        if not hasattr(predict, "to_onnx"):
            raise ConfigError(
                f"the method {method.name!r} gives no last layer that could be exported; --out is for methods that fit "
                "the last layer again, such as dfr"
            )
        context, layer = self._maker.context, self._maker.layer
        every = np.zeros((len(context.labels), context.n_classes))
        every[context.reader.used] = predict(context.reader.used)
        champion = layer.champion(context, predict.to_onnx(), every)
        by = f", by {self._grouping.by}" if self._grouping.by else ""
        card = _CARD.format(
            name=method.name, run=self._run.name, by=by, trial=layer.trial.number, source=method.source
        )  # fmt: skip
        facts = {"objective": self._run.config.objective, "debias": {"method": method.name, "by": self._grouping.by}}
        write_champion(self._run, champion, out, facts=facts, card=card)

    def _predict(self, method: DebiasMethod, number: int) -> Predict:
        end = time.monotonic() + self._seconds
        task = self._maker.task(number, seconds_left=lambda: end - time.monotonic(), progress=self._progress)
        return method.fit(task)

    def _tested(self, method: DebiasMethod, predict: Predict) -> Predictions:
        items = self._run.split.test
        found = np.asarray(predict(items), dtype=np.float64)
        try:
            return Predictions(items, self._maker.context.labels[items], found)
        except ValueError as error:
            raise PluginError(f"the method {method.name!r} returned no probabilities: {error}") from error

    def _read(self, done: int, total: int) -> None:
        self._emit(Progress(READING, done, total))

    def _progress(self, _stage: str, done: int, total: int) -> None:
        self._tell(done / max(1, total))

    def _tell(self, share: float) -> None:
        """Report how many fits are done, and when all will be. share: of the one that is being made."""
        done = self._n_done + share
        spent = time.monotonic() - self._began
        eta = round(spent / done * (self._n_fits - done), 1) if done else None
        self._emit(Progress(STAGE, self._n_done, self._n_fits, eta_seconds=eta))

    def _emit(self, event: Progress | Message) -> None:
        for listener in self._run.listeners:
            listener(event)


def _unlogged(run: Run) -> Run:
    """The run without its log: the events of a finished search stay as they are. Its listeners are told."""
    quiet = replace(run)
    vars(quiet)["log"] = lambda _event: None  # in place of the cached property
    return quiet


def fit_missing(fits: Fits, methods: Sequence[DebiasMethod], n_seeds: int) -> dict[str, str]:
    """Fit each method; returns why some failed, by name."""
    found = {method.name: fits.fit(method, n_seeds) for method in methods}
    return {name: why for name, why in found.items() if why}
