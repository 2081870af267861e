"""The champion as one graph from pixels to probabilities: probes refitted, a fine-tuned network as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.errors import ExportError
from autotl.features.decoded_images import read_pixels
from autotl.features.frozen_network import SINGLE, Column, open_session
from autotl.graphs.blocks import choices, weighted_mean
from autotl.graphs.surgery import join, keep_output, prune
from autotl.interfaces import Size
from autotl.predictions import Predictions
from autotl.search.context import SearchContext
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.probe_trials import build_classifier, session_of
from autotl.search.replay_items import replay_items
from autotl.search.trial_files import CALIBRATION_FILE, GRAPH_FILE, REPLAY_FILE, trial_file
from autotl.targets import NUMBER, Target, strata
from autotl.training.calibration import Calibration, apply_temperature, link_of, tempered
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, EnsembleMember, TrialRecord

if TYPE_CHECKING:
    import onnx

_BATCH_ITEMS = 32


@dataclass(frozen=True)
class Champion:
    """A trial made ready to leave.

    graph: the inputs of the modality in, such as `images` uint8 (n, height, width, 3), calibrated `probabilities`
    float32 (n, n_classes) out.
    replay_items: item numbers whose probabilities are `replay_probabilities`, as the training side computes them.
    test: predicts the test split; call it once. precision: of the frozen part of the graph. beside: files that the
    graph needs beside it to read items, by name. modality: the kind of item that it reads; of composed items
    it may be that of a part.
    """

    trial: TrialRecord
    size: Size
    graph: onnx.ModelProto
    replay_items: np.ndarray
    replay_probabilities: np.ndarray
    test: Callable[[], Predictions]
    precision: str = SINGLE
    beside: Mapping[str, Path] = field(default_factory=dict)
    modality: str = "image"


def fit_champion(context: SearchContext, trial: TrialRecord) -> Champion:
    """Make the champion of a trial.

    A probe's head is fitted again on train and validation together. A fine-tuned network keeps the weights of its
    trial: training it again would need another set of images to stop early on, and as long again.
    """
    if trial.strategy == FINE_TUNE:
        for name in (GRAPH_FILE, REPLAY_FILE):
            trial_file(context.run, trial.number, name)  # brings it here
        return tuned_champion(context, trial, context.run.trial_folder(trial.number))
    if trial.strategy == ENSEMBLE:
        return _frozen(context, trial, trial.members)
    return _frozen(context, trial, [EnsembleMember(1.0, trial)])


def output_of(target: Target) -> str:
    """The name of the output of a champion's graph."""
    return "value" if target.kind == NUMBER else "probabilities"


@dataclass(frozen=True)
class _Member:
    """A refitted probe: the columns it reads, its graph from `features` to `probabilities`, and what it answers."""

    columns: tuple[Column, ...]
    graph: onnx.ModelProto
    probabilities: Callable[[np.ndarray], np.ndarray]


def _frozen(context: SearchContext, trial: TrialRecord, probes: Sequence[EnsembleMember]) -> Champion:
    """The champion of one probe, or of several on the same frozen backbone by their weights."""
    split, first = context.run.split, context.candidate(probes[0].trial)
    members, weights = [_member(context, probe.trial) for probe in probes], [probe.weight for probe in probes]
    alone, target = trial.strategy == PROBE, context.target

    def probabilities(items: np.ndarray) -> np.ndarray:
        parts = [w * member.probabilities(items) for w, member in zip(weights, members, strict=True)]
        mixed = np.sum(parts, axis=0)
        return mixed if alone or not target.is_classes else apply_temperature(mixed, trial.temperature)

    network = context.reader.features(first.backbone, first.reading.size).network
    read = {column.tensor: column.stop - column.start for member in members for column in member.columns}
    heads = choices(read, {f"features_{i}": [c.tensor for c in member.columns] for i, member in enumerate(members)})
    for i, member in enumerate(members):
        graph = keep_output(member.graph, member.graph.graph.output[0].name, f"probabilities_{i}")
        heads = join(heads, graph, {f"features_{i}": "features"})
    if alone:
        heads = keep_output(heads, "probabilities_0", output_of(target))
    else:
        n_classes, names = context.n_classes, [f"probabilities_{i}" for i in range(len(members))]
        heads = join(heads, weighted_mean(names, weights, n_classes, "mean"), {name: name for name in names})
        if target.is_classes:
            heads = join(heads, tempered("mean", "probabilities", n_classes, trial.temperature), {"mean": "mean"})
        else:
            heads = keep_output(heads, "mean", output_of(target))
    graph = join(prune(network.graph(), list(read)), heads, {name: name for name in read})
    items = replay_items(split, strata(context.labels))
    return Champion(
        trial, first.reading.size, graph, items, probabilities(items),
        test=lambda: Predictions(split.test, context.labels[split.test], probabilities(split.test)),
        precision=network.precision, beside=network.beside, modality=first.backbone.modality,
    )  # fmt: skip


def _member(context: SearchContext, trial: TrialRecord) -> _Member:
    """Fit a probe's head again, on train and validation."""
    candidate, development = context.candidate(trial), context.run.split.development
    inputs, reading = context.inputs.get(candidate), candidate.reading
    with session_of(context, candidate.head):
        hp = fixed_hyperparameters(trial.params)
        classifier = build_classifier(context, candidate.head, hp, inputs.vectors.shape[1])
        if classifier.gives_margins:  # first, for of labels it says which strengths are needed
            file, link = trial_file(context.run, trial.number, CALIBRATION_FILE), link_of(context.target.kind)
            classifier.calibration = Calibration.load(file, link)
        classifier.fit(inputs.vectors[development], context.labels[development])
        head = classifier.to_onnx()
    if inputs.components:
        head = join(inputs.components.to_onnx(), head, {"components": "features"})

    def probabilities(items: np.ndarray) -> np.ndarray:
        found = classifier.probabilities(inputs.vectors[items])
        return apply_temperature(found, trial.temperature) if context.target.is_classes else found

    network = context.reader.features(candidate.backbone, reading.size).network
    columns = network.select(reading.stage, reading.pooling)
    if context.target.is_classes:
        head = with_temperature(head, context.n_classes, trial.temperature)
    return _Member(columns, head, probabilities)


def tuned_champion(context: SearchContext, trial: TrialRecord, folder: Path) -> Champion:
    """The champion of a fine-tuned network as it was trained. folder: with its graph and its replay predictions."""
    import onnx

    assert trial.reading is not None
    size = trial.reading.size
    split, source = context.run.split, context.candidate(trial).backbone
    modality, crop = source.modality, context.reader.crop(source)
    if not (folder / GRAPH_FILE).exists():
        raise ExportError(f"the network of trial {trial.number} was not kept, for others were better")
    network = onnx.load(folder / GRAPH_FILE)
    graph = with_temperature(network, context.n_classes, trial.temperature)
    said = Predictions.load(folder / REPLAY_FILE)

    def test() -> Predictions:
        session = open_session(graph.SerializeToString())
        parts = []
        for start in range(0, len(split.test), _BATCH_ITEMS):
            batch = split.test[start : start + _BATCH_ITEMS]
            pixels = np.stack([read_pixels(context.run.dataset.part(modality), i, size, crop) for i in batch])
            parts.append(session.run(["probabilities"], {"images": pixels})[0])
        found = np.concatenate(parts).astype(np.float64)
        return Predictions(split.test, context.labels[split.test], found / found.sum(axis=1, keepdims=True))

    replay_probabilities = apply_temperature(said.probabilities, trial.temperature)
    return Champion(
        trial, size, graph, said.items, replay_probabilities, test, beside=crop.files if crop else {}, modality=modality
    )


def with_temperature(graph: onnx.ModelProto, n_classes: int, temperature: float) -> onnx.ModelProto:
    """A graph of probabilities, calibrated by a temperature; its output is `probabilities`."""
    graph = keep_output(graph, graph.graph.output[0].name, "uncalibrated")
    return join(
        graph, tempered("uncalibrated", "probabilities", n_classes, temperature), {"uncalibrated": "uncalibrated"}
    )
