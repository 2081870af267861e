"""The contents of a pair, wherever they are."""

from __future__ import annotations

from autotl.pairs.pair_files import PairFile
from autotl.texts.files import read_text_file


def contents_of(pair: PairFile) -> tuple[bytes, str]:
    """The bytes of the image and the text of a pair, read from the files that it names.

    Raises OSError if the image cannot be read, and UnreadableText if the text cannot.
    """
    image = pair.image if isinstance(pair.image, bytes) else pair.image.read_bytes()
    return image, pair.text if isinstance(pair.text, str) else read_text_file(pair.text)
