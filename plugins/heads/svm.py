"""Support vector machines, linear and with an RBF kernel, with calibrated probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head

if TYPE_CHECKING:
    import keras_tuner


MAX_PAIRED_CLASSES = 40


class CalibrationFolds:
    """Stratified folds whose training parts hold every class, however few items a class has.

    scikit-learn's StratifiedKFold refuses, or warns, where a class has fewer items than there are folds; using
    fewer folds for the sake of one small class would cost all others training items. A class of a single item
    stays in the training part of the fold that tests it. Deterministic: items are dealt out in their order.
    """

    def get_n_splits(self, X: Any = None, y: np.ndarray | None = None, groups: Any = None) -> int:  # noqa: ARG002
        # From a thousand items on, a model of two thirds of them has nearly the margins of the final one.
        return 5 if y is None or len(y) <= 1000 else 3

    def split(
        self,
        X: Any,
        y: np.ndarray,
        groups: Any = None,  # noqa: ARG002
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pairs of row numbers (train, test); every row is tested once. y: (n,) labels of at least 2 items."""
        n_folds = min(self.get_n_splits(X, y), len(y))
        by_class = np.argsort(y, kind="stable")
        fold = np.empty(len(y), dtype=int)
        # Dealing on from class to class, not from 0 in each, keeps the folds of equal size.
        fold[by_class] = np.arange(len(y)) % n_folds
        _, inverse, counts = np.unique(y, return_inverse=True, return_counts=True)
        alone = counts[inverse] == 1
        for number in range(n_folds):
            test = fold == number
            yield np.flatnonzero(~test | alone), np.flatnonzero(test)


def calibrated(classifier: Any) -> Any:
    """Scaling, then the classifier with Platt's sigmoid fitted to its cross-validated margins (Platt 1999).

    `ensemble=False` keeps one classifier instead of one per fold: smaller, and as good on whole data sets.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(),
        CalibratedClassifierCV(classifier, method="sigmoid", ensemble=False, cv=CalibrationFolds()),
    )


def calibrated_pairs(classifier: Any) -> Any:
    """Scaling, then the classifier with a multinomial logistic fitted to its cross-validated pairwise margins.

    It is Platt's scaling for more than two classes. One sigmoid per class would see scikit-learn's sum of the
    pairs' votes instead of margins, which is nearly a step function: on digits (500 training items, RBF kernel)
    the held-out log loss is 1.02 with sigmoids and 0.37 with pairs.
    """
    from sklearn.ensemble import StackingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(),
        StackingClassifier(
            [("svm", classifier)],
            LogisticRegression(max_iter=2000),
            cv=CalibrationFolds(),
            stack_method="decision_function",
        ),
    )


def build_linear(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """A linear SVM (squared hinge, one against the rest) with calibrated probabilities."""
    from sklearn.svm import LinearSVC

    # The squared hinge is steeper than the logistic loss: the same penalty is a far smaller C.
    C = hp.Float("C", 1e-6, 1e-1, sampling="log", default=3e-4)
    return calibrated(LinearSVC(C=C, max_iter=5000, random_state=0))


def build_rbf(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """An SVM with an RBF kernel with calibrated probabilities."""
    from sklearn.svm import SVC

    # Below 0.1 every item is a support vector and the margins vanish.
    C = hp.Float("C", 1e-1, 1e3, sampling="log", default=3.0)
    # Relative to gamma="scale", which is 1 / n_features for standardised features.
    factor = hp.Float("gamma_factor", 0.03, 10.0, sampling="log", default=1.0)
    kernel = {"C": C, "gamma": factor / n_features, "cache_size": 500}
    # Two classes have one margin (and skl2onnx writes a broken graph for a stack of a single one); the number of
    # pairs grows with the square of the classes.
    if 2 < n_classes <= MAX_PAIRED_CLASSES:
        return calibrated_pairs(SVC(decision_function_shape="ovo", **kernel))
    return calibrated(SVC(**kernel))


@hookimpl
def register_heads() -> Iterable[Head]:
    # liblinear copies the features to a sparse format of 16 bytes a number.
    yield Head("linear-svm", build_linear, max_items=20_000)
    # The kernel matrix grows with the square of the items.
    yield Head("rbf-svm", build_rbf, max_items=10_000)
