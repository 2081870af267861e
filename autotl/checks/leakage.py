"""Leakage: near-duplicate pairs that a random split would have divided between training and test."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

from autotl.data.dataset import Dataset
from autotl.data.split import LEFT_OUT_FOLD, TEST_FOLD, TEST_FRACTION, Split
from autotl.interfaces import ScoreInterval
from autotl.runtime.wording import listed
from autotl.targets import strata

_N_DRAWS = 20


@dataclass(frozen=True)
class Leaks:
    """Near-duplicate pairs, and how many of them have one member in the test split and one outside it.

    at_random: the mean over 20 random stratified splits. here: in the split that is used; 0 unless a chain of
        weak pairs was cut or classes were set apart. left_out: items left out because a given split would have leaked
        them. apart: see `Split`.
    """

    pairs: int
    at_random: float
    here: int
    left_out: int
    apart: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The numbers in a sentence."""
        if not self.pairs:
            return "no near-duplicates were found"
        return (
            f"of {self.pairs} near-duplicate pairs, a random split would have put {self.at_random:.0f} on both sides "
            f"of the test split; this one has {self.here}{self._set_apart()}"
        )

    def _set_apart(self) -> str:
        if not self.apart:
            return ""
        one = len(self.apart) == 1
        return (
            f"; in the class{'' if one else 'es'} {listed(self.apart)}, likely near-duplicates count as different "
            f"images, since {'it' if one else 'they'} could not be divided otherwise"
        )


def count_leaks(dataset: Dataset, split: Split, *, seed: int) -> Leaks:
    """Count the pairs divided by this split and by random ones."""
    from sklearn.model_selection import StratifiedShuffleSplit

    first, second = dataset.pairs["first"].to_numpy(), dataset.pairs["second"].to_numpy()
    left_out = int((split.fold == LEFT_OUT_FOLD).sum())
    used = (split.fold[first] != LEFT_OUT_FOLD) & (split.fold[second] != LEFT_OUT_FOLD)
    tested = split.fold == TEST_FOLD
    here = int((used & (tested[first] != tested[second])).sum())
    if not len(first):
        return Leaks(0, 0.0, 0, left_out)
    alike = strata(dataset.labels)
    # A fifth of many classes with four images each would be fewer images than classes.
    n_tested = max(math.ceil(TEST_FRACTION * len(tested)), int(alike.max(initial=0)) + 1)
    draws = StratifiedShuffleSplit(_N_DRAWS, test_size=n_tested, random_state=seed)
    crossing = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
        for _, test in draws.split(alike, alike):
            drawn = np.zeros(len(tested), dtype=bool)
            drawn[test] = True
            crossing.append(int((drawn[first] != drawn[second]).sum()))
    return Leaks(len(first), float(np.mean(crossing)), here, left_out, split.apart)


def inflation_sentence(inflation: ScoreInterval) -> str:
    """The sentence about what leakage would add to the accuracy of the untuned default, in 0..1."""
    value, low, high = (100 * number for number in (inflation.value, inflation.low, inflation.high))
    doubt = "" if low > 0 or high < 0 else ", which may be chance"
    return (
        "cross-validation that ignores near-duplicates and groups shows the untuned default "
        f"{value:+.1f} points of accuracy more (95 % CI {low:+.1f} to {high:+.1f}){doubt}"
    )
