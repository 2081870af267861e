"""Extremely randomised trees (Geurts et al. 2006): a forest that also draws its thresholds at random."""

import autotl
from autotl.interfaces import Head


def build(hp, n_features, n_classes):
    from sklearn.ensemble import ExtraTreesClassifier

    trees = hp.Int("trees", 50, 500, sampling="log", default=100)
    leaf = hp.Int("min_items_per_leaf", 1, 5, default=1)
    return ExtraTreesClassifier(trees, min_samples_leaf=leaf, random_state=0)


@autotl.hookimpl
def register_heads():
    yield Head("extra-trees", build)
