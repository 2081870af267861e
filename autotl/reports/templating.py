"""Loads the package's templates, which escape their values and format numbers consistently."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2


def capital(sentence: str) -> str:
    """A sentence with a capital letter first."""
    return sentence[:1].upper() + sentence[1:]


def number(value: float | None, digits: int) -> str:
    """A number as it is printed; a dash where it is undefined."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def signed(value: float, digits: int) -> str:
    """A difference as it is printed, with its sign unless it rounds to 0."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text


def full_stop(sentence: str) -> str:
    """A sentence with its full stop."""
    return sentence if sentence[-1:] in ".!?" else f"{sentence}."


def pointer(name: str) -> str:
    """A name as a part of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def template(name: str) -> jinja2.Template:
    """One of the package's templates; values are escaped, and an undefined name is an error."""
    return _environment(name.endswith(".md.j2")).get_template(name)


@cache  # it keeps the templates that it has compiled: a search writes its report several times
def _environment(markdown: bool) -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autotl.reports", "templates"),
        autoescape=jinja2.select_autoescape(("html", "html.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_markdown if markdown else None,
    )
    environment.filters |= {
        "number": number, "signed": signed, "capital": capital, "full_stop": full_stop, "pointer": pointer,
    }  # fmt: skip
    return environment


def _markdown(value: Any) -> Any:
    """Text escaped for markdown, so that no class name becomes an image, a link or a table row."""
    if not isinstance(value, str):
        return value
    # An underscore within a word is not emphasis.
    return re.sub(r"[\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)", r"\\\g<0>", re.sub(r"[\r\n]+", " ", value))
