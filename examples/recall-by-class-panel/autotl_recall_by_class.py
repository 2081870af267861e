"""A table of the classes, the hardest one first."""

import numpy as np

import autotl
from autotl.interfaces import Panel, Table


def show(run, tested):
    hits = tested.probabilities.argmax(axis=1) == tested.labels
    rows = []
    for number, name in enumerate(run.dataset.classes):
        own = tested.labels == number
        rows.append((name, int(own.sum()), round(float(np.mean(hits[own])), 3) if own.any() else None))
    rows.sort(key=lambda row: (row[2] is None, row[2]))
    yield Table(
        "Recall by class", ("class", "test images", "recall"), tuple(rows), note="The hardest class comes first."
    )


@autotl.hookimpl
def register_panels():
    yield Panel("recall-by-class", show)
