"""Plugins made up for the conformance checks: sound ones, and some with a defect."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from autotl.errors import ExportError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Proportion


def logistic(hp, n_features, n_classes):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=hp.Float("C", 1e-2, 1e2, sampling="log", default=1.0))


def guessing(hp, n_features, n_classes):
    from sklearn.dummy import DummyClassifier

    return DummyClassifier()


def accuracy(labels, probabilities):
    return Proportion(int((probabilities.argmax(axis=1) == labels).sum()), len(labels))


def brier(labels, probabilities):
    return float(((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(axis=1).mean())


def two_stages(height, width, *, names=("shallow", "deep"), change=lambda layers, stages: stages):
    import keras
    from keras import layers

    inputs = keras.Input((height, width, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    stages = []
    for name, filters in zip(names, (4, 8), strict=True):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu", name=name)(x)
        stages.append(x)
    model = keras.Model(inputs, change(layers, stages))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def backbone(build=two_stages, *, weights=lambda download: Path(__file__), sizes=((64, 64),)):
    return Backbone("toy", build, weights, sizes)


def unnamed(height, width):
    return two_stages(height, width, names=(None, None))


def random_sampler(seed):
    from optuna.samplers import RandomSampler

    return RandomSampler(seed)


def write(path):
    path.write_text("model", encoding="utf-8")
    return path


def refuse(reason):
    def export(run, out):
        raise ExportError(reason)

    return export


def plugin(**hooks):
    return SimpleNamespace(__name__="mine", **{hook: hookimpl(function) for hook, function in hooks.items()})
