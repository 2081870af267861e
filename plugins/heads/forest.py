"""Random forest, with its parameters searched, and as it is used in a published recipe for texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head, Recipe

if TYPE_CHECKING:
    import keras_tuner


def build(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """A random forest; trees need no scaled features."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=hp.Int("n_estimators", 100, 500, sampling="log", default=200),
        max_features=hp.Choice("max_features", ["sqrt", "log2"], default="sqrt"),
        min_samples_leaf=hp.Int("min_samples_leaf", 1, 10, sampling="log", default=1),
        n_jobs=-1,
        random_state=0,
    )


def build_as_published(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """A random forest of 100 trees with the defaults of scikit-learn; nothing is searched."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=100, n_jobs=-1, random_state=0)


@hookimpl
def register_heads() -> Iterable[Head]:
    # More would take hours, and gigabytes: trees want the features themselves, not components.
    yield Head("random-forest", build, max_items=30_000)
    # Averages of the 50 numbers that GloVe has for each word, and a forest on them: an AUC of 0.74 in its source.
    recipe = Recipe(strategy="probe", backbone="glove-6b-50d", pooling="avg")
    yield Head("glove-forest", build_as_published, recipe=recipe)
