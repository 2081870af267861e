"""The files that a trial leaves in its folder: predictions, calibration, network, graph."""

from __future__ import annotations

from autotl.predictions import Predictions
from autotl.runs.run import Run

PREDICTIONS_FILE = "predictions.npz"
CALIBRATION_FILE = "calibration.npy"
"""Where the head gives margins."""
NETWORK_FILE, GRAPH_FILE = "network.keras", "network.onnx"
"""The network of a fine-tune trial."""
REPLAY_FILE = "replay.npz"
"""What the network of a fine-tune trial predicts for the replay items, in full precision."""


def load_predictions(run: Run, number: int) -> Predictions:
    """The predictions of a completed trial."""
    return Predictions.load(run.trial_folder(number) / PREDICTIONS_FILE)


def save_predictions(run: Run, number: int, predictions: Predictions) -> None:
    """Write the predictions of a trial into its folder, which is made where it is not there."""
    run.trial_folder(number).mkdir(parents=True, exist_ok=True)
    predictions.save(run.trial_folder(number) / PREDICTIONS_FILE)
