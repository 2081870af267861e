"""What quotation marks in a CSV file are: around cells that may have several lines, or letters of their own."""

from __future__ import annotations

import csv
import threading
from itertools import islice
from pathlib import Path

_LIMIT = threading.Lock()
_MOST_LETTERS_OF_A_CELL = 2**31 - 1


def quotes_are_closed(path: Path, mark: str, encoding: str, skipped: int) -> bool:
    """Whether every cell that begins with a quotation mark ends with one, before the mark or the line's end.

    mark: between cells. skipped: lines before the table.
    """
    with _LIMIT, path.open(encoding=encoding, newline="") as file:
        before = csv.field_size_limit(_MOST_LETTERS_OF_A_CELL)
        try:
            for _ in csv.reader(islice(file, skipped, None), delimiter=mark, strict=True, skipinitialspace=True):
                pass
        except csv.Error:
            return False
        finally:
            csv.field_size_limit(before)
    return True


def quotes_are_letters(path: Path, mark: str, encoding: str, skipped: int) -> bool:
    """Whether every line is a row of as many cells as the first where quotation marks mean nothing; see above."""
    with path.open(encoding=encoding) as file:
        counts = {line.count(mark) for line in islice(file, skipped, None) if line.strip()}
    return len(counts) == 1 and counts != {0}
