"""Fits methods against bias on a finished run; importing it loads Keras."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from autotl.data.modalities import kinds_read, modality_named
from autotl.deploy.champion import with_temperature
from autotl.deploy.last_layer import last_layer
from autotl.errors import AutoTLError, ConfigError, PluginError, in_one_line
from autotl.interfaces import DebiasMethod, DebiasTask, Predict
from autotl.plugins import Plugins
from autotl.predictions import Predictions
from autotl.runs.debias import FITTING, FOLDER, READING
from autotl.runs.events import Message, Progress
from autotl.runs.run import Run
from autotl.runtime import interruption
from autotl.runtime.durations import duration
from autotl.runtime.wording import counted
from autotl.search.context import open_context
from autotl.settings import Settings
from autotl.training.calibration import apply_temperature, fit_temperature
from autotl.trial import FINE_TUNE, TrialRecord
from autotl.workflows.conclusion import write_champion
from autotl.workflows.debias_files import KeptFits
from autotl.workflows.debias_groups import Grouping
from autotl.workflows.debias_network import ChampionNetwork, small_images
from autotl.workflows.debias_pace import Pace
from autotl.workflows.debias_task import TaskMaker

ENOUGH_ITEMS = 500
"""To calibrate on: one temperature is fitted to them."""
_CARD = """# {name}: a model of {run} against bias{by}

The last layer of the champion (trial {trial}) was fitted again by the method {name} ({source}), with the first of its
seeds. How it compares with the champion on the test split is in the run's report. {calibrated}
"""
_CALIBRATED = """Its probabilities are calibrated by the temperature {temperature:.2f}, on {n} items that other fits of
the method did not learn from. They hold for data in which the subgroups are as frequent as among those."""
_UNCALIBRATED = "Its probabilities are not calibrated: all items were learned from."


class Fits:
    """Fits methods on one run, and keeps what they predict.

    work: a folder for images and activations, which is the caller's to remove. seconds: time limit of each fit.
    """

    def __init__(
        self, run: Run, trial: TrialRecord, grouping: Grouping, kept: KeptFits, work: Path, *, plugins: Plugins,
        settings: Settings, seconds: float,
    ) -> None:  # fmt: skip
        self._run, self._kept, self._seconds, self._grouping = run, kept, seconds, grouping
        self._pace = Pace(())
        context = open_context(_unlogged(run), plugins, settings=settings, seconds_left=lambda: math.inf)
        has_pixels = any(modality_named(kind).has_pixels for kind in kinds_read(run.dataset.modality))
        tuned = trial.strategy == FINE_TUNE
        self._maker = TaskMaker(
            context, last_layer(context, trial, cache=run.folder / FOLDER, progress=self._read), grouping,
            images=small_images(context, work) if has_pixels else None,
            network=ChampionNetwork(context, trial, work) if tuned else None,
        )  # fmt: skip

    def close(self) -> None:
        """End the processes of heads."""
        self._maker.context.processes.close()

    def make(self, missing: Mapping[DebiasMethod, Sequence[int]]) -> dict[str, str]:
        """Make fits; returns why methods failed, by name.

        missing: the places of the seeds of each method. The first seed of every method comes first, so that it is known
        early how long all will take.
        """
        planned = sorted(((number, method) for method in missing for number in missing[method]), key=lambda one: one[0])
        self._pace, failed = Pace(method.name for _, method in planned), {}
        if planned:
            self._emit(Message(
                f"{counted(len(planned), 'fit')} of {counted(len(missing), 'method')} to be made, each in at most "
                f"{duration(self._seconds)}. Each is kept: if this is stopped, the same command carries on"
            ))  # fmt: skip
        for number, method in planned:
            if method.name not in failed and (why := self._fit(method, number)):
                failed[method.name] = f"seed {number + 1}: {why}"
        return failed

    def export(self, method: DebiasMethod, out: Path) -> None:
        """Write the model of the first seed as a deployable. Raises ConfigError where it is not a last layer."""
        n_folds = len(self._maker.spare_folds)
        calibrated = f"; at most {counted(n_folds, 'more fit')} calibrate it" if n_folds else ""
        self._emit(Message(f"the model is fitted once more, to be written{calibrated}"))
        predict = method.fit(self._task(0))
        if not hasattr(predict, "to_onnx"):
            raise ConfigError(
                f"the method {method.name!r} gives no last layer that could be exported; --out is for methods that fit "
                "the last layer again, such as dfr"
            )
        context, layer = self._maker.context, self._maker.layer
        temperature, n = self._temperature(method)
        every = np.zeros((len(context.labels), context.n_classes))
        every[context.reader.used] = apply_temperature(predict(context.reader.used), temperature)
        head = with_temperature(predict.to_onnx(), context.n_classes, temperature)
        champion = layer.champion(context, head, every)
        champion = replace(champion, trial=replace(champion.trial, temperature=temperature))
        by = f", by {self._grouping.by}" if self._grouping.by else ""
        card = _CARD.format(
            name=method.name, run=self._run.name, by=by, trial=layer.trial.number, source=method.source,
            calibrated=_CALIBRATED.format(temperature=temperature, n=n) if n else _UNCALIBRATED,
        )  # fmt: skip
        facts = {"objective": self._run.config.objective, "debias": {"method": method.name, "by": self._grouping.by}}
        write_champion(self._run, champion, out, facts=facts, card=card)

    def _fit(self, method: DebiasMethod, number: int) -> str:
        """Make a fit; returns why it failed, empty if it did not."""
        self._pace.begin(method.name)
        self._tell()
        began = time.monotonic()
        try:
            found = self._tested(method, method.fit(self._task(number)))
        except AutoTLError as error:
            self._pace.fail()
            return in_one_line(error)
        except Exception as error:
            self._pace.fail()
            return f"{type(error).__name__}: {in_one_line(error)}"
        self._kept.write(method, number, found, seconds=time.monotonic() - began, limit=self._seconds)
        self._pace.end()
        self._tell()
        return ""

    def _temperature(self, method: DebiasMethod) -> tuple[float, int]:
        """The temperature by which a method's probabilities are calibrated, and the number of items it is fitted to.

        They are items of one fold after the other, each answered by a fit of its own that has not learned from it; 1
        and 0 where there is no such fold.
        """
        labels, answers = np.zeros(0, dtype=int), []
        for fold in self._maker.spare_folds:
            if len(labels) >= ENOUGH_ITEMS:
                break
            items = self._maker.items_of(fold)
            answers.append(method.fit(self._task(0, without=fold))(items))
            labels = np.append(labels, self._maker.context.labels[items])
        return (fit_temperature(labels, np.concatenate(answers)) if answers else 1.0), len(labels)

    def _task(self, number: int, *, without: int | None = None) -> DebiasTask:
        end = time.monotonic() + self._seconds
        return self._maker.task(
            number, seconds_left=lambda: end - time.monotonic(), progress=self._progress, without=without
        )

    def _tested(self, method: DebiasMethod, predict: Predict) -> Predictions:
        items = self._run.split.test
        found = np.asarray(predict(items), dtype=np.float64)
        try:
            return Predictions(items, self._maker.context.labels[items], found)
        except ValueError as error:
            raise PluginError(f"the method {method.name!r} returned no probabilities: {error}") from error

    def _read(self, done: int, total: int) -> None:
        self._emit(Progress(READING, done, total))

    def _progress(self, stage: str, done: int, total: int) -> None:
        interruption.raise_if_requested()
        left = self._pace.step(done, total)
        if self._pace.eta_seconds() is not None:
            self._tell()
        elif left is not None:
            # The first fit of a method may take minutes, of which nothing else would be told.
            self._emit(Progress(f"{self._pace.current}: {stage}", done, total, eta_seconds=round(left, 1)))

    def _tell(self) -> None:
        """Report how many fits are made, and when all will be."""
        pace = self._pace
        if pace.total:
            self._emit(Progress(FITTING, pace.done, pace.total, eta_seconds=pace.eta_seconds()))

    def _emit(self, event: Progress | Message) -> None:
        for listener in self._run.listeners:
            listener(event)


def _unlogged(run: Run) -> Run:
    """The run without its log: the events of a finished search stay as they are. Its listeners are told."""
    quiet = replace(run)
    vars(quiet)["log"] = lambda _event: None  # in place of the cached property
    return quiet
