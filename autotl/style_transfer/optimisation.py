"""Finds the image of the least loss by L-BFGS-B, whose bounds keep its pixels in their range.

Byrd et al. 1995, "A limited memory algorithm for bound constrained optimization"; Gatys et al. 2016 use L-BFGS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autotl.errors import PluginError
from autotl.runtime import interruption
from autotl.runtime.blas_threads import limit_threads

_EVALUATIONS_PER_STEP = 2
"""At most on average; a step usually takes one."""


@dataclass(frozen=True)
class Optimised:
    """The best image found. image: float32, pixels from 0 to 1; steps: how many were taken."""

    image: np.ndarray
    steps: int
    interrupted: bool = False


def minimise(
    loss: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    start: np.ndarray,
    *,
    steps: int,
    after_step: Callable[[int, np.ndarray], None],
) -> Optimised:
    """Take so many steps, fewer where nothing gets better.

    An interruption after the first step ends it with the best image so far.

    loss: of an image, its terms and their gradient, as `keras_backend.with_gradient` makes it. start: pixels from 0 to
    1. after_step(number from 1, image): called after each. Raises PluginError where the loss is not finite.
    """
    from scipy.optimize import Bounds, minimize

    best, taken, interrupted = start.astype(np.float32), 0, False

    def total(flat: np.ndarray) -> tuple[float, np.ndarray]:
        interruption.raise_if_requested()
        terms, gradient = loss(flat.reshape(start.shape).astype(np.float32))
        if not (np.isfinite(terms).all() and np.isfinite(gradient).all()):
            raise PluginError(
                "the loss is not finite: the weights or the preprocessing of the backbone are broken. Give another "
                "--backbone."
            )
        return float(terms.sum(dtype=np.float64)), gradient.astype(np.float64).ravel()

    def keep(intermediate_result: Any) -> None:
        nonlocal best, taken
        best, taken = intermediate_result.x.reshape(start.shape).astype(np.float32), taken + 1
        after_step(taken, best)

    try:
        # Its many short products of vectors take eight times as long with two threads, which wait for each other.
        with limit_threads(1):
            minimize(
                total, start.astype(np.float64).ravel(), jac=True, method="L-BFGS-B", bounds=Bounds(0.0, 1.0),
                callback=keep,
                options={"maxiter": steps, "maxfun": _EVALUATIONS_PER_STEP * steps, "ftol": 0.0, "gtol": 0.0},
            )  # fmt: skip
    except KeyboardInterrupt:
        if not taken:
            raise
        interrupted = True
    return Optimised(best, taken, interrupted)
