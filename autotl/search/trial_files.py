"""The files that a trial leaves in its folder: predictions, calibration, network, graph."""

from __future__ import annotations

from pathlib import Path

from autotl.evidence.leaderboard import Leaderboard
from autotl.predictions import Predictions
from autotl.runs.run import Run
from autotl.runs.run_share import share_of
from autotl.trial import FINE_TUNE

PREDICTIONS_FILE = "predictions.npz"
CALIBRATION_FILE = "calibration.npy"
"""Where the head gives margins."""
NETWORK_FILE, GRAPH_FILE = "network.keras", "network.onnx"
"""The network of a fine-tune trial."""
FIRST_CYCLE_FILE = "first_cycle.npz"
"""What the network of a fine-tune trial predicted for the first fold after its first cycle of epochs."""
REPLAY_FILE = "replay.npz"
"""What the network of a fine-tune trial predicts for the replay items, in full precision."""


KEPT_NETWORKS = 8
"""Networks that are kept of all fine-tune trials, the best: each takes tens of megabytes, and a search makes hundreds.
"""


def load_predictions(run: Run, number: int) -> Predictions:
    """The predictions of a completed trial."""
    return Predictions.load(trial_file(run, number, PREDICTIONS_FILE))


def trial_file(run: Run, number: int, name: str) -> Path:
    """Where a file of a completed trial is, if it has one; brought from where the run is shared if it is not here."""
    path = run.trial_folder(number) / name
    share = share_of(run)
    if share and not path.exists():
        share.bring(run, number, name)
    return path


def send_trial_files(run: Run, number: int) -> None:
    """Put the files of a completed trial where the run is shared, if it is."""
    if share := share_of(run):
        share.send(run, number)


def drop_networks(run: Run, board: Leaderboard) -> None:
    """Remove the networks of the fine-tune trials that are not among the best; their predictions stay."""
    tuned = [trial.number for trial in board.completed if trial.strategy == FINE_TUNE]
    names, share = (NETWORK_FILE, GRAPH_FILE, REPLAY_FILE), share_of(run)
    for number in tuned[KEPT_NETWORKS:]:
        if share and any((run.trial_folder(number) / name).exists() for name in names):
            share.drop(run, number, names)
        for name in names:
            (run.trial_folder(number) / name).unlink(missing_ok=True)


def save_predictions(run: Run, number: int, predictions: Predictions) -> None:
    """Write the predictions of a trial into its folder, which is made where it is not there."""
    run.trial_folder(number).mkdir(parents=True, exist_ok=True)
    predictions.save(run.trial_folder(number) / PREDICTIONS_FILE)


def move_trial_files(run: Run, number: int, to: int) -> None:
    """Move what a trial left in its folder into the folder of another trial."""
    folder, other = run.trial_folder(number), run.trial_folder(to)
    if folder.exists():
        folder.rename(other)
