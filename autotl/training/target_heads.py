"""Heads for any kind of target, from what plugins build."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autotl.interfaces import Head
from autotl.targets import LABELS, NUMBER, Kind
from autotl.training.classifiers import Classifier, wrap
from autotl.training.label_heads import LabelClassifier
from autotl.training.regressors import wrap_regressor


def build_for(
    kind: Kind, head: Head, build: Callable[[int, int], Any], n_features: int, n_outputs: int, *, seed: int
) -> Classifier:
    """A head of a target: of classes, of each label by itself, or of a number.

    build(n_features, n_outputs): makes the head as its plugin does, for two classes in the case of labels. Raises
    PluginError where it makes something else.
    """
    if kind == LABELS:
        return LabelClassifier(head, partial(build, n_features, 2), n_features, n_outputs, seed=seed)
    if kind == NUMBER:
        return wrap_regressor(head, build(n_features, 1), n_features, seed=seed)
    return wrap(head, build(n_features, n_outputs), n_features, n_outputs, seed=seed)
