"""Before the search: leave out images that the budget cannot read, and save a first model early."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from autotl.errors import ExportError
from autotl.runs.events import FirstModelSaved, Message
from autotl.runtime.clock import Clock, steady_time
from autotl.search.context import SearchContext
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.limits import READING_SHARE
from autotl.search.outcome import completed
from autotl.search.probe_trials import probe
from autotl.search.screening import sample_items, sample_split
from autotl.search.trial_files import CALIBRATION_FILE
from autotl.trial import TrialRecord, describe
from autotl.workflows.conclusion import save_early

_NUMBER = -1
"""Of the trial on a sample, which is not in the study."""
FIRST_MODEL_SHARE = 0.15
"""Where reading all images takes longer than this share of the budget, a model of a sample is saved before."""


def make_first_model(context: SearchContext, clock: Clock, seconds_left: Callable[[], float]) -> SearchContext:
    """Read a sample, by which the speed is known; save a model of it where reading the rest takes long.

    Returns the context, or one on fewer of the run's items where the budget does not allow reading them all.
    """
    run, default = context.run, context.space.default()
    if clock.budget_seconds is None or "first_model" in run.state():
        return context
    whole, items = context, sample_items(context)
    context.reader.features(default.backbone, default.reading.size, items)
    needed = context.costs.reading_seconds(*default.reading.place)
    allowed = max(0.0, READING_SHARE * seconds_left())
    if needed > allowed and "subsampled_to" not in run.state():
        n_used, n_missing = len(context.reader.used), context.reader.n_missing(*default.reading.place)
        # What has been read costs nothing more.
        n_items = max(len(items), n_used - n_missing + math.floor(n_missing * allowed / needed))
        fewer = context.on(run.subsampled(n_items))
        n_kept = len(fewer.reader.used)  # a few more, where a few of each class make more: it may be all of them
        if n_kept < n_used:
            context = fewer
            run.update(subsampled_to=n_items, n_unused=n_used - n_kept)
            minutes = math.ceil(clock.budget_seconds * needed / max(allowed, 1) / 60)
            text = f"the budget allows reading about {n_items} of {n_used} images: the search uses {n_kept}"
            text += ", since each class needs its few" if n_kept > n_items else " of them"
            run.emit(Message(f"{text}; a budget of {minutes}m would be enough for all"))
        else:
            text = f"reading all {n_used} images, of which each class needs its few, will take about {needed:.0f} s"
            run.emit(Message(f"{text}, more than the budget has room for"))
        needed *= n_kept / n_used
    if clock.spent() + needed > FIRST_MODEL_SHARE * clock.budget_seconds:
        # Of the sample that was read, though the subsampled run may hold other items.
        _save_sample_model(whole, items)
    return context


def save_first_model(context: SearchContext, default: TrialRecord) -> float:
    """Export the untuned default, unless that was done before; returns the seconds that writing it took, else 0.

    What it takes tells what the conclusion will take.
    """
    run, seconds = context.run, 0.0
    try:
        if run.state().get("first_model") != "default":
            seconds = save_early(context, default)
            run.update(first_model="default")
            run.emit(FirstModelSaved(f"a first model is saved in {run.champion}"))
    except ExportError as error:
        run.emit(Message(f"could not save a first model: exporting the untuned default failed: {error}"))
    return seconds


def _save_sample_model(context: SearchContext, items: np.ndarray) -> None:
    """Fit the untuned default on the sample alone and export it."""
    run = context.run
    own = run.trial_folder(_NUMBER)
    small = context.on(replace(run, split=sample_split(run.split, items)))
    try:
        begun = describe(small.space.default(), _NUMBER, started=steady_time())
        outcome = probe(small, small.space.default(), fixed_hyperparameters({}))
        trial = completed(begun, outcome, small.objective.score(outcome.predictions), {})
        if outcome.calibration:
            own.mkdir(parents=True, exist_ok=True)
            outcome.calibration.save(own / CALIBRATION_FILE)
        save_early(small, trial)
    except (ExportError, ValueError) as error:  # too few images of a class, say; the default comes soon
        run.emit(Message(f"could not save a model of a sample: {error}"))
        return
    finally:
        shutil.rmtree(own, ignore_errors=True)
    run.update(first_model="sample")
    text = f"a first model, of {len(items)} images, is saved in {run.champion}"
    run.emit(FirstModelSaved(text, len(items)))
