"""The file of a pair: JSON that names the files of its image and its text, or holds them.

An exported model carries a copy of this file, so it imports the standard library, nothing more.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, NamedTuple


class UnreadablePair(ValueError):  # noqa: N818, as of images and texts
    """Why a pair cannot be read."""


class PairFile(NamedTuple):  # a dataclass cannot be created in the module of an exported model
    """The two parts of a pair. image: the path of its file, or its bytes. text: the path of its file, or the text."""

    image: Path | bytes
    text: Path | str


def named_parts(image: str, text: str) -> bytes:
    """The file of a pair that names the files of its parts; a path is absolute, or relative to the pair's folder."""
    return _written({"image": {"path": image}, "text": {"path": text}})


def held_parts(image: bytes, text: str) -> bytes:
    """The file of a pair that holds its parts."""
    return _written({"image": {"base64": base64.b64encode(image).decode()}, "text": {"string": text}})


def read_pair(data: bytes, folder: Path) -> PairFile:
    """Read the file of a pair. folder: the one it is in. Raises UnreadablePair."""
    try:
        document = json.loads(data.decode("utf-8"))
        image, text = document["image"], document["text"]
        if "path" not in text and not isinstance(text["string"], str):
            raise TypeError("its text is not a string")
        return PairFile(
            folder / image["path"] if "path" in image else base64.b64decode(image["base64"], validate=True),
            folder / text["path"] if "path" in text else text["string"],
        )
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UnreadablePair(f"it is not the file of a pair ({error})") from None


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
