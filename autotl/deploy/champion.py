"""The champion: the chosen trial, refitted on everything but the test split, as one graph from pixels to labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autotl.features.decoded_images import read_pixels
from autotl.features.frozen_network import Column, open_session
from autotl.graphs.blocks import choices, weighted_mean
from autotl.graphs.surgery import join, keep_output, prune
from autotl.interfaces import Size, TrialRecord
from autotl.predictions import Predictions
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.laboratory import CALIBRATION_FILE, REPLAY_FILE, Laboratory
from autotl.training.calibration import Calibration, apply_temperature, tempered
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, candidate_of, parse_size

if TYPE_CHECKING:
    import onnx

_BATCH_ITEMS = 32


@dataclass(frozen=True)
class Champion:
    """A trial made ready to leave.

    graph: `images` uint8 (n, height, width, 3) in, calibrated `probabilities` float32 (n, n_classes) out.
    replay_items: item numbers whose probabilities are `replay_probabilities`, as the training side computes them.
    test: predicts the test split; call it once.
    """

    trial: TrialRecord
    size: Size
    graph: onnx.ModelProto
    replay_items: np.ndarray
    replay_probabilities: np.ndarray
    test: Callable[[], Predictions]


def fit_champion(laboratory: Laboratory, trial: TrialRecord) -> Champion:
    """Make the champion of a trial.

    A probe's head is fitted again on train and validation together. A fine-tuned network keeps the weights of its
    trial: training it again would need another set of images to stop early on, and as long again.
    """
    if trial.strategy == FINE_TUNE:
        return _tuned(laboratory, trial)
    if trial.strategy == ENSEMBLE:
        members = trial.params["members"]
        return _frozen(
            laboratory, trial, [TrialRecord.from_json(m["trial"]) for m in members], [m["weight"] for m in members]
        )
    return _frozen(laboratory, trial, [trial], [1.0])


@dataclass(frozen=True)
class _Member:
    """A refitted probe: the columns it reads, its graph from `features` to `probabilities`, and what it answers."""

    columns: tuple[Column, ...]
    graph: onnx.ModelProto
    probabilities: Callable[[np.ndarray], np.ndarray]


def _frozen(
    laboratory: Laboratory, trial: TrialRecord, probes: Sequence[TrialRecord], weights: Sequence[float]
) -> Champion:
    """The champion of one probe, or of several on the same frozen backbone by their weights."""
    import onnx

    split, size = laboratory.run.split, parse_size(trial.size)
    members = [_member(laboratory, probe) for probe in probes]
    alone = trial.strategy == PROBE

    def probabilities(items: np.ndarray) -> np.ndarray:
        parts = [w * member.probabilities(items) for w, member in zip(weights, members, strict=True)]
        mixed = np.sum(parts, axis=0)
        return mixed if alone else apply_temperature(mixed, trial.temperature)

    network = laboratory.features(trial.backbone, size).network
    read = {column.tensor: column.stop - column.start for member in members for column in member.columns}
    heads = choices(read, {f"features_{i}": [c.tensor for c in member.columns] for i, member in enumerate(members)})
    for i, member in enumerate(members):
        graph = keep_output(member.graph, member.graph.graph.output[0].name, f"probabilities_{i}")
        heads = join(heads, graph, {f"features_{i}": "features"})
    if alone:
        heads = keep_output(heads, "probabilities_0", "probabilities")
    else:
        n_classes, names = laboratory.n_classes, [f"probabilities_{i}" for i in range(len(members))]
        heads = join(heads, weighted_mean(names, weights, n_classes, "mean"), {name: name for name in names})
        heads = join(heads, tempered("mean", "probabilities", n_classes, trial.temperature), {"mean": "mean"})
    graph = join(prune(onnx.load(network.file), list(read)), heads, {name: name for name in read})
    items = laboratory.replay_items()
    return Champion(
        trial, size, graph, items, probabilities(items),
        test=lambda: Predictions(split.test, laboratory.labels[split.test], probabilities(split.test)),
    )  # fmt: skip


def _member(laboratory: Laboratory, trial: TrialRecord) -> _Member:
    """Fit a probe's head again, on train and validation."""
    candidate, development = candidate_of(trial), laboratory.run.split.development
    inputs = laboratory.inputs(candidate)
    with laboratory.session(candidate.head):
        classifier = laboratory.head(candidate, fixed_hyperparameters(trial.params), inputs.vectors.shape[1])
        classifier.fit(inputs.vectors[development], laboratory.labels[development])
        if classifier.gives_margins:
            classifier.calibration = Calibration.load(laboratory.run.trial_folder(trial.number) / CALIBRATION_FILE)
        head = classifier.to_onnx()
    if inputs.principal:
        head = join(inputs.principal.to_onnx(), head, {"components": "features"})

    def probabilities(items: np.ndarray) -> np.ndarray:
        return apply_temperature(classifier.probabilities(inputs.vectors[items]), trial.temperature)

    columns = laboratory.features(candidate.backbone, candidate.size).network.select(candidate.stage, candidate.pooling)
    return _Member(columns, _with_temperature(head, laboratory.n_classes, trial.temperature), probabilities)


def _tuned(laboratory: Laboratory, trial: TrialRecord) -> Champion:
    import onnx

    candidate = candidate_of(trial)
    split = laboratory.run.split
    folder = laboratory.run.trial_folder(trial.number)
    network = onnx.load(folder / "network.onnx")
    graph = _with_temperature(network, laboratory.n_classes, trial.temperature)
    said = Predictions.load(folder / REPLAY_FILE)

    def test() -> Predictions:
        session = open_session(graph.SerializeToString())
        parts = []
        for start in range(0, len(split.test), _BATCH_ITEMS):
            batch = split.test[start : start + _BATCH_ITEMS]
            pixels = np.stack([read_pixels(laboratory.run.dataset, i, candidate.size) for i in batch])
            parts.append(session.run(["probabilities"], {"images": pixels})[0])
        found = np.concatenate(parts).astype(np.float64)
        return Predictions(split.test, laboratory.labels[split.test], found / found.sum(axis=1, keepdims=True))

    replay_probabilities = apply_temperature(said.probabilities, trial.temperature)
    return Champion(trial, candidate.size, graph, said.items, replay_probabilities, test)


def _with_temperature(graph: onnx.ModelProto, n_classes: int, temperature: float) -> onnx.ModelProto:
    graph = keep_output(graph, graph.graph.output[0].name, "uncalibrated")
    return join(
        graph, tempered("uncalibrated", "probabilities", n_classes, temperature), {"uncalibrated": "uncalibrated"}
    )
