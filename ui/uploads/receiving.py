"""The bytes of an upload as they arrive, written to the files that they belong to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from autotl_ui.uploads.upload import Upload, UploadError
from autotl_ui.widgets.words import megabytes


class Receiver:
    """Writes bytes to the files of an upload; a file appears under its name once it is whole.

    numbers: of the files, in the order of their bytes. offset: where the bytes begin in the only file, of which a part
    has arrived before. length: of all bytes to come. Raises UploadError if these do not fit together.
    """

    _busy: set[Path] = set()  # noqa: RUF012 - the server is one process, and one request at a time may append to a file

    def __init__(self, upload: Upload, numbers: Sequence[int], *, offset: int, length: int) -> None:
        known = upload.by_number
        if not numbers or len(set(numbers)) < len(numbers) or any(number not in known for number in numbers):
            raise UploadError("Some of these files were not announced.")
        self._upload, self._pending = upload, [known[number] for number in reversed(numbers)]
        whole = sum(file.size for file in self._pending)
        self._whole = not offset and length == whole
        if not self._whole and (len(numbers) > 1 or offset < 0 or length < 1 or offset + length > whole):
            raise UploadError(f"{length:,} bytes were sent, {whole - offset:,} are missing. Try again.")
        self._expected, self._offset = length, offset
        self._file: BinaryIO | None = None
        self._path, self._left = Path(), 0

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        view = memoryview(data)
        self._expected -= len(view)
        if self._expected < 0:
            raise UploadError("More bytes came than were announced. Try again.", status=413)
        while view:
            if self._file is None:
                self._open()
            assert self._file
            piece, view = view[: self._left], view[self._left :]
            self._file.write(piece)
            self._left -= len(piece)
            if not self._left:
                self._finish()

    def close(self) -> None:
        """End the request; of a file that is not whole nothing stays, unless it is sent in parts."""
        if self._file:
            self._file.close()
            self._file = None
            self._busy.discard(self._path)
            if self._whole:
                self._path.unlink(missing_ok=True)

    def _open(self) -> None:
        file = self._pending[-1]
        self._left = file.size - self._offset
        if self._whole:
            self._path = self._upload.parts / f"{file.number}.{uuid.uuid4().hex}"
            self._file = self._path.open("wb")
            return
        self._path = self._upload.parts / str(file.number)
        whole = self._upload.files / file.target
        there = next((path.stat().st_size for path in (whole, self._path) if path.is_file()), 0)
        if self._path in self._busy or there != self._offset:
            raise UploadError(
                f"{megabytes(there)} of this file are there, and the bytes sent do not continue from there. Try again.",
                status=409, there=there,
            )  # fmt: skip
        self._busy.add(self._path)
        self._file = self._path.open("ab")

    def _finish(self) -> None:
        assert self._file
        self._file.close()
        self._file = None
        self._busy.discard(self._path)
        target = self._upload.files / self._pending.pop().target
        target.parent.mkdir(parents=True, exist_ok=True)
        self._path.replace(target)
        self._offset = 0
