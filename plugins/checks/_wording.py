"""How the checks put numbers and names into words."""

from __future__ import annotations


def count(n: int, one: str, many: str = "") -> str:
    """A number and its noun: "1 image", "1,797 images"; many: the plural where it is not `one` with an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(names: list[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")
