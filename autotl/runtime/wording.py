"""How names and numbers stand in messages."""

from __future__ import annotations

from collections.abc import Iterable

MOST_LISTED = 10


def listed(names: Iterable[object], most: int = MOST_LISTED) -> str:
    """The first names, and how many more there are: "a, b and 390 more"."""
    texts = [str(name) for name in names]
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def percent(share: float, digits: int = 0) -> str:
    """A share as sentences give it: "95 %"."""
    return f"{100 * share:.{digits}f} %"


def counted(n: int, one: str, many: str = "") -> str:
    """A number and its noun: "1 image", "1,797 images"; many: the plural where it is not `one` with an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def lower_by(share: float, digits: int = 0) -> str:
    """How much lower something is than it was: "95 % lower"; "5 % higher" for a negative share."""
    if not round(share, digits + 2):
        return "as before"
    return f"{percent(abs(share), digits)} {'lower' if share > 0 else 'higher'}"
