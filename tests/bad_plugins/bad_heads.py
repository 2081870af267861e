"""Heads that misbehave, each in its own way, as third parties ship them."""

from __future__ import annotations

import ctypes
import os
import sys
import time

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head


class Base:
    """A nearest-mean classifier, which the others spoil."""

    def __init__(self, k=1):
        self.k = k

    def get_params(self, deep=True):
        return {"k": self.k}

    def set_params(self, **params):
        self.__dict__.update(params)
        return self

    def fit(self, vectors, labels):
        self.classes_ = np.unique(labels)
        self.means_ = np.stack([vectors[labels == label].mean(axis=0) for label in self.classes_])
        return self

    def predict_proba(self, vectors):
        distances = ((vectors[:, None, :] - self.means_[None]) ** 2).mean(axis=2)
        odds = np.exp(distances.min(axis=1, keepdims=True) - distances)
        return odds / odds.sum(axis=1, keepdims=True)


def spoilt(name, method, change):
    return type(name, (Base,), {method: change})


def raise_error(self, vectors, labels):
    raise ValueError("no such kernel")


def answer_nan(self, vectors):
    return np.full((len(vectors), len(self.classes_)), np.nan)


def answer_too_few(self, vectors):
    return Base.predict_proba(self, vectors)[:, :1]


def sleep(self, vectors, labels):
    time.sleep(600)


def leave(self, vectors, labels):
    os._exit(3)


def crash(self, vectors, labels):
    ctypes.string_at(0)


def leak(self, vectors, labels):
    kept = []
    while True:
        kept.append(np.ones(4_000_000))


def print_much(self, vectors, labels):
    print("a word from the head")
    os.write(1, b"and from its C library\n")
    return Base.fit(self, vectors, labels)


CLASSES = {
    "raises": spoilt("Raises", "fit", raise_error),
    "answers-nan": spoilt("AnswersNan", "predict_proba", answer_nan),
    "answers-too-few": spoilt("AnswersTooFew", "predict_proba", answer_too_few),
    "sleeps": spoilt("Sleeps", "fit", sleep),
    "exits": spoilt("Exits", "fit", leave),
    "quits": spoilt("Quits", "fit", lambda self, vectors, labels: sys.exit(4)),
    "segfaults": spoilt("Segfaults", "fit", crash),
    "leaks": spoilt("Leaks", "fit", leak),
    "prints": spoilt("Prints", "fit", print_much),
}


def build(name):
    def build_head(hp, n_features, n_classes):
        return CLASSES[name](hp.Int("k", 1, 9, default=3))

    return build_head


def unbuildable(hp, n_features, n_classes):
    hp.Float("x", 0, 1)
    raise RuntimeError("it cannot be built")


def killer_in_build(hp, n_features, n_classes):
    os._exit(9)


def not_a_classifier(hp, n_features, n_classes):
    return "a classifier"


@hookimpl
def register_heads():
    for name in CLASSES:
        yield Head(name, build(name))
    yield Head("unbuildable", unbuildable)
    yield Head("exits-when-built", killer_in_build)
    yield Head("not-a-classifier", not_a_classifier)
