"""One reader for all text files, so that a text gives the same words in training and in prediction.

An exported model carries a copy of this file, so it imports the standard library and modules beside it, nothing more.
"""

from __future__ import annotations

import email
import email.header
import re
from email.message import Message
from email.policy import Compat32
from typing import cast

from autotl.texts.decoding import DecodedText, clean_text, decode_text
from autotl.texts.html_text import shown_text

TEXT_FORMATS = {
    ".txt": "txt", ".text": "txt", ".md": "md", ".markdown": "md", ".eml": "eml", ".html": "html", ".htm": "html"
}  # fmt: skip
"""The format of a text file by its suffix, in lower case."""
MOST_TEXT_BYTES = 1 << 22
"""Larger files are refused: four million characters are several novels."""
_NOT_TEXT_STARTS = (
    (b"%PDF-", "a PDF document"), (b"{\\rtf", "an RTF document"), (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"), (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"), (b"\x1f\x8b", "a gzip archive"), (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x7fELF", "a program"), (b"SQLite format 3\0", "an SQLite database"), (b"PAR1", "a Parquet table"),
)  # fmt: skip
_MOST_STRANGE = 0.05
_MOST_PARTS, _MOST_HEADER_CHARACTERS = 5_000, 8_192
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{1,30})", re.IGNORECASE)
_CHARSET_BYTES = 2048


class UnreadableText(ValueError):  # noqa: N818, as UnreadableImage
    """A file that is not a text, with the reason, which follows on the file's name."""


def read_text(data: bytes, suffix: str) -> str:
    """The text of a file's bytes. suffix: of its name, such as ".eml"; unknown ones are read as plain text.

    An e-mail gives its subject and its body, HTML what a page shows. Raises UnreadableText, with the reason.
    """
    return read_text_and_encoding(data, suffix).text


def read_text_and_encoding(data: bytes, suffix: str) -> DecodedText:
    """As `read_text`, with the encoding of the bytes."""
    form = TEXT_FORMATS.get(suffix.lower(), "txt")
    if form == "eml":
        data = data[:MOST_TEXT_BYTES]  # large e-mails are so by their attachments, which come after the body
    require_text(data)
    try:
        if form == "eml":
            found = _email_text(data)
        elif form == "html":
            found = _html_text(data)
        else:
            found = decode_text(data)
    except UnreadableText:
        raise
    except Exception as error:  # the standard library's parsers raise all kinds on hostile input
        raise UnreadableText(f"it cannot be read as {form} ({type(error).__name__})") from error
    if found.strange > _MOST_STRANGE:
        raise UnreadableText(f"{100 * found.strange:.0f} % of its characters are not those of a text")
    return found


def require_text(data: bytes) -> None:
    """Raise UnreadableText where bytes are too many, or those of another kind of file."""
    if len(data) > MOST_TEXT_BYTES:
        raise UnreadableText(f"it has more than {MOST_TEXT_BYTES >> 20} MiB, the limit of a text")
    for start, kind in _NOT_TEXT_STARTS:
        if data.startswith(start):
            raise UnreadableText(f"it is {kind}, not plain text")


class _ShortHeaders(Compat32):
    """Reads the first characters of a header: the time to take it apart grows with the square of its length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """The name and the value of a header."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_MOST_HEADER_CHARACTERS]


def _email_text(data: bytes) -> DecodedText:
    """The subject and the body of an e-mail; its other headers and its attachments are left out."""
    if (n := data.count(b"\n--")) > _MOST_PARTS:
        raise UnreadableText(f"it has up to {n:,} parts, and the limit is {_MOST_PARTS:,}")
    message = email.message_from_bytes(data, policy=_ShortHeaders())
    subject = _subject(message)
    bodies = [part for part in message.walk() if not part.is_multipart() and not part.get_filename()]
    for kind in ("text/plain", "text/html"):
        part = next((part for part in bodies if part.get_content_type() == kind), None)
        if part is not None:
            body = _body(part)
            declared = str(part.get_content_charset() or "")
            found = decode_text(body, declared) if kind == "text/plain" else _html_text(body, declared)
            return found._replace(text="\n\n".join(filter(None, (subject, found.text))))
    return decode_text(subject.encode("utf-8", "replace"))


def _body(part: Message) -> bytes:
    """The bytes of a part; uuencode is left as it is, because the time to decode it grows with the square."""
    if str(part.get("content-transfer-encoding", "")).strip().lower() not in ("base64", "quoted-printable"):
        del part["content-transfer-encoding"]
    return cast("bytes", part.get_payload(decode=True))


def _subject(message: Message) -> str:
    parts = email.header.decode_header(message.get("subject", ""))
    texts = [part if isinstance(part, str) else decode_text(part, charset or "").text for part, charset in parts]
    return " ".join(" ".join(texts).split())


def _html_text(data: bytes, declared: str = "") -> DecodedText:
    if not declared and (named := _CHARSET.search(data[:_CHARSET_BYTES])):
        declared = named[1].decode("ascii")
    source = decode_text(data, declared)
    # Cleaned again, because a reference such as &#0; may have brought in what the source does not have.
    return source._replace(text=clean_text(shown_text(source.text)))
