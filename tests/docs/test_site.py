"""The documentation builds without a warning, opens offline, and its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("sphinx")
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.heavy
KINDS = (
    "backbone",
    "encoder",
    "head",
    "evaluator",
    "check",
    "sampler",
    "executor",
    "crop",
    "debias-method",
    "autoencoder",
    "exporter",
    "panel",
    "registry",
    "watcher",
)


class Page(HTMLParser):
    """What a page loads, where its links lead, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.targets: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.targets |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link":
            self.loaded.append(found.get("href", ""))
        elif "src" in found:
            self.loaded.append(found["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-b", "html", str(ROOT / "docs")]
    env = {**os.environ, "HOME": str(out)}
    done = subprocess.run([*command, str(out / "html")], capture_output=True, text=True, timeout=280, env=env)
    assert done.returncode == 0, done.stderr
    return out / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in site.rglob("*.html")}


def test_no_page_or_style_loads_anything_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for address in page.loaded:
            assert not urlsplit(address).netloc, f"{path.name} loads {address}"
            assert not urlsplit(address).scheme or address.startswith("data:"), f"{path.name} loads {address}"
    for style in site.rglob("*.css"):
        for address in re.findall(r"url\(([^)]*)\)|@import", style.read_text(encoding="utf-8")):
            assert "//" not in address.replace("http://www.w3.org/", ""), f"{style.name} loads {address}"


def test_everything_that_a_page_loads_or_links_to_exists(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for address in (*page.loaded, *page.links):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.relative_to(site)} refers to {address}"
            if parts.fragment and target in pages:
                names = pages[target].targets
                assert unquote(parts.fragment) in names, f"{path.relative_to(site)} refers to {address}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_plugin_has_a_page_with_an_example(site: Path, kind: str) -> None:
    text = (site / "plugins" / f"{kind}.html").read_text(encoding="utf-8")
    assert "examples/" in text
    assert "hookimpl" in text


def test_the_reference_names_every_command_and_every_public_function(site: Path) -> None:
    from autotl.cli.app import COMMANDS

    reference = (site / "command_line.html").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f'id="autotl-{command.__name__.replace("_", "-")}"' in reference
    for name in ("fit", "check", "load", "FittedModel"):
        assert f'id="autotl.api.{name}"' in (site / "api" / "api.html").read_text(encoding="utf-8")


def test_the_drawing_shows_every_folder() -> None:
    from draw_architecture import draw
    from imports import folder_imports

    graph = folder_imports()
    drawn = re.sub(r"<[^>]*>", "|", draw(graph))
    for folder in graph:
        if graph[folder] or any(folder in found for found in graph.values()):
            assert (folder.partition(".")[2] or "__init__") in drawn, folder


def test_the_drawing_is_refused_where_its_texts_no_longer_fit_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    import draw_architecture
    from imports import folder_imports

    graph = {**folder_imports(), "autotl.unheard_of": set()}
    with pytest.raises(ValueError, match=r"autotl\.unheard_of"):
        draw_architecture.draw(graph)
    monkeypatch.setitem(draw_architecture.WAY_OF_THE_DATA, "autotl.data", ("Datenmenge",))
    with pytest.raises(ValueError, match="no longer defines Datenmenge"):
        draw_architecture.draw(folder_imports())


def test_short_docstrings_are_brought_into_numpydoc_form() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        from docstrings import numpydoc_form
    finally:
        sys.path.pop(0)
    lines = ["Fit.", "", "a, b: names; c: a number,", "    or none.", "run(x): called once.", "Note: a sentence."]
    assert numpydoc_form(lines, ("a", "b", "c", "run"), section="Parameters") == [
        "Fit.", "", "Note: a sentence.", "", "Parameters", "----------",
        "a, b", "    names", "c", "    a number, or none.", "run", "    `run(x)`: called once.", "",
    ]  # fmt: skip
