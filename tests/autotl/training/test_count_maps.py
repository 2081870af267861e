"""Dense inputs of counts: the most frequent columns or their directions, the same in the graph."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from texts_on_disk import paragraphs

from autotl.errors import PluginError
from autotl.features.frozen_network import open_session
from autotl.texts.counting import build_counter
from autotl.training import count_maps
from autotl.training.count_maps import fit_count_map
from autotl.training.tfidf import Counts, fit_tfidf

TEXTS = paragraphs()[0]
COUNTER = build_counter(TEXTS, words=(1, 2), characters=(2, 4), most=3000)
COUNTS = Counts(COUNTER.counts_sparse(TEXTS), tuple(len(stage.entries) for stage in COUNTER.stages))
TRAIN = np.arange(0, len(TEXTS), 2)


@pytest.mark.parametrize("directions", [False, True])
def test_the_graph_gives_what_training_gives(directions):
    made = fit_count_map(COUNTS[TRAIN], directions=directions, seed=0)
    found = made(COUNTS)
    session = open_session(made.to_onnx().SerializeToString())
    [said] = session.run(["components"], {"features": COUNTS.matrix.toarray()})
    assert found.dtype == np.float32
    np.testing.assert_allclose(said, found, atol=2e-4)


def test_the_columns_are_those_that_most_items_have_as_many_of_each_stage(monkeypatch):
    monkeypatch.setattr(count_maps, "DENSE_COLUMNS", 40)
    made = fit_count_map(COUNTS[TRAIN], directions=False, seed=0)
    assert made.tfidf.blocks == (20, 20)
    n_with = (COUNTS.matrix[TRAIN].toarray() > 0).sum(axis=0)
    kept = np.isin(np.arange(len(n_with)), made.columns)
    for block in (slice(0, COUNTS.blocks[0]), slice(COUNTS.blocks[0], None)):
        assert n_with[block][kept[block]].min() >= n_with[block][~kept[block]].max()
    leading = Counts(COUNTS.matrix[:, made.columns], (20, 20))
    np.testing.assert_allclose(made(COUNTS), fit_tfidf(leading[TRAIN])(leading).toarray(), rtol=1e-6)


def test_of_many_items_fewer_columns_are_made_dense(monkeypatch):
    monkeypatch.setattr(count_maps, "MOST_NUMBERS", 300 * len(TEXTS))
    assert fit_count_map(COUNTS, directions=False, seed=0)(COUNTS).shape == (len(TEXTS), 300)
    monkeypatch.setattr(count_maps, "MOST_NUMBERS", 1)
    assert fit_count_map(COUNTS, directions=False, seed=0)(COUNTS).shape == (len(TEXTS), 200)


def test_the_directions_hold_what_those_of_scikit_learn_hold(monkeypatch):
    monkeypatch.setattr(count_maps, "DIRECTIONS", 10)
    made = fit_count_map(COUNTS[TRAIN], directions=True, seed=0)
    weighted = fit_tfidf(COUNTS[TRAIN])(COUNTS[TRAIN])
    theirs = TruncatedSVD(10, algorithm="arpack").fit_transform(weighted)
    ours = made(COUNTS[TRAIN])
    np.testing.assert_allclose(np.linalg.norm(ours, axis=0), np.linalg.norm(theirs, axis=0), rtol=0.02)
    np.testing.assert_array_equal(ours, fit_count_map(COUNTS[TRAIN], directions=True, seed=0)(COUNTS[TRAIN]))


def test_there_are_no_more_directions_than_items():
    assert fit_count_map(COUNTS[:5], directions=True, seed=0)(COUNTS).shape == (len(TEXTS), 5)
    assert fit_count_map(COUNTS[TRAIN], directions=True, seed=0).axes.shape[1] == len(TRAIN)


def test_of_many_items_some_give_the_directions(monkeypatch):
    monkeypatch.setattr(count_maps, "_AXES_ITEMS", 8)
    assert fit_count_map(COUNTS, directions=True, seed=0).axes.shape[1] == 8


def test_counts_are_never_fine_tuned():
    with pytest.raises(PluginError, match="fine-tuned"):
        fit_count_map(COUNTS, directions=False, seed=0).to_keras(None)
