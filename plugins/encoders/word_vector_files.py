"""Vectors of words in text files as an encoder: `--backbones glove.6B.50d.txt`, or the `.vec` of word2vec and fastText.

A line is a word and its numbers, separated by spaces; a first line of two numbers, as in `.vec` files, is skipped. A
text is the mean and the maximum of the vectors of its words.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autotl.errors import ConfigError
from autotl.hookspecs import hookimpl
from autotl.interfaces import EncoderFormat, TextEncoder
from autotl.runtime.user_paths import expand_home, why_no_file
from autotl_plugins.encoders._kept_networks import file_digest, kept_network
from autotl_plugins.encoders._word_vectors import N_TOKENS, UNKNOWN, lookup_graph, with_unknown, word_tokenizer

if TYPE_CHECKING:
    import onnx

_SUFFIXES = (".txt", ".vec")
_PUBLISHED = re.compile(r"glove\.(6B|42B|840B|twitter\.27B)\.\d+d\.txt")
"""The names of the files of the Stanford NLP Group."""
_LEAST_WIDTH, _MOST_WIDTH = 5, 2000
_MOST_WORDS = 500_000
"""Files list frequent words first; what follows is rare, and would make a deployable of gigabytes."""
_MOST_BYTES = 1_500_000_000
_LINES_TOGETHER = 20_000
_LONGEST_LINE = 100_000
_VERSION = 1
"""Raise it when something else is kept of a file than before."""


@hookimpl
def register_encoder_formats() -> Iterable[EncoderFormat]:
    yield EncoderFormat("word-vectors", open_vectors, "glove.FILE.txt or FILE.vec")


class _Vectors(NamedTuple):
    """Words, their vectors, (n_words, width), and whether all words are in lower case."""

    words: tuple[str, ...]
    table: np.ndarray[Any, Any]
    lower: bool


def open_vectors(name: str) -> TextEncoder | None:
    """The vectors in a file; None for other names, and for texts of another kind.

    Raises ConfigError if a file that should hold vectors by its name is missing, or holds none.
    """
    file = expand_home(name)
    if file.suffix.lower() not in _SUFFIXES:
        return None
    if other := why_no_file(file):
        raise ConfigError(f"{other}; expected a file.")
    if not file.is_file():
        raise ConfigError(f"there is no file {file}; expected vectors of words, such as glove.6B.50d.txt.")
    try:
        width = _width(file)
    except ConfigError:
        if file.suffix.lower() == ".vec" or "glove" in file.name.lower():
            raise
        return None
    return TextEncoder(
        name=name,
        graph=partial(_graph, file),
        sizes=((1, N_TOKENS),),
        source=f"the file {file.name}, {width} numbers per word, of which at most {_MOST_WORDS:,} words are read",
        licence="PDDL-1.0" if _PUBLISHED.fullmatch(file.name) else "",
        tokenizer=partial(_tokenizer, file),
        unknown=UNKNOWN,
        skip_unknown=True,
    )


def _graph(file: Path, _height: int, _n_tokens: int) -> onnx.ModelProto:
    return lookup_graph(with_unknown(_read(file).table))


def _tokenizer(file: Path) -> str:
    vectors = _read(file)
    return word_tokenizer(vectors.words, lower=vectors.lower)


def _read(file: Path) -> _Vectors:
    state = file.stat()
    return _kept(file.absolute(), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _kept(file: Path, _mtime_ns: int, _size: int) -> _Vectors:
    """What a file holds, from the cache if it was read before: a gigabyte takes a minute."""
    folder = kept_network(file.stem, [_VERSION, file_digest(file)], partial(_parse, file))
    about = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    return _Vectors(tuple(about["words"]), np.load(folder / "table.npy", allow_pickle=False), about["lower"])


def _parse(file: Path, folder: Path) -> None:
    width = _width(file)
    places: dict[str, int] = {}
    tables = []
    most = min(_MOST_WORDS, _MOST_BYTES // (4 * width))
    for number, words, table in _blocks(file, width):
        if not np.isfinite(table).all():
            raise ConfigError(
                f"{file} has numbers that are not finite, in the {_LINES_TOGETHER} lines from {number} on."
            )
        fresh = []
        for row, word in enumerate(words):
            if word and word != UNKNOWN and word not in places:
                places[word] = len(places)
                fresh.append(row)
        tables.append(table[fresh])
        if len(places) >= most:
            break
    if not places:
        raise ConfigError(f"{file} holds no vectors of words.")
    found = list(places)[:most]
    np.save(folder / "table.npy", np.concatenate(tables)[:most])
    about = {"words": found, "lower": all(word == word.lower() for word in found[:50_000])}
    (folder / "words.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def _blocks(file: Path, width: int) -> Iterator[tuple[int, list[str], np.ndarray[Any, Any]]]:
    """Numbers of lines, words and vectors, some lines at a time; raises ConfigError for a line that is not like it."""
    with file.open("rb") as opened:
        _skip_header(opened)
        number = 1
        while lines := [line.rstrip() for line in islice(opened, _LINES_TOGETHER)]:
            # A word may hold spaces, as in glove.840B: numbers are counted from the end.
            parts = [line.rsplit(b" ", width) for line in lines if line]
            wrong = next((place for place, part in enumerate(parts) if len(part) != width + 1), None)
            table = None if wrong is not None else _numbers(parts)
            if table is None:
                where = f"near line {number + (wrong or 0)}"
                raise ConfigError(
                    f"{file} is damaged {where}: expected a word and {width} numbers, separated by spaces."
                )
            # Distinct words must not become one if their bytes are not UTF-8.
            yield number, [part[0].decode("utf-8", "backslashreplace") for part in parts], table
            number += len(lines)


def _numbers(parts: list[list[bytes]]) -> np.ndarray[Any, Any] | None:
    """The numbers in lines, float32 (n, width); None if some are none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an overflow is a warning
            return np.array([part[1:] for part in parts]).astype(np.float32)
    except (ValueError, RuntimeWarning):
        return None


def _skip_header(opened: Any) -> None:
    first = opened.readline(_LONGEST_LINE)
    if len(first.split()) != 2:
        opened.seek(0)


@lru_cache(maxsize=8)
def _first_line(file: Path, _mtime_ns: int) -> bytes:
    with file.open("rb") as opened:
        _skip_header(opened)
        return opened.readline(_LONGEST_LINE)


def _width(file: Path) -> int:
    """How many numbers a word has; ConfigError if the first line is not a word with numbers."""
    try:
        parts = _first_line(file, file.stat().st_mtime_ns).rstrip().split(b" ")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}.") from error
    n_numbers = 0
    for part in reversed(parts[1:]):
        try:
            float(part)
        except ValueError:
            break
        n_numbers += 1
    if not _LEAST_WIDTH <= n_numbers <= _MOST_WIDTH:
        raise ConfigError(
            f"{file} holds no vectors of words: its first line has {n_numbers} numbers at its end. Expected a word and "
            f"{_LEAST_WIDTH} to {_MOST_WIDTH} numbers in each line, separated by spaces, as in glove.6B.50d.txt."
        )
    return n_numbers
