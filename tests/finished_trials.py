"""Trials that were run outside a search."""

from __future__ import annotations

from autotl.search.context import SearchContext
from autotl.search.fine_tune_trials import fine_tune
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.outcome import completed
from autotl.search.probe_trials import probe
from autotl.search.trial_files import CALIBRATION_FILE, save_predictions
from autotl.trial import Candidate, TrialRecord, describe


def run_candidate(context: SearchContext, candidate: Candidate, number: int) -> TrialRecord:
    """Run a candidate with the default parameters, leave its files in the run folder, and return its record."""
    folder = context.run.trial_folder(number)
    if candidate.training:
        outcome = fine_tune(context, candidate, fixed_hyperparameters({}), folder)
    else:
        outcome = probe(context, candidate, fixed_hyperparameters({}))
    save_predictions(context.run, number, outcome.predictions)
    if outcome.calibration:
        outcome.calibration.save(folder / CALIBRATION_FILE)
    begun = describe(candidate, number, started=0.0)
    return completed(begun, outcome, context.objective.score(outcome.predictions), {})
