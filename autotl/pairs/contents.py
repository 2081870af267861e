"""The contents of a pair, wherever they are."""

from __future__ import annotations

from pathlib import Path

from autotl.pairs.pair_files import PairFile, UnreadablePair, read_pair
from autotl.texts.files import read_text_file


def open_file(path: Path) -> PairFile:
    """The pair in a file; raises UnreadablePair."""
    try:
        return read_pair(path.read_bytes(), path.parent)
    except OSError as error:
        raise UnreadablePair(f"it cannot be read: {error.strerror or error}") from None


def files_of(path: Path) -> tuple[Path, Path]:
    """The files of the image and of the text that a pair's file names; UnreadablePair if it does not name both."""
    image, text = open_file(path)
    if not (isinstance(image, Path) and isinstance(text, Path)):
        raise UnreadablePair("it holds its parts; a dataset has pairs that name the files of their parts")
    return image, text


def contents_of(pair: PairFile) -> tuple[bytes, str]:
    """The bytes of the image and the text of a pair, read from the files that it names.

    Raises OSError if the image cannot be read, and UnreadableText if the text cannot.
    """
    image = pair.image if isinstance(pair.image, bytes) else pair.image.read_bytes()
    return image, pair.text if isinstance(pair.text, str) else read_text_file(pair.text)
