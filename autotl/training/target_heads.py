"""Heads for any kind of target, from what plugins build."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autotl.interfaces import Head
from autotl.targets import LABELS, NUMBER, Kind
from autotl.training.classifiers import Classifier, is_network, scaling_of, wrap
from autotl.training.label_heads import LabelClassifier
from autotl.training.label_networks import LabelNetwork
from autotl.training.regressors import wrap_regressor
from autotl.training.tfidf import TfidfClassifier


def build_for(
    kind: Kind, head: Head, build: Callable[[int, int], Any], n_features: int, n_outputs: int, *, seed: int
) -> Classifier:
    """A head of a target: of classes, of labels, or of a number; counts are weighted before it sees them.

    build(n_features, n_outputs): makes the head as its plugin does, for two classes in the case of labels. Raises
    PluginError if it makes something else.
    """
    found: Classifier
    if kind == LABELS:
        found = _of_labels(head, build, n_features, n_outputs, seed)
    elif kind == NUMBER:
        found = wrap_regressor(head, build(n_features, 1), n_features, seed=seed)
    else:
        found = wrap(head, build(n_features, n_outputs), n_features, n_outputs, seed=seed)
    return TfidfClassifier(found) if head.sparse else found


def _of_labels(
    head: Head, build: Callable[[int, int], Any], n_features: int, n_labels: int, seed: int
) -> Classifier:  # fmt: skip
    """One network of all labels, or a head of two classes for each."""
    built = build(n_features, n_labels)
    if is_network(built):
        return LabelNetwork(built, n_features, n_labels, scaling=scaling_of(head), seed=seed)
    return LabelClassifier(head, partial(build, n_features, 2), n_features, n_labels, seed=seed)
