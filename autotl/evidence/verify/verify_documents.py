"""What a run folder prints: JSON documents by address, the leaderboard, and the report; and how it is compared.

An address is FILE#POINTER, the pointer as in RFC 6901: run.json#/result/test/accuracy/value. A pointer alone is one
into the result in run.json, and several joined by + are the sum of what stands there.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w]|\.\d)")
DASHES = {"–", "-", "", "no interval", "undefined"}
"""How an undefined number is printed."""
NO_END = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


HEADINGS = {"h1", "h2", "h3", "h4"}


class DamagedError(ValueError):
    """A place that cannot be read, with what was found there and what was expected."""

    def __init__(self, where: str, found: object, expected: str) -> None:
        super().__init__(f"{where}: {found}")
        self.difference = (where, found, expected)


class Ledger:
    """The documents of a run folder, and how they differ from what was recomputed.

    differs: (address, found, expected) of each difference.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.documents = folder, dict[str, Any]()
        self.differs, self.covered = list[tuple[str, Any, Any]](), set[str]()

    def document(self, file: str) -> Any:
        """A JSON file, or a table with a dictionary a row; DamagedError if it is missing or cannot be read."""
        if file not in self.documents:
            try:
                with (self.folder / file).open(encoding="utf-8", newline="") as stream:
                    found = list(csv.DictReader(stream)) if file.endswith(".csv") else json.load(stream)
            except OSError as error:
                raise DamagedError(file, "no file that can be opened", "one, as the run wrote it") from error
            except (ValueError, csv.Error, RecursionError) as error:
                raise DamagedError(file, str(error), "a file as the run wrote it") from error
            expected = list if file.endswith((".csv", "panels.json")) else dict
            if not isinstance(found, expected):
                raise DamagedError(file, found, "a list" if expected is list else "an object")
            self.documents[file] = found
        return self.documents[file]

    def at(self, address: str) -> Any:
        """The value at an address; KeyError if there is none."""
        file, hash_, pointer = address.partition("#")
        if not hash_:
            file, pointer = "run.json", "/result" + file
        found = self.document(file)
        for part in pointer.split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(part)] if isinstance(found, list) else found[part]
            except (IndexError, ValueError, TypeError) as error:
                raise KeyError(f"{address} is not there") from error
        return found

    def expect(self, address: str, expected: Any, *, tolerance: float = 1e-9) -> None:
        """Compare the value at an address with what was recomputed."""
        self.covered.add(full(address))
        found = self.get(address)
        if not same(found, expected, tolerance):
            self.differs.append((full(address), found, expected))

    def expect_true(self, address: str, holds: bool, expected: str) -> None:
        """Note a difference unless something holds."""
        if not holds:
            self.differs.append((address, "something else", expected))

    def expect_copy(self, address: str, original: str) -> None:
        """Compare the value at one address with that at another."""
        for place in numbers_of(self.at(original), ""):
            self.expect(address + place, self.at(original + place))

    def expect_interval(
        self, address: str, candidates: Iterable[Sequence[float]], names: Sequence[object] = ("value", "low", "high")
    ) -> None:
        """Compare value and ends with the first candidate that they agree with, or with the first.

        There are several candidates if a slow score was computed on fewer resamples. names: of value and ends below the
        address, such as the columns of a table.
        """
        first = None
        stated = [self.get(f"{address}/{name}") for name in names]
        for one in candidates:
            first = one if first is None else first
            if all(same(a, b, tolerance_of(one)) for a, b in zip(stated, one, strict=True)):
                first = one
                break
        assert first is not None
        for name, number in zip(names, first, strict=True):
            self.expect(f"{address}/{name}", number, tolerance=tolerance_of(first))

    def expect_rows(self, address: str, n: int) -> None:
        """Compare the number of rows of a table."""
        found = self.get(f"{address}/rows")
        if not isinstance(found, list) or len(found) != n:
            self.differs.append((f"{full(address)}/rows", "others", f"{n} rows"))

    def expect_said(self, address: str, words: str) -> None:
        """Note a difference unless a sentence contains these words."""
        found = self.get(address)
        if words not in str(found):
            self.differs.append((full(address), found, f"a sentence with {words!r}"))

    def get(self, address: str) -> Any:
        """The value at an address, or the sum of the values at several; "nothing" if there is none."""
        try:
            first, *others = (self.at(one) for one in re.split(r"\+(?=/)", address))
            return sum(others, first) if others else first
        except (OSError, KeyError, TypeError, ValueError):
            return "nothing"

    def not_covered(self) -> list[str]:
        """Addresses of the numbers in the documents that nothing was compared with."""
        found: list[str] = []
        for document in ("run.json#/result", "evidence/evaluations.json#", "evidence/panels.json#"):
            found += numbers_of(self.get(document), document)
        for place, row in enumerate(self.document("leaderboard.csv") if "leaderboard.csv" in self.documents else ()):
            found += [f"leaderboard.csv#/{place}/{name}" for name in ("value", "low", "high") if row[name]]
        # Only a figure's data count, not its line widths.
        found = [address for address in found if "/spec/" not in address or "/data/values/" in address]
        return [address for address in found if address not in self.covered]


def full(address: str) -> str:
    """An address with its file."""
    return address if "#" in address else f"run.json#/result{address}"


def pointer(*parts: object) -> str:
    """A JSON pointer, with / and ~ of names escaped."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def tolerance_of(interval: Sequence[float]) -> float:
    """The run finds the ends of a score interval to within 2e-3 of its width, less than the last digit printed."""
    width = interval[2] - interval[1]
    return 1e-9 + (2e-3 * width if math.isfinite(width) else 0.0)


def same(found: Any, expected: Any, tolerance: float = 1e-9) -> bool:
    """Whether two values are equal, numbers to a tolerance; an undefined number is None in JSON, empty in a table."""
    if isinstance(expected, bool) or not isinstance(expected, int | float):
        return bool(found == expected)
    if isinstance(expected, float) and not math.isfinite(expected):
        return found is None or found == ""
    try:
        return not isinstance(found, bool) and abs(float(found) - expected) <= tolerance * max(1.0, abs(expected))
    except (TypeError, ValueError):
        return False


def numbers_of(document: Any, address: str) -> Iterator[str]:
    """Addresses of all numbers of a document."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from numbers_of(value, address + pointer(name))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from numbers_of(value, address + pointer(number))
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield address


@dataclass
class PrintedTable:
    """A table of the report: the heading above it, and the texts of its cells, row by row, its head included."""

    heading: str
    rows: list[list[str]]
    loose: list[str]

    def plain(self) -> list[list[str]]:
        """The rows without line breaks."""
        return [[" ".join(cell.split()) for cell in row] for row in self.rows]


class Report(HTMLParser):
    """The report: marked, the texts of elements with data-json; tables; loose, the numbers outside of both; text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.marked, self.tables, self.loose = list[list[Any]](), list[PrintedTable](), list[str]()
        self._open: list[tuple[str, list[Any] | None]] = []
        self._heading, self._words = "", list[str]()
        self.feed(text)
        self.close()
        self.text = " ".join("".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in NO_END:
            return
        mark: list[Any] | None = None
        if "data-json" in attributes:
            mark = [attributes["data-json"], 100 if "data-percent" in attributes else 1, ""]
            self.marked.append(mark)
        if tag in HEADINGS:
            self._heading = ""
        if tag == "table":
            self.tables.append(PrintedTable(self._heading.strip(), [], []))
        elif tag == "tr" and self.tables:
            self.tables[-1].rows.append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1].rows:
            self.tables[-1].rows[-1].append("")
        self._open.append((tag, mark))

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _ in self._open) and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tags, marks = {tag for tag, _ in self._open}, [mark for _, mark in self._open if mark]
        if tags & {"script", "style", "svg"}:
            return
        self._words.append(data)
        if tags & HEADINGS:
            self._heading += data
        for mark in marks:
            mark[2] += data
        if tags & {"td", "th"} and self.tables and self.tables[-1].rows and self.tables[-1].rows[-1]:
            self.tables[-1].rows[-1][-1] += data
        if not marks:
            (self.tables[-1].loose if "table" in tags and self.tables else self.loose).extend(NUMBER.findall(data))


def printed_as(text: str, value: Any, scale: float = 1.0) -> bool:
    """Whether a text prints a value: a text, or a number rounded to the printed digits, plain or in per cent.

    value: also a mapping with value, low and high, which are printed in this order, or the value alone.
    """
    text = " ".join(text.split())
    if isinstance(value, str | bool):
        return text == " ".join(str(value).split())
    text = re.sub(r"\b95 % (CI|interval)", "", text).strip()
    if isinstance(value, dict) and "value" in value:
        parts = [value[name] for name in ("value", "low", "high") if value.get(name) is not None]
        found = NUMBER.findall(text)
        if not parts or not found:
            return not parts and text in DASHES
        scale = scale * 100 if "%" in text and scale == 1 else scale
        return len(found) in (1, len(parts)) and all(_rounds(a, b * scale) for a, b in zip(found, parts, strict=False))
    if value is None:
        return text in DASHES
    found = NUMBER.findall(text.replace(",", "").replace("\u202f", ""))
    if text in DASHES:
        return bool(value == 0) and text == ""  # an empty cell of the confusion matrix
    scale = scale * 100 if "%" in text and scale == 1 else scale
    return len(found) == 1 and _rounds(found[0], float(value) * scale)


def _rounds(printed: str, value: float) -> bool:
    digits, shown = len(printed.partition(".")[2]), float(printed.replace("−", "-"))
    return bool(abs(shown - value) <= 0.5 * 10**-digits * (1 + 1e-6) + 1e-12)


def check_model(ledger: Ledger) -> None:
    """Check that the deployable has its model, and that this is the one that MLmodel names."""
    model = ledger.folder / "champion" / "model.onnx"
    ledger.expect_true("champion/model.onnx", model.is_file(), "the model")
    card = ledger.folder / "champion" / "MLmodel"
    named = re.search(r"^model_uuid: (\w+)$", card.read_text(encoding="utf-8"), re.M) if card.is_file() else None
    if named and model.is_file():
        digest = hashlib.sha256(model.read_bytes()).hexdigest()
        if not digest.startswith(named[1]):
            ledger.differs.append(("champion/model.onnx", f"SHA-256 {digest}", f"{named[1]}…, as in MLmodel"))


def damage(error: Exception, folder: Path, doing: str) -> tuple[str, Any, str]:
    """An error as a difference: names the file or address that cannot be read, if known, or the failed check."""
    if isinstance(error, DamagedError):
        where, found, expected = error.difference
        return where, found, expected
    where, expected = doing, "a finished run, with all its evidence, that can be read"
    if isinstance(error, OSError) and error.filename is not None:
        path = Path(error.filename)
        where = str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
    return where, f"{type(error).__name__}: {error}", expected
