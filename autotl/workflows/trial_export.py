"""Exporting a completed trial that is not the champion."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from autotl.deploy.export import export, require_new
from autotl.errors import ConfigError, ExportError
from autotl.interfaces import Exporter
from autotl.plugins import Plugins
from autotl.runs.run import Run, open_run, require_images
from autotl.runtime import keras_backend
from autotl.runtime.wording import listed
from autotl.search.optuna_study import read_records
from autotl.search.trial_files import GRAPH_FILE, trial_file
from autotl.settings import Settings
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, TrialRecord
from autotl.workflows.networks import require_unchanged

_CARD = """# Trial {number} of {run}

This model was chosen by hand from the leaderboard. It was not scored on the test split. In the search its
{objective} was {value:.3f} ({low:.3f} to {high:.3f}), which flatters it where it was chosen for this score.
"""


def export_trial(
    folder: Path, number: int, out: Path, format_name: str, *, plugins: Plugins, settings: Settings
) -> Path:  # fmt: skip
    """Fit a completed trial of a run again and write it into the new or empty folder `out`; returns the main file.

    The run and its champion stay as they are. Raises ConfigError if the run has no such completed trial, ExportError
    where it cannot be written so.
    """
    plugins.pick(Exporter, format_name)
    require_new(out)
    run = open_run(folder)
    trial = _completed(run, number)
    result = run.result()
    if result and result.champion.trial == number:
        return export(run.folder, out, format_name, plugins)
    require_images(run)
    require_unchanged(run.state().get("opened", {}), run.config, plugins, settings)
    keras_backend.prepare()
    keras_backend.load()
    # These load Keras, for which a call that is refused should not wait.
    from autotl.deploy.champion import fit_champion
    from autotl.deploy.maps import with_map
    from autotl.search.context import open_context
    from autotl.workflows.conclusion import write_champion

    context = open_context(run, plugins, settings=settings, seconds_left=lambda: math.inf)
    champion = fit_champion(context, trial)
    if context.target.is_classes:
        champion = with_map(run, champion)
    score = trial.score
    card = _CARD.format(
        number=number, run=run.name, objective=run.config.objective, value=score.value, low=score.low, high=score.high
    )
    # Exporters are given a run: this one, with another champion.
    with tempfile.TemporaryDirectory(prefix="autotl-export-") as name:
        shadow = Path(name)
        for entry in run.folder.iterdir():
            if entry != run.champion:
                (shadow / entry.name).symlink_to(entry)
        write_champion(run, champion, shadow / "champion", facts={"objective": run.config.objective}, card=card)
        return export(shadow, out, format_name, plugins)


def _completed(run: Run, number: int) -> TrialRecord:
    trials = {trial.number: trial for trial in read_records(run)}
    trial = trials.get(number)
    completed = [
        n for n, one in trials.items() if one.state == "complete" and one.strategy in (PROBE, FINE_TUNE, ENSEMBLE)
    ]
    if trial is None or number not in completed:
        state = "has no model" if trial and trial.state == "complete" else trial.state if trial else "does not exist"
        raise ConfigError(f"trial {number} of {run.folder} {state}; the completed trials are {listed(completed)}")
    if trial.strategy == FINE_TUNE and not trial_file(run, number, GRAPH_FILE).exists():
        raise ExportError(f"the network of trial {number} was not kept in {run.folder}, so it cannot be exported")
    return trial
