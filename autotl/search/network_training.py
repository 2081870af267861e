"""What every fine-tuning has in common, of one target or of several: where it reads from, its progress, its files."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from autotl.features.decoded_images import DecodedImages, read_pixels
from autotl.interfaces import Backbone
from autotl.predictions import Predictions
from autotl.runs.events import ActivationsCached, Progress
from autotl.runs.run import Run
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.blas_threads import threads_per_worker
from autotl.search.context import SearchContext
from autotl.search.replay_items import replay_items
from autotl.search.trial_files import GRAPH_FILE, NETWORK_FILE, REPLAY_FILE
from autotl.training.activation_cache import ActivationCache, CachedLayer, CannotCacheError, split_network
from autotl.training.classifiers import Classifier
from autotl.training.fine_tuning import FineTuned, Inputs, PlainInputs, epochs_for
from autotl.trial import Candidate, Reading, Training, format_size

if TYPE_CHECKING:
    import keras

PIXELS = "pixels"
"""The folder of a run with decoded images and activations, which are removed with the search."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class CutNetwork:
    """A network whose lower stages are frozen.

    backbone: the Keras model inside `model`. deeper: other freeze depths, closer to the image, that are wanted later.
    """

    model: keras.Model
    backbone: keras.Model
    freeze_depth: int
    reading: Reading
    training: Training
    deeper: Sequence[int] = ()


def train_on(
    run: Run, cut: CutNetwork, images: DecodedImages, train: Callable[[Inputs], _T], *, n_items: int, engine: str
) -> tuple[_T, str, float | None]:  # fmt: skip
    """Train from cached activations, or from pixels where they cannot be cached.

    images: of n_items items, each of which trains in some fold. Returns what `train` returned, what it read from in
    words, and the seconds of caching, None without a cache.
    """
    model, training, seed = cut.model, cut.training, run.config.seed
    at_start = model.get_weights()
    try:
        cached = _cached(run, cut, images, n_items, engine)
        run.emit(ActivationsCached(str(cached)))
        return train(cached), str(cached), cached.seconds
    except CannotCacheError as reason:
        how = f"plain: {reason}"
        run.emit(ActivationsCached(how))
    model.set_weights(at_start)
    return train(PlainInputs(model, images, augment=training.augment, seed=seed)), how, None


def _cached(run: Run, cut: CutNetwork, images: DecodedImages, n_items: int, engine: str) -> ActivationCache:
    """Activations below the freeze depth; raises CannotCacheError."""
    reading = cut.reading
    parts = split_network(
        cut.model, cut.backbone, stage=reading.stage, pooling=reading.pooling, freeze_depth=cut.freeze_depth,
        deeper=cut.deeper,
    )  # fmt: skip
    return ActivationCache(
        parts, images, folders=[_cache_folder(run, reading, layer) for layer in parts.layers], n_items=n_items,
        train_items=np.arange(n_items), augment=cut.training.augment, seed=run.config.seed,
        threads=threads_per_worker(run.config.workers_here), engine=engine,
    )  # fmt: skip


def _cache_folder(run: Run, reading: Reading, layer: CachedLayer) -> Path:
    name = f"{reading.backbone}-{format_size(reading.size)}-from{layer.freeze_depth}"
    pooled = f"-{reading.pooling}" if len(layer.outputs) > 1 else ""
    return run.folder / PIXELS / f"{name}{pooled}"


def fit_head(context: SearchContext, candidate: Candidate, classifier: Classifier, items: np.ndarray) -> keras.Model:
    """The head, fitted as a probe on some items, as a Keras model on features."""
    inputs = context.inputs.get(candidate)
    classifier.fit(inputs.vectors[items], context.labels[items])
    head = classifier.network()
    return inputs.components.to_keras(head) if inputs.components else head


def progress_of(
    run: Run, n_train: int, *, fold: int, n_folds: int, seconds_left: Callable[[], float]
) -> Callable[[int, np.ndarray], None]:  # fmt: skip
    """A callback after each epoch of a fold, which emits progress. n_folds: how many the progress counts."""
    began, n_epochs = time.monotonic(), epochs_for(n_train)
    total = n_epochs * n_folds

    def report(epoch: int, probabilities: np.ndarray) -> None:  # noqa: ARG001
        done = fold * n_epochs + epoch
        eta = (time.monotonic() - began) / epoch * (total - done)
        eta_seconds = round(max(0.0, min(eta, seconds_left())), 1)
        run.emit(Progress("fine-tuning", done, total, eta_seconds=eta_seconds))

    return report


def save_network(context: SearchContext, tuned: FineTuned, candidate: Candidate, folder: Path) -> None:
    """Leave the network, its graph, and its predictions of the replay items themselves.

    Cached activations are rounded to half precision: what was trained on does not tell what the network says exactly.
    """
    import keras

    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / GRAPH_FILE, tuned.to_onnx().SerializeToString())
    tuned.network.save(folder / NETWORK_FILE)
    items, dataset = replay_items(context.run.split, context.labels), context.run.dataset.part(Backbone.modality)
    size, crop = candidate.reading.size, context.reader.crop(candidate.backbone)
    pixels = np.stack([read_pixels(dataset, int(i), size, crop) for i in items]).astype(np.float32)
    found = keras.ops.convert_to_numpy(tuned.network(pixels, training=False)).astype(np.float64)
    replay = Predictions(items, context.labels[items], found / found.sum(axis=1, keepdims=True))
    replay.save(folder / REPLAY_FILE)


def together(parts: Sequence[Predictions]) -> Predictions:
    """The predictions of several folds as those of one."""
    return Predictions(
        np.concatenate([part.items for part in parts]), np.concatenate([part.labels for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
    )  # fmt: skip
