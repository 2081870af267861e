"""Renders Vega-Lite figures as SVG, inline in the page's colours and as files next to it."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from autotl.interfaces import Figure
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.child_process import Isolated

INK, SOFT, LINE, ACCENT, WARN = "#1d2733", "#5b6b7b", "#d9e0e7", "#0b6fa4", "#8a4b00"
FOLDER = "figures"
WIDTH = 460
"""Of the plot within a figure, in pixels: with its axis it fits on a sheet of paper and, nearly, on a phone."""
_VARIABLES = {INK: "ink", SOFT: "soft", LINE: "line", ACCENT: "accent", WARN: "warn"}
_ALLOWED = frozenset((
    "svg", "g", "path", "line", "rect", "circle", "text", "tspan", "title", "desc", "defs", "clipPath",
    "linearGradient", "stop",
))  # fmt: skip
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONFIG: Mapping[str, Any] = {
    "background": None,
    "padding": {"left": 24, "right": 16, "top": 4, "bottom": 4},  # text is measured in another font than the reader's
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": SOFT, "titleFontWeight": "normal", "gridColor": LINE, "domainColor": LINE,
        "tickColor": LINE, "labelFontSize": 12, "titleFontSize": 12, "labelLimit": 230, "labelOverlap": "greedy",
        "labelSeparation": 12,
    },
    "legend": {"labelColor": INK, "titleColor": SOFT, "orient": "top", "labelFontSize": 12, "titleFontSize": 12},
    "header": {"labelColor": INK, "titleColor": SOFT},
    "title": {"color": INK},
    "rule": {"color": INK},
    "text": {"color": INK},
    "circle": {"color": ACCENT},
    "point": {"color": ACCENT},
    "bar": {"color": ACCENT},
    "line": {"color": ACCENT},
    "area": {"color": ACCENT},
}  # fmt: skip


class Drawer:
    """Draws figures offline, without a browser, in a child process that the library may crash."""

    def __init__(self) -> None:
        crash = "it crashes the program that draws it, or takes longer than a minute"
        self._drawn = Isolated("reports.figures", "draw_file", crash=crash)

    def __call__(self, figure: Figure) -> str:
        """The figure as an SVG document. Raises ValueError if its specification cannot be drawn."""
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(figure.spec, file)
            file.flush()
            answer = self._drawn(Path(file.name))
        if isinstance(answer, str):
            raise ValueError(answer)
        return answer.decode()

    def close(self) -> None:
        """End the child."""
        self._drawn.close()


def draw_file(path: Path) -> bytes | str:
    """The child's side: the specification in a file as an SVG document, or why it cannot be drawn."""
    try:
        return draw(json.loads(path.read_text(encoding="utf-8"))).encode()
    except ValueError as error:
        return " ".join(str(error).splitlines()[:2])  # the rest is a traceback of the library


def draw(spec: dict[str, Any]) -> str:
    """A Vega-Lite specification as an SVG document. Raises ValueError if it cannot be drawn."""
    import vl_convert

    spec = _in_xml(spec)
    own = spec.get("config") or {}
    spec["config"] = {
        **_CONFIG,
        **{k: {**_CONFIG.get(k, {}), **v} if isinstance(v, dict) else v for k, v in own.items()},
    }
    if not {"width", "facet", "row", "column", "hconcat", "vconcat", "concat", "repeat"} & spec.keys():
        spec["width"] = WIDTH
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _in_xml(value: Any) -> Any:
    """A copy without characters that XML does not allow: they make vl-convert abort the whole process."""
    if isinstance(value, dict):
        return {_in_xml(name): _in_xml(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_in_xml(part) for part in value]
    return _NOT_XML.sub("\ufffd", value) if isinstance(value, str) else value


def inline(svg: str, *, number: int, alt: str) -> str:
    """An SVG document as an element of a page, with the page's colours (light or dark) and unique identifiers.

    number: of the figure on the page. Elements and attributes that could run code or fetch resources are removed.
    """
    root = ElementTree.fromstring(svg)
    _clean(root, f"f{number}-")
    for name in ("width", "height", "version", "class"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": alt}
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element, prefix: str) -> None:
    """Clean an element in place, with all below it."""
    element.tag = element.tag.rpartition("}")[2]
    for name, value in list(element.attrib.items()):
        if ":" in name or "}" in name or name == "href" or name.startswith(("on", "aria-")):
            del element.attrib[name]
        elif name == "id":
            element.attrib[name] = prefix + value
        elif value.lower() in _VARIABLES:
            element.attrib[name] = f"var(--{_VARIABLES[value.lower()]})"
        else:
            element.attrib[name] = re.sub(r"url\(#(.*?)\)", rf"url(#{prefix}\1)", value)
    for child in list(element):
        if child.tag.rpartition("}")[2] in _ALLOWED:
            _clean(child, prefix)
        else:
            element.remove(child)


def file_name(number: int, title: str) -> str:
    """The name of a figure's file, by its number and title."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:50].strip("-")
    return f"{number:02d}-{words or 'figure'}.svg"


def write_files(run_folder: Path, drawn: Sequence[tuple[str, str]]) -> None:
    """Write figures beside the report. drawn: pairs of a title and an SVG document, in order."""
    folder = run_folder / FOLDER
    folder.mkdir(exist_ok=True)
    for old in folder.glob("[0-9][0-9]-*.svg"):
        old.unlink()
    for number, (title, svg) in enumerate(drawn, 1):
        write_atomically(folder / file_name(number, title), svg.encode())
