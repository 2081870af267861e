"""Paths in the cells of tables that people open in a spreadsheet."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last are wide


def unlike_formula(path: str) -> str:
    """The same path, with "./" before one that a spreadsheet would run as a formula, such as "=1+1.png".

    OWASP advises an apostrophe ("CSV Injection"), which would make it the path of another file.
    """
    return f"./{path}" if path.startswith(_FORMULA_STARTS) else path
