"""A small model on word counts, as a champion is made of it: graph, vocabulary and what it says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from keras_tuner import HyperParameters
from texts_on_disk import paragraphs

from autotl.features.frozen_network import open_session
from autotl.features.word_counts import CountFeatures, read_word_counts
from autotl.graphs.blocks import choices
from autotl.graphs.surgery import join, keep_output, prune
from autotl.interfaces import Head, WordCounts
from autotl.search.count_inputs import map_for, read_counts
from autotl.texts.counting import WordCounter
from autotl.training.calibration import tempered
from autotl.training.target_heads import build_for
from autotl.trial import Reading

TEXTS, LABELS = paragraphs()
CLASSES = tuple(sorted(set(LABELS)))
Y = np.searchsorted(np.array(CLASSES), np.array(LABELS))


@dataclass(frozen=True, eq=False)
class CountedModel:
    """A model from `counts` to `probabilities`, and the vocabulary that it counts."""

    graph: onnx.ModelProto
    features: CountFeatures

    @property
    def counter(self) -> WordCounter:
        return WordCounter.from_json(self.features.network.vocabulary.read_text(encoding="utf-8"))

    def probabilities(self, texts: Any) -> np.ndarray:
        session = open_session(self.graph.SerializeToString())
        return session.run(["probabilities"], {"counts": self.counter.counts(list(texts))})[0].astype(np.float64)

    def write(self, folder: Path) -> Path:
        """Write what an explanation reads of a deployable."""
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(self.graph.SerializeToString())
        (folder / "vocabulary.json").write_bytes(self.features.network.vocabulary.read_bytes())
        metadata = {
            "classes": CLASSES, "columns": CLASSES, "height": 1, "width": 1, "modality": "text",
            "input": {"kind": "counts"},
        }  # fmt: skip
        (folder / "metadata.json").write_text(json.dumps(metadata))
        for part in ("predictor.py", "MLmodel", "model_card.md", "requirements.txt"):
            (folder / part).write_text("")
        return folder


def fit_counted(dataset: Any, cache: Path, head: Head, *, stage: str = "joined", most: int = 2000) -> CountedModel:
    """Fit a head with its defaults on the counts of all texts."""
    items = np.arange(len(dataset.items))
    features = read_word_counts(dataset, WordCounts("tfidf", most=most), items, development=items, cache=cache)
    reading = Reading("tfidf", (1, 1), stage, "avg+max")
    counts = read_counts(features, reading, items)
    made = map_for(head, counts, seed=0)
    vectors = made(counts) if made else counts

    def build(n_features: int, n_outputs: int) -> Any:
        return head.build(HyperParameters(), n_features, n_outputs)

    classifier = build_for("classes", head, build, vectors.shape[1], len(CLASSES), seed=0)
    classifier.fit(vectors, dataset.labels)
    graph = classifier.to_onnx()
    if made:
        graph = join(made.to_onnx(), graph, {"components": "features"})
    columns = features.network.select(stage, "avg+max")
    read = {column.tensor: column.stop - column.start for column in columns}
    graph = join(choices(read, {"features_0": list(read)}), graph, {"features_0": "features"})
    graph = keep_output(graph, "probabilities", "uncalibrated")
    graph = join(graph, tempered("uncalibrated", "probabilities", len(CLASSES), 1.3), {"uncalibrated": "uncalibrated"})
    network = prune(onnx.load(features.network.file), list(read))
    return CountedModel(join(network, graph, {name: name for name in read}), features)
