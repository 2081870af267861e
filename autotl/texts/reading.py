"""One reader for all text files, so that a text gives the same words in training and in prediction.

An exported model carries a copy of this file, so it imports the standard library and `decoding`, nothing more.
"""

from __future__ import annotations

import email
import email.header
import re
from email.message import Message
from html.parser import HTMLParser

from autotl.texts.decoding import DecodedText, decode_text, share_not_text

TEXT_FORMATS = {
    ".txt": "txt", ".text": "txt", ".md": "md", ".markdown": "md", ".eml": "eml", ".html": "html", ".htm": "html"
}  # fmt: skip
"""The format of a text file by its suffix, in lower case."""
MOST_TEXT_BYTES = 1 << 22
"""Longer files are refused: four million characters are several novels."""
_NOT_TEXT_STARTS = (
    (b"%PDF-", "a PDF document"), (b"{\\rtf", "an RTF document"), (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"), (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"), (b"\x1f\x8b", "a gzip archive"), (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x7fELF", "a program"), (b"SQLite format 3\0", "an SQLite database"), (b"PAR1", "a Parquet table"),
)  # fmt: skip
_MOST_NOT_TEXT = 0.05
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{1,30})", re.IGNORECASE)
_CHARSET_BYTES = 2048
_HIDDEN_TAGS = frozenset({"script", "style", "template", "noscript", "iframe", "object", "svg"})
_BLOCK_TAGS = frozenset({
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol",
    "option", "p", "pre", "section", "table", "td", "th", "title", "tr", "ul",
})  # fmt: skip


class UnreadableText(ValueError):  # noqa: N818, as UnreadableImage
    """A file that is not a text, with the reason, which follows on the file's name."""


def read_text(data: bytes, suffix: str) -> str:
    """The text of a file's bytes. suffix: of its name, such as ".eml"; unknown ones are read as plain text.

    An e-mail gives its subject and its body, HTML what a page shows. Raises UnreadableText, with the reason.
    """
    return read_text_and_encoding(data, suffix).text


def read_text_and_encoding(data: bytes, suffix: str) -> DecodedText:
    """As `read_text`, with the encoding of the bytes."""
    require_text(data)
    form = TEXT_FORMATS.get(suffix.lower(), "txt")
    try:
        if form == "eml":
            found = _email_text(data)
        elif form == "html":
            found = _html_text(data)
        else:
            found = decode_text(data)
    except Exception as error:  # the standard library's parsers raise all kinds on hostile input
        raise UnreadableText(f"it cannot be read as {form} ({type(error).__name__})") from error
    if (share := share_not_text(found.text)) > _MOST_NOT_TEXT:
        raise UnreadableText(f"{100 * share:.0f} % of its characters are not those of a text")
    return found


def require_text(data: bytes) -> None:
    """Raise UnreadableText where bytes are too many, or those of another kind of file."""
    if len(data) > MOST_TEXT_BYTES:
        raise UnreadableText(f"it has {len(data) / 2**20:.1f} MiB, and the limit of a text is {MOST_TEXT_BYTES >> 20}")
    for start, kind in _NOT_TEXT_STARTS:
        if data.startswith(start):
            raise UnreadableText(f"it is {kind}, not plain text")


def _email_text(data: bytes) -> DecodedText:
    """The subject and the body of an e-mail; its other headers and its attachments are left out."""
    message = email.message_from_bytes(data)
    subject = _subject(message)
    bodies = [part for part in message.walk() if not part.is_multipart() and not part.get_filename()]
    for kind in ("text/plain", "text/html"):
        part = next((part for part in bodies if part.get_content_type() == kind), None)
        if part is not None:
            body = part.get_payload(decode=True)
            assert isinstance(body, bytes)
            declared = str(part.get_content_charset() or "")
            found = decode_text(body, declared) if kind == "text/plain" else _html_text(body, declared)
            return DecodedText("\n\n".join(filter(None, (subject, found.text))), found.encoding)
    return DecodedText(subject, decode_text(subject.encode()).encoding)


def _subject(message: Message) -> str:
    parts = email.header.decode_header(message.get("subject", ""))
    texts = [part if isinstance(part, str) else decode_text(part, charset or "").text for part, charset in parts]
    return " ".join(" ".join(texts).split())


def _html_text(data: bytes, declared: str = "") -> DecodedText:
    if not declared and (named := _CHARSET.search(data[:_CHARSET_BYTES])):
        declared = named[1].decode("ascii")
    source, encoding = decode_text(data, declared)
    if (share := share_not_text(source)) > _MOST_NOT_TEXT:
        raise UnreadableText(f"{100 * share:.0f} % of its characters are not those of a text")
    page = _Page()
    page.feed(source)
    page.close()
    # Decoded again, because a reference such as &#0; may have brought in what the source does not have.
    lines = (" ".join(line.split()) for line in "".join(page.shown).split("\n"))
    return DecodedText(decode_text("\n".join(filter(None, lines)).encode("utf-8", "replace")).text, encoding)


class _Page(HTMLParser):
    """Collects the text that a page shows, with a line feed around each block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.shown: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Note where a hidden part or a block begins."""
        self._hidden += tag in _HIDDEN_TAGS
        if tag in _BLOCK_TAGS:
            self.shown.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """A tag without content hides nothing."""
        if tag in _BLOCK_TAGS:
            self.shown.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Note where a hidden part or a block ends."""
        self._hidden = max(0, self._hidden - (tag in _HIDDEN_TAGS))
        if tag in _BLOCK_TAGS:
            self.shown.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep what is shown; a line feed in the source is a space on the page."""
        if not self._hidden:
            self.shown.append(data.replace("\n", " "))
