"""A champion in int8: its graph quantised after the fact, and what that costs on the test split, measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.data.dataset import Dataset
from autotl.data.modalities import modality_named
from autotl.deploy.deployable import load_deployable, write_deployable
from autotl.deploy.doubts import without_doubts
from autotl.deploy.joint_deployable import files_beside
from autotl.deploy.predictor import Predictor
from autotl.errors import ExportError
from autotl.evidence.intervals import paired_difference
from autotl.features.engine import images_per_second
from autotl.features.frozen_network import INT8
from autotl.features.quantised_network import CALIBRATION_ITEMS, quantise_graph
from autotl.predictions import log_loss
from autotl.runs.run import Run, cluster_of, open_run, require_images

if TYPE_CHECKING:
    from autotl.interfaces import ScoreInterval

MOST_TEST_ITEMS = 2000
"""On so many images of the test split a difference of a point is seen."""
_SPEED_ITEMS = 64


def export_int8(folder: Path, out: Path) -> Path:
    """Write the champion of a run in int8 with its replay; "int8" in metadata.json holds its cost and gain.

    It does not abstain: abstention was calibrated on answers in single precision.

    Calibrated on images that the champion learned from; measured on the test split, on the same images as the champion
    itself. Returns the graph. Raises ExportError if the graph cannot be quantised, RunError if images are gone.
    """
    import onnx

    deployable, run = load_deployable(folder), open_run(folder)
    modality = modality_named(str(deployable.metadata.get("modality", "image")))
    if not modality.has_pixels:
        raise ExportError(
            f"int8 is calibrated and measured on images, and this champion classifies {modality.kind.plural}; the "
            "format onnx holds every champion"
        )
    require_images(run)
    if not deployable.target.is_classes:
        raise ExportError("int8 is measured by how many classes stay the same, and this target is not of classes")
    # The calibration is valid for single precision only.
    metadata = {name: fact for name, fact in deployable.metadata.items() if name != "doubts"}
    if metadata.get("precision") == INT8:
        raise ExportError("this champion is in int8 already; the format onnx writes it")
    rng = np.random.default_rng(run.config.seed)
    calibration = rng.permutation(run.split.development)[:CALIBRATION_ITEMS]
    images = run.dataset.part(modality.name)
    champion = Predictor(deployable.folder)
    graph = quantise_graph(deployable.folder / "model.onnx", _pixels(images, calibration, champion))
    kept = sorted((deployable.folder / "replay").glob("[0-9]*"))
    card = (deployable.folder / "model_card.md").read_text(encoding="utf-8").rstrip()

    def write(cost: Mapping[str, object], card: str) -> None:
        write_deployable(
            without_doubts(onnx.load_from_string(graph)), out, classes=deployable.classes, size=deployable.size,
            replay=[(file.name.partition("_")[2], file.read_bytes()) for file in kept], expected=None,
            metadata={**metadata, "precision": INT8, "int8": cost}, card=card, files=files_beside(deployable.folder),
        )  # fmt: skip

    write({}, card)  # to be measured
    cost = _cost(run, images, champion, out)
    write(cost, f"{card}\n\n## In int8\n\n{cost['said']}\n")
    return out / "model.onnx"


def _cost(run: Run, images: Dataset, champion: Predictor, int8: Path) -> dict[str, object]:
    """What int8 costs on the test split against the champion, and how much faster it is on this machine.

    images: the items of the run, as images.
    """
    items = run.split.test[:MOST_TEST_ITEMS]
    pixels, labels = _pixels(images, items, champion), run.dataset.labels[items]
    predictors = [champion, Predictor(int8)]
    answers = [predictor.probabilities(pixels) for predictor in predictors]
    speeds = images_per_second([predictor.probabilities for predictor in predictors], pixels[:_SPEED_ITEMS])
    groups = cluster_of(run, items)
    accuracy = paired_difference(_accuracy, labels, *answers, groups=groups, seed=run.config.seed)
    loss = paired_difference(log_loss, labels, *answers, groups=groups, seed=run.config.seed)
    same = float((answers[0].argmax(axis=1) == answers[1].argmax(axis=1)).mean())
    said = (
        f"On {len(items)} test images int8 changes the accuracy by {100 * accuracy.value:+.1f} points "
        f"({100 * accuracy.low:+.1f} to {100 * accuracy.high:+.1f}) and the log loss by {loss.value:+.3f} "
        f"({loss.low:+.3f} to {loss.high:+.3f}); {100 * same:.1f} % of the labels are the same. It classifies "
        f"{speeds[1]:.0f} images/s here, the champion {speeds[0]:.0f}."
    )
    return {
        "said": said, "n_items": len(items), "accuracy": _json(accuracy), "log_loss": _json(loss), "same_labels": same,
        "images_per_second": round(speeds[1], 1), "champion_images_per_second": round(speeds[0], 1),
    }  # fmt: skip


def _pixels(images: Dataset, items: np.ndarray, champion: Predictor) -> np.ndarray:
    reader = champion.reader
    return np.stack([reader.read(reader.at("", str(images.path(int(item))))) for item in items])


def _accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())


def _json(score: ScoreInterval) -> dict[str, Any]:
    return {"value": score.value, "low": score.low, "high": score.high}
