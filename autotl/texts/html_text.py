"""What a page of HTML shows, as text.

An exported model carries a copy of this file, so it imports the standard library, nothing more. `html.parser` is not
used: it has read the same page differently since its security fixes of 2025, and before them its time for damaged
pages grew with the square of their length.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"""</?([a-zA-Z][a-zA-Z0-9]*)(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""")
_ROUGH_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)[^<>]*+>")
"""For tags in which quotation marks do not match."""
_DECLARATION = re.compile(r"<[!?/][^<>]*+>")
_HIDDEN_TAGS = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "template", "noscript", "iframe", "object", "svg")
}
_BLOCK_TAGS = frozenset({
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol",
    "option", "p", "pre", "section", "table", "td", "th", "title", "tr", "ul",
})  # fmt: skip


def shown_text(source: str) -> str:
    """The text that a page shows, a line for each block; without comments, scripts and styles."""
    shown = html.unescape("".join(_shown_parts(source)))
    lines = (" ".join(line.split()) for line in shown.split("\n"))
    return "\n".join(filter(None, lines))


def _shown_parts(source: str) -> list[str]:
    """The text between tags, with a line feed for each block tag, in time that grows with the length."""
    source = source.replace("\n", " ")  # a line feed in the source is a space on the page
    parts = []
    position = 0
    while (start := source.find("<", position)) >= 0:
        parts.append(source[position:start])
        if source.startswith("<!--", start):
            end = source.find("-->", start + 4)
            if end < 0:  # as browsers do, the rest of the page is a comment
                return parts
            position = end + 3
        elif tag := _TAG.match(source, start) or _ROUGH_TAG.match(source, start):
            name = tag[1].lower()
            position = tag.end()
            if name in _BLOCK_TAGS:
                parts.append("\n")
            elif name in _HIDDEN_TAGS and not tag[0].startswith("</") and not tag[0].endswith("/>"):
                close = _HIDDEN_TAGS[name].search(source, position)
                if not close:
                    return parts
                position = close.start()
        elif declaration := _DECLARATION.match(source, start):
            position = declaration.end()
        else:  # a sign, as in 1 < 2
            parts.append("<")
            position = start + 1
    parts.append(source[position:])
    return parts
