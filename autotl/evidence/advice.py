"""One sentence of advice, from all that a search has found: it claims what the search and the test both show."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autotl.evidence.verdicts import is_better, is_worse
from autotl.interfaces import ScoreInterval
from autotl.runs.summaries import RefitSummary
from autotl.runs.verdicts import DefaultVerdict, FineTuningVerdict
from autotl.runtime.durations import duration
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

    def numbers(self, *measured: tuple[str, ScoreInterval | None], unit: bool = True) -> str:
        """Differences by where they were measured, in brackets; the first names the unit, where asked for."""
        told: list[str] = []
        for where, difference in measured:
            if difference:
                told.append(f"{where} {self._amount(difference, unit=unit and not told)}")
        return f" ({'; '.join(told)})" if told else ""

    def _amount(self, difference: ScoreInterval, *, unit: bool) -> str:
        scale, digits = (100, 1) if self.larger_is_better else (1, 3)
        ends = (difference.value, difference.low, difference.high)
        value, low, high = (f"{round(scale * x, digits) + 0.0:+.{digits}f}" for x in ends)  # no -0.0
        what = f"{' points of' * self.larger_is_better} {self.objective}, 95 % CI" if unit else ","
        if not math.isfinite(difference.low):
            return f"{value}{what.removesuffix(', 95 % CI').removesuffix(',')}, without an interval"
        return f"{value}{what} {low} to {high}"

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
    if found.is_default and not found.n_others:
        return "Use the untuned default: nothing else was tried"
    said = _of_default(found) if found.is_default else _of_frozen(found)
    return f"{said}; {_on_fine_tuning(found, unit='95 % CI' not in said)}"


def _of_refit(found: Findings, refit: RefitSummary) -> str:
    difference, numbers = refit.difference, found.numbers(("test", refit.difference))
    if difference is None:
        return "Use the refitted model, though nothing tells whether it is better than the one before"
    if found.clearly(difference, "better"):
        return f"Use the refitted model: on the same test images it is better than the one before{numbers}"
    if found.clearly(difference, "worse"):
        return f"Keep the model before: on the same test images the refitted one is worse{numbers}"
    return f"Use either model: on the same test images the refitted one cannot be told from the one before{numbers}"


def _of_default(found: Findings) -> str:
    if found.n_passed_over:
        others = "a better trial" if found.n_passed_over == 1 else f"{found.n_passed_over} better trials"
        return f"Use the untuned default: {others} could not be exported or fitted again"
    best = found.numbers(("best of the others in the search:", found.over_default.searched))
    return f"The untuned default is enough: nothing that was tried was better beyond chance{best}"


def _of_frozen(found: Findings) -> str:
    """The champion is a probe, or an ensemble of probes, and not the default."""
    what, verdict = _NAMES.get(found.strategy, "the tuned probe"), found.over_default
    test, search = verdict.difference, verdict.searched
    assert test is not None
    numbers = found.numbers(("search", search), ("test", test))
    if not math.isfinite(test.low) or (found.n_tested < FEW_TESTED and not found.clearly(test, "better")):
        return f"Label more images before relying on a choice: {found.n_tested} test images are too few to tell " \
               f"{what} from the untuned default{numbers}"  # fmt: skip
    if found.clearly(test, "better"):
        return f"Use {what}: it beats the untuned default on the test split{numbers}"
    if found.clearly(test, "worse"):
        return f"Use the untuned default instead of the champion: {what} is worse on the test split{numbers}"
    if not found.clearly(search, "better"):
        return f"The untuned default would do as well: {what} is not better beyond chance{numbers}"
    if (test.value > 0) == found.larger_is_better and test.value:
        return f"Use {what}: it beats the untuned default in the search, and {found.n_tested} test images do not " \
               f"contradict that{numbers}"  # fmt: skip
    return f"Do not count on more than the untuned default gives: {what} was better in the search, and not on the " \
           f"test split{numbers}"  # fmt: skip


def _of_fine_tuned(found: Findings) -> str:
    verdict = found.fine_tuning
    cost = duration(verdict.seconds)
    numbers = found.numbers((_where(found), verdict.difference), ("test", verdict.tested))
    if verdict.pays:
        return f"Use the fine-tuned network: it beats the best frozen backbone{numbers}, for {cost} of training"
    if found.clearly(verdict.difference, "worse"):
        return f"Use a frozen backbone instead of the champion: fine-tuning for {cost} is worse{numbers}"
    if found.clearly(verdict.difference, "better"):
        return f"Do not rely on the fine-tuned network: it looked better than a frozen backbone in the search, and " \
               f"that does not hold beyond doubt{numbers}"  # fmt: skip
    return f"A frozen backbone would do as well: fine-tuning for {cost} made no clear difference{numbers}"


def _on_fine_tuning(found: Findings, *, unit: bool) -> str:
    """What is to be said of fine-tuning where something else is the champion. unit: it has not been named yet."""
    verdict = found.fine_tuning
    if not verdict.tried:
        return verdict.claim
    numbers, cost = found.numbers((_where(found), verdict.difference), unit=unit), duration(verdict.seconds)
    if verdict.pays:
        return f"a fine-tuned network was better, and could not be used{numbers}"
    if found.clearly(verdict.difference, "worse"):
        return f"fine-tuning for {cost} was worse than a frozen backbone{numbers}"
    return f"fine-tuning for {cost} did not pay beyond doubt{numbers}"


def _where(found: Findings) -> str:
    """Where fine-tuning was measured: in the search, and on how few images where these are not all."""
    n = found.fine_tuning.n_items
    return f"search, {n} images only:" if n < found.n_development else "search"
