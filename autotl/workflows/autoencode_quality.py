"""How good the images of an autoencoder are, by features of a pretrained network and by the run's champion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from autotl.deploy.predictor import Predictor
from autotl.evidence.intervals import score_interval
from autotl.features.engine_choice import SAMPLE_ITEMS, choose_engine
from autotl.features.frozen_network import freeze
from autotl.interfaces import Joined, ScoreInterval, Size
from autotl.plugins import Plugins
from autotl.runs.run import Run
from autotl.search.sources import source_version, sources_of

N_COMPARED, N_REFERENCE = 64, 300
"""Images of each kind, and training images whose nearest one is looked for."""
SURE = 0.5
_STAGE, _POOLING = "joined", "avg+max"
"""What the untuned default reads. At the deepest stage alone all blurred images are alike, also the mean image."""


class FeatureDistances:
    """How far images are from the nearest training image, in the features of the run's default backbone.

    reference: the training images, uint8 (n, edge, edge, 3), of which at most N_REFERENCE are drawn.
    """

    def __init__(self, run: Run, reference: np.ndarray, *, plugins: Plugins, cache: Path) -> None:
        sources = sources_of(run.config, plugins, run.dataset.modality).values()
        source = next(one for one in sources if not isinstance(one, Joined))
        network = freeze(source, source.sizes[0], cache=cache, version=source_version(source, plugins))
        columns = network.select(_STAGE, _POOLING)
        self.backbone, self._size = source.name, network.size
        self._places = [network.columns.index(column) for column in columns]
        drawn = np.random.default_rng(run.config.seed).permutation(len(reference))[:N_REFERENCE]  # they come by class
        reference = reference[drawn]
        self._engine = choose_engine(network, lambda: _resized(reference[:SAMPLE_ITEMS], network.size)).engine
        self._reference = self._features(reference)

    def nearest(self, images: np.ndarray) -> np.ndarray:
        """The cosine distance of each image, uint8 (n, edge, edge, 3), to its nearest reference image, float (n,)."""
        return np.asarray(1 - (self._features(images[:N_COMPARED]) @ self._reference.T).max(axis=1))

    def _features(self, images: np.ndarray) -> np.ndarray:
        outputs = self._engine.run(_resized(images, self._size))
        vectors = np.concatenate([outputs[place] for place in self._places], axis=1)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def nearness(distances: FeatureDistances, kinds: Mapping[str, np.ndarray]) -> dict[str, ScoreInterval]:
    """The mean distance to the nearest training image for each kind of images."""
    return {name: mean_with_interval(distances.nearest(images)) for name, images in kinds.items() if len(images)}


def mean_with_interval(values: np.ndarray, cluster: np.ndarray | None = None) -> ScoreInterval:
    """The mean of values, float (n,), with its interval. cluster: (n,), equal for images that are alike."""
    if not len(values):
        return ScoreInterval()
    nothing = np.zeros(len(values), dtype=int)
    return score_interval(lambda _labels, given: float(given.mean()), nothing, values[:, None], groups=cluster)


def sampled_classes(run: Run, samples: np.ndarray) -> dict[str, int] | None:
    """How many images the champion assigns to each class with a probability over one half, most frequent first.

    None if the run has no champion yet, or none that answers with classes by an ONNX graph.
    """
    if not (run.result() and run.dataset.target.is_classes and (run.champion / "model.onnx").exists()):
        return None
    answers = Predictor(run.champion).predict(list(samples), doubts=False)
    sure = Counter(one["label"] for one in answers if max(one["probabilities"].values()) > SURE)
    return dict(sure.most_common())


def _resized(images: np.ndarray, size: Size) -> np.ndarray:
    from PIL import Image

    height, width = size
    large = [Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC) for image in images]
    return np.stack([np.asarray(image) for image in large])
