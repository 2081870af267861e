"""What leaks would have pretended has the right sign and size, and nothing is made of items that stand alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from autotl.data.split import Split, random_split
from autotl.search.fold_pool import FoldPool, Folds
from autotl.training.classifiers import EstimatorClassifier
from autotl.training.cross_validation import cross_validate
from autotl.workflows.default_probe import _inflation

DEFAULT = SimpleNamespace(head="any")
N_GROUPS, N_EACH, N_ALONE = 24, 8, 60


@pytest.fixture
def measured(monkeypatch):
    """measured(cluster): the inflation on items whose label is drawn once for each group, and lies in nothing else."""
    rng = np.random.default_rng(0)
    group = np.concatenate([np.repeat(np.arange(N_GROUPS), N_EACH), N_GROUPS + np.arange(N_ALONE)])
    labels = rng.integers(0, 2, N_GROUPS + N_ALONE)[group]
    vectors = (rng.normal(size=(N_GROUPS + N_ALONE, 10))[group] + rng.normal(0, 0.01, (len(group), 10))).astype(
        "float32"
    )

    def head(*_):
        return EstimatorClassifier(KNeighborsClassifier(1), 10, 2)

    def begin(context, _head, _hp, vectors, split):
        return Folds(FoldPool(1), [head()], vectors, context.labels, split)

    monkeypatch.setattr("autotl.workflows.default_probe.begin_folds", begin)

    def measured(cluster):
        split = Split(fold=cluster % 3, cluster=cluster)
        inputs = SimpleNamespace(get=lambda candidate: SimpleNamespace(vectors=vectors))
        context = SimpleNamespace(run=SimpleNamespace(split=split), seed=0, labels=labels, inputs=inputs)
        kept_together = cross_validate(head(), vectors, labels, split).predictions
        return _inflation(context, DEFAULT, kept_together), kept_together, split, vectors, labels, head

    measured.group = group
    return measured


def test_a_model_that_knows_its_groups_again_would_have_seemed_better(measured):
    inflation, kept_together, split, vectors, labels, head = measured(measured.group)
    assert inflation.low > 0
    # Those that stand alone count as unchanged: only the groups make the difference.
    at_random = cross_validate(head(), vectors, labels, random_split(split, labels, seed=0)).predictions
    grouped = N_GROUPS * N_EACH

    def n_right(predictions):
        mine = predictions.items < grouped
        return (predictions.probabilities.argmax(1) == predictions.labels)[mine].sum()

    expected = (n_right(at_random) - n_right(kept_together)) / len(labels)
    assert inflation.value == pytest.approx(expected)


def test_where_nothing_is_kept_together_nothing_is_measured(measured):
    assert measured(np.arange(len(measured.group)))[0] is None
