"""Text files on disk, read at once and never more than a text may have."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from autotl.texts.decoding import DecodedText
from autotl.texts.reading import MOST_TEXT_BYTES, UnreadableText, read_text, read_text_and_encoding

# A pipe would block for ever; on Windows, which lacks that flag, text mode would translate line ends.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_text_file(path: Path) -> str:
    """The text of a file; raises UnreadableText, with the reason."""
    return read_text(file_bytes(path), path.suffix)


def read_text_file_and_encoding(path: Path) -> DecodedText:
    """As `read_text_file`, with the encoding."""
    return read_text_and_encoding(file_bytes(path), path.suffix)


def file_bytes(path: Path, most: int = MOST_TEXT_BYTES) -> bytes:
    """The bytes of a file, at most one more than it may have; raises UnreadableText, with the reason."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise UnreadableText(f"it cannot be opened ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableText("it is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(most + 1)
        except OSError as error:
            raise UnreadableText(f"it cannot be read ({error.strerror})") from error
