"""Adds evidence maps to a model's graph, and stores in its metadata how they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from autotl.data.modalities import modality_named
from autotl.deploy.champion import Champion
from autotl.deploy.item_inputs import open_champion_reader
from autotl.deploy.map_facts import EXACT, GRADIENT, OCCLUSION, noted, packed
from autotl.features.frozen_network import open_session
from autotl.images.decoder import UnreadableImage
from autotl.runs.events import Message
from autotl.runs.run import Run

if TYPE_CHECKING:
    import onnx

    from autotl.graphs.affine_logits import AffineLogits
    from autotl.graphs.pooled_stages import PooledStage

N_AVERAGE_ITEMS = 24
"""Training images whose mean features represent an average image; another choice shifts a map by a constant."""
_BATCH_ITEMS = 8
_TOLERANCE = 1e-3


def with_map(run: Run, champion: Champion) -> Champion:
    """The champion with a graph that offers a map if its head is linear; see `add_map`.

    Maps are optional: if something fails, the run emits a message and the champion is returned unchanged.
    """
    if not modality_named(champion.modality).has_pixels:
        return champion
    dataset = run.dataset.part(champion.modality)
    items = run.split.development
    items = np.sort(np.random.default_rng(run.config.seed).permutation(items)[:N_AVERAGE_ITEMS])
    pixels, reader = [], open_champion_reader(champion)
    for item in items:
        try:
            pixels.append(reader.read(reader.at("", str(dataset.path(int(item))))))
        except UnreadableImage:  # taken away since the scan
            continue
    if not pixels:
        return champion
    try:
        return replace(champion, graph=add_map(champion.graph, np.stack(pixels)))
    except Exception as error:
        run.emit(Message(f"the model offers no maps of its evidence: {error}"))
        return champion


def add_map(model: onnx.ModelProto, pixels: np.ndarray) -> onnx.ModelProto:
    """A graph with how its maps are made in its metadata, and outputs `map` and `map_classes` if its head is linear.

    pixels: uint8 (n, height, width, 3), training images whose mean features represent an average image. A head counts
    as linear if its operations are affine and the logits folded from them reproduce the graph's answers.
    """
    from autotl.graphs.affine_logits import affine_logits
    from autotl.graphs.map_output import add_map as add_nodes
    from autotl.graphs.map_output import map_grid
    from autotl.graphs.pooled_stages import pooled_stages

    stages = pooled_stages(model)
    if not stages:
        return noted(model, {"method": OCCLUSION})
    features, probabilities = read_stages(model, stages, pixels)
    average = {name: found.reshape(len(found), -1).mean(axis=0) for name, found in features.items()}
    logits = affine_logits(model, stages, probabilities.shape[1])
    if logits is None or not _agree(logits, features, probabilities):
        return noted(model, {"method": GRADIENT, "average": {name: packed(row) for name, row in average.items()}})
    offset = logits({name: row[None] for name, row in average.items()})[0]
    facts = {"method": EXACT, "grid": list(map_grid(stages)), "offset": offset.tolist()}
    return noted(add_nodes(model, stages, logits, average), facts)


def read_stages(
    model: onnx.ModelProto, stages: Sequence[PooledStage], pixels: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The pooled stages of some images, by tensor, and their probabilities float32 (n, n_classes)."""
    from autotl.graphs.pooled_stages import with_outputs

    names = [stage.tensor for stage in stages]
    session = open_session(with_outputs(model, names).SerializeToString())
    parts = [
        session.run([*names, "probabilities"], {"images": pixels[start : start + _BATCH_ITEMS]})
        for start in range(0, len(pixels), _BATCH_ITEMS)
    ]
    *features, probabilities = (np.concatenate(part) for part in zip(*parts, strict=True))
    return dict(zip(names, features, strict=True)), probabilities


def _agree(logits: AffineLogits, features: Mapping[str, np.ndarray], probabilities: np.ndarray) -> bool:
    """Whether the folded logits reproduce the graph's probabilities."""
    folded = logits(features)
    exponentials = np.exp(folded - folded.max(axis=1, keepdims=True))
    folded = exponentials / exponentials.sum(axis=1, keepdims=True)
    return bool((np.abs(folded - probabilities) < _TOLERANCE).all())
