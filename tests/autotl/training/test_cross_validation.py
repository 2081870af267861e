"""Cross-validation that nobody can cheat in."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.data.split import Split
from autotl.training.calibration import fit_calibration
from autotl.training.cross_validation import cross_validate, majority


class Memory:
    """Knows by heart what it was fitted on and guesses the first class of everything else."""

    gives_margins = False
    calibration = None

    def __init__(self, n_classes):
        self.n_classes = n_classes
        self.fits = []

    def fit(self, vectors, labels):
        self.known = {row.tobytes(): label for row, label in zip(vectors, labels, strict=True)}
        self.fits.append({int(row[0]) for row in vectors})

    def answers(self, vectors):
        return np.eye(self.n_classes)[[self.known.get(row.tobytes(), 0) for row in vectors]]


@pytest.fixture
def items():
    """Vectors that hold their item's number, labels 1 and 2 only, and a split into a test part and five folds."""
    fold = np.random.default_rng(0).permutation(np.repeat([-1, -1, 0, 1, 2, 3, 4], 6))
    labels = 1 + np.arange(len(fold)) % 2
    vectors = np.arange(len(fold), dtype=np.float32)[:, None]
    return vectors, labels, Split(fold=fold, cluster=np.arange(len(fold)))


def test_every_development_item_is_predicted_once_by_a_model_that_has_not_seen_it(items):
    vectors, labels, split = items
    found = cross_validate(Memory(3), vectors, labels, split).predictions
    assert sorted(found.items) == split.development.tolist()
    # A model that had seen an item would give its label, which is never 0.
    assert (found.probabilities.argmax(axis=1) == 0).all()
    assert (found.labels == labels[found.items]).all()


def test_the_test_split_is_never_touched(items):
    vectors, labels, split = items
    vectors[split.test] = np.nan  # whoever reads it fails
    labels[split.test] = -99
    memory = Memory(3)
    found = cross_validate(memory, vectors, labels, split).predictions
    assert not set(found.items) & set(split.test)
    for k, seen in enumerate(memory.fits):
        assert seen == set(np.flatnonzero((split.fold != k) & (split.fold != -1)))


def test_after_each_fold_what_is_predicted_so_far_is_told(items):
    told = []
    found = cross_validate(Memory(3), *items, after_fold=lambda fold, so_far: told.append((fold, len(so_far.items))))
    assert told == [(0, 6), (1, 12), (2, 18), (3, 24), (4, 30)]
    assert len(found.predictions.items) == 30


def test_the_first_fold_is_the_validation_split(items):
    first = []
    cross_validate(Memory(3), *items, after_fold=lambda fold, so_far: first.append(so_far.items))
    assert first[0].tolist() == items[2].validation.tolist()


def test_a_hopeless_trial_can_be_stopped_between_folds(items):
    memory = Memory(3)

    def stop(fold, so_far):
        if fold == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        cross_validate(memory, *items, after_fold=stop)
    assert len(memory.fits) == 2


class Margins(Memory):
    """The items' own numbers as margins: the higher, the surer of class 2; it learns nothing."""

    gives_margins = True

    def answers(self, vectors):
        return np.hstack([np.zeros_like(vectors), -vectors, vectors])


def test_probabilities_need_no_calibration(items):
    assert cross_validate(Memory(3), *items).calibration is None


def test_margins_become_probabilities_that_know_nothing_of_the_labels_of_their_own_fold(items):
    vectors, labels, split = items
    labels = 1 + (np.random.default_rng(1).random(len(labels)) < vectors[:, 0] / len(labels)).astype(int)

    def by_item(labels):
        found = cross_validate(Margins(3), vectors, labels, split)
        order = np.argsort(found.predictions.items)
        return found.predictions.items[order], found.predictions.probabilities[order]

    numbers, before = by_item(labels)
    for fold in range(split.n_folds):
        changed = labels.copy()
        changed[split.fold == fold] = 3 - changed[split.fold == fold]
        _, after = by_item(changed)
        mine = split.fold[numbers] == fold
        assert np.array_equal(after[mine], before[mine])
        assert not np.allclose(after[~mine], before[~mine], atol=1e-3)


def test_the_calibration_for_later_is_fitted_on_the_margins_of_all_folds(items):
    vectors, labels, split = items
    found = cross_validate(Margins(3), vectors, labels, split)
    items = split.development
    expected = fit_calibration(Margins(3).answers(vectors[items]), labels[items], 3)
    assert found.calibration.weights == pytest.approx(expected.weights, abs=1e-3)
    assert found.calibration.intercept == pytest.approx(expected.intercept, abs=1e-3)


def test_margins_can_be_told_of_from_the_first_fold_on(items):
    told = []
    cross_validate(Margins(3), *items, after_fold=lambda fold, so_far: told.append(so_far.probabilities.sum(axis=1)))
    assert [len(sums) for sums in told] == [6, 12, 18, 24, 30]
    assert np.concatenate(told) == pytest.approx(1)


def test_the_majority_row_gives_the_frequencies_of_the_other_folds():
    labels = np.array([0, 0, 0, 1, 0, 1, 2, 2, 2])
    split = Split(fold=np.array([0, 0, 1, 1, 2, 2, -1, -1, -1]), cluster=np.arange(9))
    found = majority(labels, split, 3)
    assert found.items.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.probabilities[0].tolist() == [0.5, 0.5, 0]  # of items 2 to 5
    assert found.probabilities[2].tolist() == [0.75, 0.25, 0]  # of items 0, 1, 4, 5
