"""A head that mostly waits, as one on another machine would: it shows what is lost beside the trials themselves."""

from __future__ import annotations

import os
import time
from pathlib import Path

from autotl import hookimpl
from autotl.interfaces import Head


def build(hp, n_features, n_classes):
    """A logistic regression whose fit sleeps; what is fitted is an ordinary one, which can be exported."""
    from sklearn.linear_model import LogisticRegression

    class Sleeper(LogisticRegression):
        def fit(self, features, labels):
            began = time.time()
            time.sleep(float(os.environ.get("SLEEPER_SECONDS", "1")))
            if log := os.environ.get("SLEEPER_LOG"):
                with Path(log).open("a") as file:
                    file.write(f"{began} {time.time()}\n")
            super().fit(features, labels)
            self.__class__ = LogisticRegression
            return self

    return Sleeper(C=hp.Float("C", 0.01, 10.0, sampling="log", default=1.0))


@hookimpl
def register_heads():
    """Offer it."""
    return [Head("sleeper", build)]
