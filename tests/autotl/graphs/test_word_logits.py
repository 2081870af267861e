"""The coefficients of words are found in the graph of a linear champion on counts, and in no other."""

from __future__ import annotations

import numpy as np
import pytest
from counted_models import CLASSES, LABELS, TEXTS, fit_counted
from texts_on_disk import write_texts

from autotl.features.frozen_network import open_session
from autotl.graphs.blocks import affine
from autotl.graphs.word_logits import word_logits
from autotl_plugins.heads import forest, logistic, nearest_neighbours, svm

HEADS = {h.name: h for module in (forest, logistic, nearest_neighbours, svm) for h in module.register_heads()}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_texts(tmp_path_factory.mktemp("texts"), TEXTS, LABELS)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(("head", "stage"), [("logistic", "joined"), ("logistic", "top-1"), ("linear-svm", "top")])
def test_weighted_counts_times_coefficients_are_the_logits(dataset, cache, head, stage):
    model = fit_counted(dataset, cache, HEADS[head], stage=stage)
    found = word_logits(model.graph, len(CLASSES))
    counts = model.counter.counts(TEXTS)
    session = open_session(found.weighting.SerializeToString())
    [weighted] = session.run([found.weighted], {"counts": counts})
    logits = weighted @ found.coefficients + found.offset
    said = np.log(model.probabilities(TEXTS))
    np.testing.assert_allclose(logits - logits[:, :1], said - said[:, :1], atol=1e-4)
    # A word's weighted count is 0 exactly where its count is.
    np.testing.assert_array_equal(weighted > 0, (counts[:, found.columns] > 0) & (found.idf > 0))


def test_directions_of_some_columns_are_linear_too(dataset, cache):
    from dataclasses import replace

    model = fit_counted(dataset, cache, replace(HEADS["logistic"], sparse=False))
    found = word_logits(model.graph, len(CLASSES))
    session = open_session(found.weighting.SerializeToString())
    [weighted] = session.run([found.weighted], {"counts": model.counter.counts(TEXTS)})
    logits = weighted @ found.coefficients + found.offset
    said = np.log(model.probabilities(TEXTS))
    np.testing.assert_allclose(logits - logits[:, :1], said - said[:, :1], atol=1e-3)


@pytest.mark.parametrize("head", ["random-forest", "knn"])
def test_other_heads_have_none(dataset, cache, head):
    assert word_logits(fit_counted(dataset, cache, HEADS[head], most=300).graph, len(CLASSES)) is None


def test_a_graph_that_counts_no_words_has_none():
    graph = affine(np.ones((4, 2)), np.zeros(2), "features", "probabilities", softmax=True)
    assert word_logits(graph, 2) is None
