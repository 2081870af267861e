"""What a sample will tell, before anybody labels it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from autotl.evidence.agreement.mean_interval import mean_interval
from autotl.evidence.agreement.model_as_coder import ERROR, MARGIN, POWER

EXPECTED_AGREEMENT = 0.9
"""Of two coders, where nothing is known of them yet."""
_N_CODERS = 3


@dataclass(frozen=True)
class Plan:
    """What n_images, each coded by two people or more, are expected to tell.

    accuracy: half the width of the interval of the model's accuracy; alpha: of Krippendorff's alpha for two coders who
    agree in 90 %. for_as_good: the images it takes to tell, in 80 of 100 cases, that a model is as good as three coders
    who agree in 90 %, if it is.
    """

    n_images: int
    accuracy: float
    alpha: float
    for_as_good: int

    @property
    def sentence(self) -> str:
        """The plan in words."""
        told = "they are enough" if self.n_images >= self.for_as_good else f"it takes about {self.for_as_good}"
        return (
            f"{self.n_images} coded images will tell the model's accuracy within about {100 * self.accuracy:.0f} "
            f"points and Krippendorff's alpha within about {self.alpha:.2f} (two coders who agree on "
            f"{100 * EXPECTED_AGREEMENT:.0f} %); to say that the model is as good as each of {_N_CODERS} such coders, "
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
    """What a sample will tell. shares: float (n_classes,), of the model's answers.

    right: bool (n,), whether the model's answer for each drawn item is the label that the data have, as people are
    expected to say, too. weights, clusters: as in `mean_interval`. Alpha's standard error is that of the agreement
    seen, over the disagreement by chance.
    """
    values = right.astype(float)
    found = mean_interval(values, (0.0, 1.0), weights=weights, clusters=clusters)
    z = NormalDist().inv_cdf(0.975)
    spread = EXPECTED_AGREEMENT * (1 - EXPECTED_AGREEMENT)
    by_chance = max(1 - float((shares**2).sum()), 1e-9)
    alpha = z * math.sqrt(spread / len(right)) / by_chance
    both = NormalDist().inv_cdf(1 - ERROR / _N_CODERS) + NormalDist().inv_cdf(POWER)
    # Model and coder answer differently on about as many images as two coders do.
    needed = math.ceil(both**2 * (1 - EXPECTED_AGREEMENT) / MARGIN**2)
    return Plan(len(right), (found.high - found.low) / 2, min(alpha, 1.0), needed)
