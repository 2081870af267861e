"""Images whose decoder may crash: tried in a child process before they are decoded in this one."""

from __future__ import annotations

import tempfile
from pathlib import Path

from autotl.images.decoder import HEIC, ImageSource, UnreadableImage, open_image
from autotl.runtime.child_process import Isolated

_try = Isolated("images.safe_decode", "_decoded")


def decode_risk(source: ImageSource) -> str:
    """Why an image must not be decoded in this process; empty where it may be.

    Damaged HEIC files have crashed their decoder (pi-heif 1.4.0); other formats are not tried here.
    source: the file's bytes, or its path.
    """
    if not _is_heic(source):
        return ""
    if not isinstance(source, bytes):
        return _reason(Path(source))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.heic"
        file.write_bytes(source)
        return _reason(file)


def _reason(file: Path) -> str:
    answer = _try(file)
    return answer if isinstance(answer, str) else ""


def _is_heic(source: ImageSource) -> bool:
    if isinstance(source, bytes):
        return bool(HEIC.match(source[:12]))
    try:
        if not Path(source).is_file():  # a pipe would block for ever
            return False
        with Path(source).open("rb") as file:
            return bool(HEIC.match(file.read(12)))
    except OSError:
        return False


def _decoded(path: Path) -> bytes | str:
    """What the child process does: return nothing, or the reason why the file cannot be decoded."""
    try:
        open_image(path)
    except UnreadableImage as error:
        return str(error)
    return b""
