"""Linear discriminant analysis: no gradient descent, so it is fitted in an instant."""

import autotl
from autotl.interfaces import Head


def build(hp, n_features, n_classes):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    # Features outnumber items here: without shrinkage the covariance could not be inverted.
    shrinkage = hp.Float("shrinkage", 0.01, 1.0, sampling="log", default=0.3)
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)


@autotl.hookimpl
def register_heads():
    yield Head("lda", build)
