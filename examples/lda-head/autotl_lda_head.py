"""Linear discriminant analysis on principal components, once the standard for faces ("Fisherfaces")."""

import autotl
from autotl.interfaces import Head


def build(hp, n_features, n_classes):
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline

    variance = hp.Float("variance", 0.5, 0.99, default=0.95)
    return make_pipeline(PCA(variance, svd_solver="full"), LinearDiscriminantAnalysis("lsqr", shrinkage="auto"))


@autotl.hookimpl
def register_heads():
    yield Head("lda", build)
