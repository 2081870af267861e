"""A line of CSV for each trial as it ends, in the run folder."""

import csv

import autotl


@autotl.hookimpl
def on_trial_end(run, trial):
    with (run.folder / "trial-log.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow((trial.number, trial.state, trial.head, trial.score.value, trial.seconds))
