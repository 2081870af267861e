"""The last layer of a champion: what it reads of every item, and a champion with another one in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.deploy.champion import Champion
from autotl.errors import ExportError
from autotl.features.decoded_images import read_pixels
from autotl.features.frozen_network import SINGLE, open_session
from autotl.graphs.blocks import choices
from autotl.graphs.pooled_stages import pooled_stages
from autotl.graphs.surgery import join, prune
from autotl.interfaces import WordCounts
from autotl.predictions import Predictions
from autotl.search.context import SearchContext
from autotl.search.replay_items import replay_items
from autotl.search.trial_files import GRAPH_FILE
from autotl.targets import strata
from autotl.training.components import fit_components
from autotl.trial import FINE_TUNE, Candidate, TrialRecord

if TYPE_CHECKING:
    import onnx

_BATCH_ITEMS = 32
Progress = Callable[[int, int], None]
"""progress(items done, items in all)."""


@dataclass(frozen=True, eq=False)
class LastLayer:
    """Where a champion's head sits.

    candidate: of the trial; its head is one for arrays. vectors: float32 (n_items, n_columns), what the head reads,
    zero for items that are left out. below: the graph from an item to `features`, float32 (n, n_features). components:
    makes the columns of them, None if they are the features. precision, beside: as in `Champion`.
    """

    trial: TrialRecord
    candidate: Candidate
    vectors: np.ndarray
    below: Callable[[], onnx.ModelProto]
    components: Any = None
    precision: str = SINGLE
    beside: Mapping[str, Path] = field(default_factory=dict)

    def champion(self, context: SearchContext, head: onnx.ModelProto, probabilities: np.ndarray) -> Champion:
        """The champion with another head. head: from `features` to `probabilities`; probabilities: of every item."""
        if self.components is not None:
            head = join(self.components.to_onnx(), head, {"components": "features"})
        graph = join(self.below(), head, {"features": "features"})
        split, reading = context.run.split, self.candidate.reading
        items = replay_items(split, strata(context.labels))
        return Champion(
            replace(self.trial, temperature=1.0), reading.size, graph, items, probabilities[items],
            test=lambda: Predictions(split.test, context.labels[split.test], probabilities[split.test]),
            precision=self.precision, beside=self.beside, modality=self.candidate.backbone.modality,
        )  # fmt: skip


def last_layer(context: SearchContext, trial: TrialRecord, *, cache: Path, progress: Progress) -> LastLayer:
    """Read what the head of a trial reads. trial: a probe, or fine-tuned.

    cache: a folder for the features of a fine-tuned network, which take a pass over all images.
    """
    candidate = context.candidate(trial)
    if trial.strategy == FINE_TUNE:
        return _of_network(context, trial, candidate, cache, progress)
    if isinstance(candidate.backbone, WordCounts):
        candidate = replace(candidate, head=replace(candidate.head, sparse=False, on_components=True))
    inputs = context.inputs.get(candidate)
    reading = candidate.reading
    network = context.reader.features(candidate.backbone, reading.size).network
    columns = network.select(reading.stage, reading.pooling)

    def below() -> onnx.ModelProto:
        widths = {column.tensor: column.stop - column.start for column in columns}
        features = choices(widths, {"features": list(widths)})
        return join(prune(network.graph(), list(widths)), features, {name: name for name in widths})

    return LastLayer(trial, candidate, inputs.vectors, below, inputs.components, network.precision, network.beside)


def _of_network(
    context: SearchContext, trial: TrialRecord, candidate: Candidate, cache: Path, progress: Progress
) -> LastLayer:  # fmt: skip
    """The last layer of a fine-tuned network, which reads its pooled stages."""
    import onnx

    file = context.run.trial_folder(trial.number) / GRAPH_FILE
    if not file.exists():
        raise ExportError(f"the network of trial {trial.number} was not kept in {context.run.folder}")
    network = onnx.load(file)
    stages = pooled_stages(network, network.graph.output[0].name)
    if not stages:
        raise ExportError(f"the network of trial {trial.number} does not pool its features, so it has no last layer")

    def below() -> onnx.ModelProto:
        flat = [
            onnx.helper.make_node("Flatten", [stage.tensor], [f"flat_{n}"], axis=1) for n, stage in enumerate(stages)
        ]
        together = onnx.helper.make_node("Concat", [f"flat_{n}" for n in range(len(stages))], ["features"], axis=1)
        pruned = prune(network, [stage.tensor for stage in stages])
        pruned.graph.node.extend([*flat, together])
        del pruned.graph.output[:]
        width = sum(stage.channels for stage in stages)
        info = onnx.helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["n", width])
        pruned.graph.output.append(info)
        return pruned

    features = _pass(context, candidate, below, cache / f"features-{trial.number}.npy", progress)
    components, development = None, context.run.split.development
    if candidate.head.on_components:
        components = fit_components(lambda items: features[items], development, seed=context.seed)
    vectors = features if components is None else components(features)
    crop = context.reader.crop(candidate.backbone)
    return LastLayer(trial, candidate, vectors, below, components, beside=crop.files if crop else {})


def _pass(
    context: SearchContext, candidate: Candidate, below: Callable[[], onnx.ModelProto], file: Path, progress: Progress
) -> np.ndarray:
    """The features of every item that is used, from the file where an earlier call left them."""
    used, dataset = context.reader.used, context.run.dataset
    try:
        kept = np.load(file, allow_pickle=False)
        if len(kept) == len(dataset.items):
            return np.asarray(kept)
    except (OSError, ValueError, EOFError):
        pass
    images, size = dataset.part(candidate.backbone.modality), candidate.reading.size
    crop, session = context.reader.crop(candidate.backbone), open_session(below().SerializeToString())
    features = np.zeros((0, 0), dtype=np.float32)
    for start in range(0, len(used), _BATCH_ITEMS):
        batch = used[start : start + _BATCH_ITEMS]
        pixels = np.stack([read_pixels(images, int(item), size, crop) for item in batch])
        [found] = session.run(["features"], {"images": pixels})
        if not len(features):
            features = np.zeros((len(dataset.items), found.shape[1]), dtype=np.float32)
        features[batch] = found
        progress(start + len(batch), len(used))
    _keep(file, features)
    return features


def _keep(file: Path, features: np.ndarray) -> None:
    import io

    from autotl.runtime.atomic_files import write_atomically

    content = io.BytesIO()
    np.save(content, features, allow_pickle=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, content.getvalue())
