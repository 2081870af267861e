"""The files that a trial leaves in its folder: predictions, calibration, network, graph."""

from __future__ import annotations

from autotl.evidence.leaderboard import Leaderboard
from autotl.predictions import Predictions
from autotl.runs.run import Run
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
    return Predictions.load(run.trial_folder(number) / PREDICTIONS_FILE)


def drop_networks(run: Run, board: Leaderboard) -> None:
    """Remove the networks of the fine-tune trials that are not among the best; their predictions stay."""
    tuned = [trial.number for trial in board.completed if trial.strategy == FINE_TUNE]
    for number in tuned[KEPT_NETWORKS:]:
        for name in (NETWORK_FILE, GRAPH_FILE, REPLAY_FILE):
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
