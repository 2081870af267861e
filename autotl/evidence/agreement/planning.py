"""The precision to expect from a sample, before it is labelled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from autotl.evidence.agreement.mean_interval import mean_interval
from autotl.evidence.agreement.model_as_coder import ERROR, MARGIN, POWER

EXPECTED_AGREEMENT = 0.9
"""The agreement of two coders that is assumed before any labels are known."""
_N_CODERS = 3


@dataclass(frozen=True)
class Plan:
    """The precision to expect from n_images, each coded by at least two people.

    accuracy: half the width of the interval of the model's accuracy. alpha: half the width of the interval of
    Krippendorff's alpha, for two coders who agree on 90 % of the items. for_as_good: number of images needed to show,
    with a power of 80 %, that a model is as good as each of three coders who agree on 90 %, if it is.
    """

    n_images: int
    accuracy: float
    alpha: float
    for_as_good: int

    @property
    def sentence(self) -> str:
        """The plan in plain language."""
        told = "they are enough" if self.n_images >= self.for_as_good else f"it takes about {self.for_as_good}"
        return (
            f"{self.n_images} coded images will give the model's accuracy within about {100 * self.accuracy:.0f} "
            f"points and Krippendorff's alpha within about {self.alpha:.2f} (two coders who agree on "
            f"{100 * EXPECTED_AGREEMENT:.0f} %); to show that the model is as good as each of {_N_CODERS} such coders, "
            f"{told}."
        )

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "n_images": self.n_images, "accuracy_within": self.accuracy, "alpha_within": self.alpha,
            "images_for_as_good": self.for_as_good, "sentence": self.sentence,
        }  # fmt: skip


def plan(
    right: np.ndarray, shares: np.ndarray, *, weights: np.ndarray | None = None, clusters: np.ndarray | None = None
) -> Plan:
    """The precision to expect from a sample.

    right: bool (n,), whether the model's answer for each sampled item equals the label in the data, which people are
    expected to confirm. shares: float (n_classes,), the share of each class among the model's answers. weights,
    clusters: as in `mean_interval`. The standard error of alpha is that of the observed agreement, divided by the
    disagreement expected by chance.
    """
    values = right.astype(float)
    found = mean_interval(values, (0.0, 1.0), weights=weights, clusters=clusters)
    z = NormalDist().inv_cdf(0.975)
    spread = EXPECTED_AGREEMENT * (1 - EXPECTED_AGREEMENT)
    by_chance = max(1 - float((shares**2).sum()), 1e-9)
    alpha = z * math.sqrt(spread / len(right)) / by_chance
    both = NormalDist().inv_cdf(1 - ERROR / _N_CODERS) + NormalDist().inv_cdf(POWER)
    # The model is assumed to disagree with a coder about as often as two coders do.
    needed = math.ceil(both**2 * (1 - EXPECTED_AGREEMENT) / MARGIN**2)
    return Plan(len(right), (found.high - found.low) / 2, min(alpha, 1.0), needed)
