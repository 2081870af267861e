"""Linear regression by Huber's loss (Huber 1964): a few numbers that are far off do not decide."""

import autotl
from autotl.interfaces import Head


def build(hp, n_features, n_outputs):
    from sklearn.linear_model import HuberRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    alpha = hp.Float("alpha", 1e-4, 1e2, sampling="log", default=1.0)
    return make_pipeline(StandardScaler(), HuberRegressor(alpha=alpha, max_iter=1000))


@autotl.hookimpl
def register_heads():
    yield Head("robust-regression", build, on_components=True, targets=("number",))
