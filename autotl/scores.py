"""A value with its interval: the one type for scores and for differences of scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreInterval:
    """A value with its interval, of 95 % where nothing else is said.

    Each number is NaN where it is undefined, and `None` in JSON, which has no NaN.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def is_defined(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether the data allow an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    def __eq__(self, other: object) -> bool:
        # Undefined values are equal here: records that hold them are compared.
        return isinstance(other, ScoreInterval) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(tuple(self.to_json().values()))

    @property
    def digits(self) -> int:
        """Decimal places at which the two ends read differently: 3, or as many more as that takes, at most 9."""
        if not self.has_interval or self.low == self.high:
            return 3
        return next((digits for digits in range(3, 9) if f"{self.low:.{digits}f}" != f"{self.high:.{digits}f}"), 9)

    @property
    def ends(self) -> str:
        """The two ends as they are printed."""
        return f"{self.low:.{self.digits}f} to {self.high:.{self.digits}f}" if self.has_interval else "no interval"

    def percent(self, digits: int = 0) -> str:
        """A share in per cent, as sentences print it: "71 % (66 to 76)"; "unknown" if it is undefined."""
        if not self.is_defined:
            return "unknown"
        value, low, high = (f"{100 * number:.{digits}f}" for number in (self.value, self.low, self.high))
        return f"{value} %" + (f" ({low} to {high})" if self.has_interval else "")

    def __str__(self) -> str:
        if not self.is_defined:
            return "undefined"
        return f"{self.value:.{self.digits}f}" + (f" ({self.ends})" if self.has_interval else "")

    def rounded(self, digits: int = 3) -> tuple[float, float, float]:
        """Return the value and the two ends as a table shows them."""
        return round(self.value, digits), round(self.low, digits), round(self.high, digits)

    def to_json(self) -> dict[str, float | None]:
        """Return `{"value", "low", "high"}`."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return {name: number if math.isfinite(number) else None for name, number in numbers.items()}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> ScoreInterval:
        """Read what `to_json` returned; a number that is missing or of another type is undefined."""
        found = (document.get(name) for name in ("value", "low", "high"))
        return cls(*(float(number) if isinstance(number, int | float) else math.nan for number in found))


UNDEFINED = ScoreInterval()
