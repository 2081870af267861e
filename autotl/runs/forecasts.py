"""Forecasts: what a run expects early, each with an 80 % interval, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

CHAMPION, FINE_TUNING, TEN_MORE, TWICE = "champion", "fine-tuning", "ten-more", "twice"
KINDS = (CHAMPION, FINE_TUNING, TEN_MORE, TWICE)
SUBJECTS = {
    CHAMPION: "the champion on the test split",
    FINE_TUNING: "fine-tuning, over the best probe",
    TEN_MORE: "the untuned default with 10 more images of each class",
    TWICE: "the untuned default with twice the images",
}


@dataclass(frozen=True)
class Forecast:
    """One expectation of a run.

    kind: one of KINDS. value, low, high: of the objective, or for "fine-tuning" of its change; the interval is to hold
    in 80 of 100 cases; NaN where nothing is forecast, and why_not says why. now: what is known already, the default's
    cross-validated score; NaN where that does not apply. n_images: development images that it is about. made_at:
    seconds since the run began. minutes: what it takes on this machine, 0 for data, which somebody has to collect.
    outcome: None until known. what: the subject in the words of the run, where they differ from those of images.
    """

    kind: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    now: float = math.nan
    n_images: int = 0
    made_at: float = 0.0
    minutes: float = 0.0
    why_not: str = ""
    outcome: float | None = None
    what: str = ""

    @property
    def is_made(self) -> bool:
        """Whether anything is forecast."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def held(self) -> bool | None:
        """Whether the outcome was in the interval; None while it is not known."""
        if self.outcome is None or not self.is_made:
            return None
        rounding = 1e-9
        return self.low - rounding <= self.outcome <= self.high + rounding

    @property
    def subject(self) -> str:
        """What it is about, in words."""
        return self.what or SUBJECTS.get(self.kind, self.kind)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """A row of a table: subject, forecast, minutes, outcome."""
        if not self.is_made:
            return self.subject, f"none: {self.why_not}", "", ""
        sign = "+" if self.kind == FINE_TUNING else ""
        said = f"{self.value:{sign}.3f} ({self.low:{sign}.3f} to {self.high:{sign}.3f})"
        minutes = f"{self.minutes:.1f}" if self.minutes else "-"
        if self.outcome is None:
            return self.subject, said, minutes, "open"
        return self.subject, said, minutes, f"{self.outcome:{sign}.3f}, {'held' if self.held else 'missed'}"

    def to_json(self) -> dict[str, object]:
        """Plain values; undefined numbers are None."""
        numbers = {name: getattr(self, name) for name in ("value", "low", "high", "now")}
        return {
            "kind": self.kind, "what": self.subject,
            **{name: number if math.isfinite(number) else None for name, number in numbers.items()},
            "n_images": self.n_images, "made_at": round(self.made_at, 1), "minutes": round(self.minutes, 2),
            "why_not": self.why_not, "outcome": self.outcome, "held": self.held,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Forecast:
        """Read what `to_json` returned."""

        def number(name: str) -> float:
            found = document.get(name)
            return math.nan if found is None else float(found)

        outcome = document.get("outcome")
        return cls(
            kind=str(document["kind"]), value=number("value"), low=number("low"), high=number("high"),
            now=number("now"), n_images=int(document.get("n_images") or 0),
            made_at=float(document.get("made_at") or 0.0), minutes=float(document.get("minutes") or 0.0),
            why_not=str(document.get("why_not") or ""), outcome=None if outcome is None else float(outcome),
            what="" if (what := str(document.get("what") or "")) == SUBJECTS.get(document["kind"]) else what,
        )  # fmt: skip


COLUMNS = ("forecast of", "80 % interval", "minutes", "outcome")
"""Titles for `Forecast.cells`."""


def graded(stored: Sequence[Mapping[str, Any]], *, test: float, tuned: float | None) -> tuple[Forecast, ...]:
    """The forecasts that run.json keeps, with the outcomes that the run itself knows.

    test: the champion's score on the test split; tuned: what fine-tuning changed, None if it was not tried.
    """
    outcomes = {CHAMPION: test, FINE_TUNING: tuned}
    found = []
    for forecast in map(Forecast.from_json, stored):
        outcome = outcomes.get(forecast.kind)
        known = outcome is not None and math.isfinite(outcome) and forecast.is_made
        found.append(replace(forecast, outcome=outcome) if known else forecast)
    return tuple(found)
