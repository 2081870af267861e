"""Counts are weighted as scikit-learn weighs them, by what the training items hold, in the graph as in training."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer
from texts_on_disk import paragraphs

from autotl.errors import PluginError
from autotl.features.frozen_network import open_session
from autotl.interfaces import Head
from autotl.texts.counting import build_counter
from autotl.training.target_heads import build_for
from autotl.training.tfidf import ROW_LENGTH, Counts, fit_tfidf, from_arrays, to_arrays
from autotl_plugins.heads import logistic, regression, svm

TEXTS, CLASSES = paragraphs()
LABELS = np.unique(CLASSES, return_inverse=True)[1]
COUNTER = build_counter(TEXTS, words=(1, 2), characters=(2, 4), most=4000)
BLOCKS = tuple(len(stage.entries) for stage in COUNTER.stages)
COUNTS = Counts(COUNTER.counts_sparse(TEXTS), BLOCKS)
SPARSE = {head.name: head for module in (logistic, svm) for head in module.register_heads() if head.sparse}
TRAIN, TEST = np.arange(len(TEXTS))[::2], np.arange(len(TEXTS))[1::2]


def theirs(block: slice) -> np.ndarray:
    """What scikit-learn makes of the columns that the training items hold."""
    counts = COUNTS.matrix[:, block].toarray()
    transformer = TfidfTransformer(sublinear_tf=True)
    held = counts[TRAIN].any(axis=0)
    found = np.zeros(counts.shape)
    transformer.fit(counts[TRAIN][:, held])
    found[:, held] = transformer.transform(counts[:, held]).toarray()
    return found


def test_each_block_is_what_scikit_learn_makes_of_the_words_of_the_training_items():
    ours = fit_tfidf(COUNTS[TRAIN])(COUNTS)
    assert ours.dtype == np.float32
    expected = np.hstack([theirs(slice(0, BLOCKS[0])), theirs(slice(BLOCKS[0], None))]) * ROW_LENGTH
    np.testing.assert_allclose(ours.toarray(), expected, atol=1e-4)


def test_a_word_that_no_training_item_holds_weighs_nothing():
    tfidf = fit_tfidf(COUNTS[TRAIN])
    absent = ~COUNTS.matrix[TRAIN].toarray().any(axis=0)
    assert absent.any()
    assert not tfidf.weights[absent].any()
    assert tfidf.weights[~absent].all()


def test_the_graph_weighs_as_in_training_and_an_empty_text_gives_zeros():
    tfidf = fit_tfidf(COUNTS[TRAIN])
    dense = np.vstack([COUNTS.matrix[TEST].toarray(), np.zeros((1, COUNTS.shape[1]), dtype=np.float32)])
    session = open_session(tfidf.to_onnx().SerializeToString())
    [said] = session.run(["weighted_counts"], {"features": dense})
    np.testing.assert_allclose(said[:-1], tfidf(COUNTS[TEST]).toarray(), atol=1e-4)
    assert not said[-1].any()


@pytest.mark.parametrize("name", SPARSE)
def test_a_linear_head_learns_from_counts_and_answers_alike_in_its_graph(name):
    from keras_tuner import HyperParameters

    def build(n_features, n_outputs):
        return SPARSE[name].build(HyperParameters(), n_features, n_outputs)

    head = build_for("classes", SPARSE[name], build, COUNTS.shape[1], 6, seed=0)
    head.fit(COUNTS[TRAIN], LABELS[TRAIN])
    probabilities = head.probabilities(COUNTS[TEST])
    majority = np.bincount(LABELS[TEST]).max() / len(TEST)
    assert (probabilities.argmax(axis=1) == LABELS[TEST]).mean() > majority + 0.05
    session = open_session(head.to_onnx().SerializeToString())
    [said] = session.run(["probabilities"], {"features": COUNTS.matrix[TEST].toarray()})
    np.testing.assert_allclose(said, probabilities, atol=1e-4)
    with pytest.raises(PluginError, match="counts have no network"):
        head.network()


def test_a_linear_head_on_sparse_rows_is_the_one_on_the_same_dense_rows():
    from keras_tuner import HyperParameters

    weighted = fit_tfidf(COUNTS[TRAIN])(COUNTS)
    for head in SPARSE.values():
        sparse_one, dense_one = (head.build(HyperParameters(), COUNTS.shape[1], 6) for _ in range(2))
        sparse_one.fit(weighted[TRAIN], LABELS[TRAIN])
        dense_one.fit(weighted[TRAIN].toarray(), LABELS[TRAIN])
        np.testing.assert_allclose(sparse_one.coef_, dense_one.coef_, atol=2e-3)
        np.testing.assert_array_equal(sparse_one.predict(weighted[TEST]), dense_one.predict(weighted[TEST].toarray()))


def test_an_array_reaches_the_head_as_it_is():
    seen = []

    class Still:
        gives_margins, calibration = False, None

        def fit(self, vectors, _labels):
            seen.append(vectors)

    from autotl.training.tfidf import TfidfClassifier

    vectors = np.ones((3, 2), dtype=np.float32)
    TfidfClassifier(Still()).fit(vectors, np.zeros(3))
    assert seen[0] is vectors


def test_counts_can_be_chosen_by_rows_and_sent_as_arrays():
    rows = np.array([5, 3, 3])
    again = from_arrays(to_arrays(COUNTS[rows]))
    assert (len(again), again.blocks, again.shape) == (3, BLOCKS, (3, sum(BLOCKS)))
    np.testing.assert_array_equal(again.matrix.toarray(), COUNTS.matrix.toarray()[rows])
    vectors = np.ones((2, 2), dtype=np.float32)
    assert from_arrays(to_arrays(vectors)) is vectors
    assert sparse.issparse(again.matrix)
    assert Head("h", lambda _hp, _n, _k: None).sparse is False


def test_several_labels_are_learned_from_counts():
    from keras_tuner import HyperParameters

    head = SPARSE["logistic"]
    long = np.array([len(text) > 300 for text in TEXTS])
    labels = np.stack([LABELS == 0, long, LABELS != 0], axis=1).astype(np.int8)

    def build(n_features, n_outputs):
        return head.build(HyperParameters(), n_features, n_outputs)

    classifier = build_for("labels", head, build, COUNTS.shape[1], 3, seed=0)
    classifier.fit(COUNTS[TRAIN], labels[TRAIN])
    found = classifier.probabilities(COUNTS[TRAIN])
    assert ((found > 0.5) == labels[TRAIN]).mean() > 0.9
    session = open_session(classifier.to_onnx().SerializeToString())
    [said] = session.run(["probabilities"], {"features": COUNTS.matrix[TRAIN].toarray()})
    np.testing.assert_allclose(said, found, atol=1e-4)


def test_a_number_is_learned_from_counts():
    from keras_tuner import HyperParameters

    ridge = next(head for head in regression.register_heads() if head.name == "ridge")
    lengths = np.log([len(text) for text in TEXTS])

    def build(n_features, n_outputs):
        return ridge.build(HyperParameters(), n_features, n_outputs)

    regressor = build_for("number", ridge, build, COUNTS.shape[1], 1, seed=0)
    regressor.fit(COUNTS[TRAIN], lengths[TRAIN])
    found = regressor.answers(COUNTS[TEST])
    assert np.corrcoef(found[:, 0], lengths[TEST])[0, 1] > 0.5
    session = open_session(regressor.to_onnx().SerializeToString())
    [said] = session.run(["value"], {"features": COUNTS.matrix[TEST].toarray()})
    np.testing.assert_allclose(said, found, atol=1e-4)
