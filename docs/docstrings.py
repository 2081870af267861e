"""A Sphinx extension that brings our short docstrings into numpydoc form: `name: text` becomes a section of its own.

Docstrings that already have sections pass unchanged. Only names of the object's own fields or parameters count, so that
a sentence with a colon in it stays a sentence.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before napoleon, which reads the sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}


def _process(_app: Sphinx, what: str, _name: str, obj: object, _options: object, lines: list[str]) -> None:
    if what in ("class", "exception", "function", "method"):
        section = "Attributes" if what in ("class", "exception") else "Parameters"
        lines[:] = numpydoc_form(lines, names_of(obj), section=section)


def names_of(obj: object) -> tuple[str, ...]:
    """Return the names of a class's annotated fields, or of a function's parameters."""
    if inspect.isclass(obj):
        return tuple(inspect.get_annotations(obj)) or names_of(obj.__init__)
    return tuple(inspect.signature(obj).parameters) if callable(obj) else ()


def numpydoc_form(lines: Sequence[str], names: Sequence[str], *, section: str) -> list[str]:
    """Move each `name: text` into the section, where several share a line each of them; the rest stays as it is."""
    if not names or any(re.fullmatch(r"-{4,}", line) for line in lines):
        return list(lines)
    name = f"(?:{'|'.join(map(re.escape, names))})"
    entry = re.compile(rf"({name}(?:, {name})*)(\([^)]*\))?: (.*)")
    kept: list[str] = []
    blocks: list[str] = []
    in_block = False
    for line in lines:
        in_block = bool(entry.match(line)) or (in_block and line.startswith(" "))
        if not in_block:
            kept.append(line)
        elif line.startswith(" "):
            blocks[-1] += f" {line.strip()}"
        else:
            blocks.append(line)
    if not blocks:
        return kept
    body = []
    for text in (part for block in blocks for part in re.split(rf"(?<=[.;]) (?={name}: )", block)):
        found = entry.fullmatch(text)
        assert found, text
        called = f"`{found[1]}{found[2]}`: " if found[2] else ""
        body += [found[1], f"    {called}{found[3].rstrip(';')}"]
    return [*kept, "", section, "-" * len(section), *body, ""]
