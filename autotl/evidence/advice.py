"""One sentence of advice, from all that a search has found: it claims what the search and the test both show."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autotl.evidence.verdicts import duration, in_words, is_better, is_worse
from autotl.interfaces import ScoreInterval
from autotl.runs.summaries import RefitSummary
from autotl.runs.verdicts import DefaultVerdict, FineTuningVerdict
from autotl.trial import ENSEMBLE, FINE_TUNE

FEW_TESTED = 20
"""With fewer test images hardly any difference can be seen."""
_NAMES = {FINE_TUNE: "the fine-tuned network", ENSEMBLE: "the ensemble of probes"}


@dataclass(frozen=True)
class Findings:
    """What the advice follows from.

    strategy: the champion's. is_default: whether the champion is the untuned default. n_others: other trials that were
    run. n_development, n_tested: images that the search saw, and that were held out. n_passed_over: better trials that
    could not be used. refit: what a refit changed; None for a search.
    """

    objective: str
    larger_is_better: bool
    strategy: str
    is_default: bool
    fine_tuning: FineTuningVerdict
    over_default: DefaultVerdict
    n_others: int
    n_development: int
    n_tested: int
    n_passed_over: int = 0
    refit: RefitSummary | None = None

    def amount(self, difference: ScoreInterval) -> str:
        """A difference with its interval and its unit."""
        return in_words(difference, self.objective, larger_is_better=self.larger_is_better)

    def short(self, difference: ScoreInterval) -> str:
        """A difference with its interval, where the unit has been said."""
        scale, digits = (100, 1) if self.larger_is_better else (1, 3)
        numbers = [f"{scale * x:+.{digits}f}" for x in (difference.value, difference.low, difference.high)]
        if not math.isfinite(difference.low):
            return f"{numbers[0]}, without an interval"
        return f"{numbers[0]}, {numbers[1]} to {numbers[2]}"

    def clearly(self, difference: ScoreInterval | None, way: str) -> bool:
        """Whether a difference is known to be "better" or "worse"."""
        judge = is_better if way == "better" else is_worse
        return difference is not None and judge(difference, self.larger_is_better)


def advise(found: Findings) -> str:
    """What to use, and why, in one sentence without a full stop."""
    if found.refit:
        return _of_refit(found, found.refit)
    if found.strategy == FINE_TUNE:
        return _of_fine_tuned(found)
    said = _of_default(found) if found.is_default else _of_frozen(found)
    return f"{said}; {_on_fine_tuning(found)}"


def _of_refit(found: Findings, refit: RefitSummary) -> str:
    difference = refit.difference
    if difference is None:
        return "Use the refitted model, though nothing tells whether it is better than the one before"
    amount = found.amount(difference)
    if found.clearly(difference, "better"):
        return f"Use the refitted model: on the same test images it is better than the one before, {amount}"
    if found.clearly(difference, "worse"):
        return f"Keep the model before: on the same test images the refitted one is worse, {amount}"
    return f"Use either model: on the same test images the refitted one cannot be told from the one before, {amount}"


def _of_default(found: Findings) -> str:
    if found.n_passed_over:
        others = "a better trial" if found.n_passed_over == 1 else f"{found.n_passed_over} better trials"
        return f"Use the untuned default: {others} could not be exported or fitted again"
    if not found.n_others:
        return "Use the untuned default: nothing else was tried"
    best = found.over_default.searched
    numbers = f" (the best of the others in the search: {found.amount(best)})" if best else ""
    return f"The untuned default is enough: nothing that was tried was better beyond chance{numbers}"


def _of_frozen(found: Findings) -> str:
    """The champion is a probe, or an ensemble of probes, and not the default."""
    what, test, search = _NAMES.get(found.strategy, "the tuned probe"), found.over_default.difference, None
    if found.over_default.searched:
        search = found.short(found.over_default.searched)
    assert test is not None
    in_search = f"in the search: {search}" if search else "in the search"
    if not math.isfinite(test.low) or (found.n_tested < FEW_TESTED and not found.clearly(test, "better")):
        return f"Label more images before relying on a choice: {found.n_tested} test images are too few to tell " \
               f"{what} from the untuned default"  # fmt: skip
    if found.clearly(test, "better"):
        return f"Use {what}: it beats the untuned default by {found.amount(test)} on the test split ({in_search})"
    if found.clearly(test, "worse"):
        return f"Use the untuned default instead of the champion: {what} is worse on the test split, " \
               f"{found.amount(test)} ({in_search})"  # fmt: skip
    sign = 1 if found.larger_is_better else -1
    both = f"test {found.amount(test)}; {in_search}"
    if not found.clearly(found.over_default.searched, "better"):
        return f"The untuned default would do as well: {what} is not better beyond chance ({both})"
    if sign * test.value > 0:
        return f"Use {what}: it was better than the untuned default in the search, and {found.n_tested} test images " \
               f"do not contradict that ({both})"  # fmt: skip
    return f"Do not count on more than the untuned default gives: {what} was better in the search, and not on the " \
           f"test split ({both})"  # fmt: skip


def _of_fine_tuned(found: Findings) -> str:
    verdict = found.fine_tuning
    cost = duration(verdict.seconds)
    assert verdict.difference is not None
    against = f"{found.amount(verdict.difference)}{_measured_on(found)}"
    on_test = f"; test {found.short(verdict.tested)}" if verdict.tested else ""
    if verdict.pays:
        return f"Use the fine-tuned network: it is better than the best frozen backbone, in the search {against}" \
               f"{on_test}, for {cost} of training"  # fmt: skip
    if found.clearly(verdict.difference, "worse"):
        return f"Use a frozen backbone instead of the champion: fine-tuning for {cost} is worse, {against}{on_test}"
    if found.clearly(verdict.difference, "better"):
        return f"Do not rely on the fine-tuned network: it looked better than a frozen backbone in the search, " \
               f"{against}, but that does not hold beyond doubt{on_test}"  # fmt: skip
    return f"A frozen backbone would do as well: fine-tuning for {cost} made no clear difference, {against}{on_test}"


def _on_fine_tuning(found: Findings) -> str:
    """What is to be said of fine-tuning where something else is the champion."""
    verdict = found.fine_tuning
    if verdict.difference is None:
        return verdict.claim
    numbers, cost = f"{found.short(verdict.difference)}{_measured_on(found)}", duration(verdict.seconds)
    if verdict.pays:
        return f"a fine-tuned network was better in the search ({numbers}), and could not be used"
    if found.clearly(verdict.difference, "worse"):
        return f"fine-tuning for {cost} was worse than a frozen backbone ({numbers})"
    return f"fine-tuning for {cost} did not pay beyond doubt ({numbers})"


def _measured_on(found: Findings) -> str:
    """How few images that rests on, where it is not all of them."""
    n = found.fine_tuning.n_items
    return f", measured on {n} images only" if n < found.n_development else ""
